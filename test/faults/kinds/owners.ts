import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { experimentOf } from '../experiment.ts';
import type { Ended, Laboratory } from '../laboratory.ts';
import { until, updatesDone } from '../moments.ts';
import {
  clean,
  ended,
  goOn,
  type Injection,
  type Kind,
  lastWords,
  malformed,
  unclean,
  type Verdict,
} from '../verdict.ts';

/**
 * The process that owns the folder must continue. Every other process must say so in one line and
 * change nothing.
 */
function judge(owner: Ended, others: readonly Ended[]): string | undefined {
  if (owner.code !== 0) return `the owner: ${lastWords(owner)}`;
  for (const other of others) {
    const fault = malformed(other, [1, 2]);
    if (fault !== undefined) return `the other: ${fault}`;
  }
  return undefined;
}

/** Of processes that start together, exactly one must own the folder; any may. */
function exactlyOne(all: readonly Ended[]): string | undefined {
  const done = all.filter(({ code }) => code === 0);
  if (done.length !== 1)
    return `${done.length} of ${all.length} ended well: ${all.map(lastWords).join('; ')}`;
  const [owner] = done;
  return judge(
    owner,
    all.filter((one) => one !== owner),
  );
}

async function twoRuns(laboratory: Laboratory): Promise<Verdict> {
  const experiment = await experimentOf(laboratory, 'small');
  const folder = laboratory.path('shared');
  const both = await Promise.all([0, 1].map(() => laboratory.run(experiment.start(folder))));
  const fault = exactlyOne(both);
  if (fault !== undefined) return unclean('two runs at once', fault);
  return ended(folder, experiment, 'two runs at once: one goes on, equal');
}

async function resumeBeside(laboratory: Laboratory, stopped: boolean): Promise<Verdict> {
  const experiment = await experimentOf(laboratory, 'small');
  const folder = laboratory.path('shared');
  const name = stopped ? 'resume beside a suspended run' : 'resume beside a run';
  const owner = laboratory.start(experiment.start(folder));
  const ready = await until(() => updatesDone(folder) >= 4, owner.ended);
  if (!ready) return unclean(name, lastWords(await owner.ended));
  if (stopped) owner.child.kill('SIGSTOP');
  const other = await laboratory.run(experiment.resume(folder));
  if (stopped) owner.child.kill('SIGCONT');
  const fault = judge(await owner.ended, [other]);
  if (fault !== undefined) return unclean(name, fault);
  return ended(folder, experiment, `${name}: refused, equal`);
}

async function twoResumes(laboratory: Laboratory): Promise<Verdict> {
  const experiment = await experimentOf(laboratory, 'small');
  const folder = laboratory.path('shared');
  const owner = laboratory.start(experiment.start(folder));
  await until(() => updatesDone(folder) >= 4, owner.ended);
  owner.child.kill('SIGKILL');
  await owner.ended;
  const both = await Promise.all([0, 1].map(() => laboratory.run(experiment.resume(folder))));
  const fault = exactlyOne(both);
  if (fault !== undefined) return unclean('two resumes at once', fault);
  return ended(folder, experiment, 'two resumes at once: one goes on, equal');
}

/** A dead process leaves its claim behind. */
async function stale(laboratory: Laboratory): Promise<Verdict> {
  const experiment = await experimentOf(laboratory, 'small');
  const folder = laboratory.path('shared');
  const owner = laboratory.start(experiment.start(folder));
  await until(() => existsSync(join(folder, 'config.json')), owner.ended);
  owner.child.kill('SIGKILL');
  await owner.ended;
  const verdict = await goOn((argv) => laboratory.run(argv), experiment, folder);
  laboratory.discard(folder);
  return verdict.clean ? clean(`after a killed owner: ${verdict.how}`) : verdict;
}

const cases: readonly (readonly [string, (laboratory: Laboratory) => Promise<Verdict>])[] = [
  ['two-runs', twoRuns],
  ['beside', (laboratory) => resumeBeside(laboratory, false)],
  ['suspended', (laboratory) => resumeBeside(laboratory, true)],
  ['two-resumes', twoResumes],
  ['stale', stale],
];

/** Two processes and one folder. */
export const owners: Kind = {
  name: 'owners',
  summary: 'two processes on one folder',
  plan: (laboratory, { runs }) =>
    Promise.resolve(
      Array.from({ length: runs < 100 ? 1 : 3 }, (_, turn) =>
        cases.map(([name, inject]): Injection => ({
          id: `owners/${name}/${turn}`,
          inject: () => inject(laboratory),
        })),
      ).flat(),
    ),
};
