// Writes the page of a made sweep to standard output, for tests of the page in a browser.
import { sweepReport } from '../../src/report/sweep-page.ts';
import { makeEvidence, makeSweep } from './made-sweep.ts';

const sweep = makeSweep({ seeds: [1, 2, 3, 4], methods: ['full', 'rand', 'lim', 'hvar'] });
const evidence = makeEvidence(sweep, { 'task.wrongKeyShare': 0.1 });
process.stdout.write(
  await sweepReport(sweep, evidence, {
    name: 'made',
    commands: ['limr sweep made.json --out made'],
  }),
);
