// npm run soak: runs one experiment after another for a while, and judges each held resource by its
// slope.
import { register } from 'node:module';
import { bringUpToDate } from './fresh.mjs';
import { readArguments } from './process.mjs';

const help = `npm run soak -- [options]

  --minutes N            how long; default 60
  --host node|chromium   where; default node
  --keep-freed           leaves malloc at its defaults in Node; the RSS then counts memory that was
                         freed, too
  --out FILE             every sample as JSON

Live GPU buffers, memory, open handles and the size of checkpoints are looked at once a second. Exit
code 1 where one of them rises, or a run fails.
`;

/** @typedef {{ minutes: number, host: string, keepFreed: boolean, out?: string }} Wanted */
/**
 * @typedef {{ soak: (wanted: Wanted, print: (line: string) => void) => Promise<number> }} Soak
 */

const { values } = readArguments('npm run soak', {
  options: {
    minutes: { type: 'string', default: '60' },
    host: { type: 'string', default: 'node' },
    'keep-freed': { type: 'boolean', default: false },
    out: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

async function main() {
  const { host, out, 'keep-freed': keepFreed } = values;
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const minutes = Number(values.minutes);
  if (!['node', 'chromium'].includes(host) || !(minutes > 0 && minutes <= 10_000)) {
    process.stderr.write(help);
    return 2;
  }
  register('./ts-loader.mjs', import.meta.url);
  await bringUpToDate();
  /** @type {Soak} */
  const { soak } = await import(new URL('../test/faults/soak.ts', import.meta.url).href);
  const failed = await soak(
    { minutes, host, keepFreed, ...(out === undefined ? {} : { out }) },
    (line) => {
      process.stdout.write(`${line}\n`);
    },
  );
  return failed === 0 ? 0 : 1;
}

process.exit(await main());
