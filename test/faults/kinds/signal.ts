import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from '../../../src/cli/chromium.ts';
import { type Experiment, experimentOf } from '../experiment.ts';
import { type Laboratory, script } from '../laboratory.ts';
import { chances, until, updatesDone } from '../moments.ts';
import {
  clean,
  goOn,
  type Injection,
  type Kind,
  lastWords,
  unclean,
  type Verdict,
} from '../verdict.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const TIMES = 4;

const again = async (
  laboratory: Laboratory,
  experiment: Experiment,
  folder: string,
  how: string,
): Promise<Verdict> => {
  const verdict = await goOn((argv) => laboratory.call(argv), experiment, folder);
  laboratory.discard(folder);
  return { ...verdict, how: `${how}, then ${verdict.how}` };
};

async function signalled(
  laboratory: Laboratory,
  signal: NodeJS.Signals,
  chance: number,
): Promise<Verdict> {
  const experiment = await experimentOf(laboratory, 'small');
  const folder = laboratory.path('signalled');
  const { child, ended } = laboratory.start(experiment.start(folder));
  // Wait for the first file: before that there is nothing to keep.
  const updates = Math.floor(chance * 20);
  const begun = () => existsSync(join(folder, 'config.json')) && updatesDone(folder) >= updates;
  if (await until(begun, ended)) child.kill(signal);
  const end = await ended;
  if (end.code === 0) return again(laboratory, experiment, folder, `${signal}: had ended`);
  if (end.code !== 1 || !end.stderr.includes(`limr run --resume ${folder}`)) {
    return unclean(`${signal}: does not say how to go on`, lastWords(end));
  }
  return again(laboratory, experiment, folder, `${signal}: checkpoint and advice`);
}

/**
 * Closes the terminal, as if its window were closed: the process gets a signal and can no longer
 * print.
 */
async function closedTerminal(
  laboratory: Laboratory,
  terminal: string,
  chance: number,
): Promise<Verdict> {
  const experiment = await experimentOf(laboratory, 'small');
  const folder = laboratory.path('closed');
  const pid = laboratory.path('pid');
  const words = [process.execPath, script, ...experiment.start(folder)];
  const command = `echo $$ > ${pid}; exec ${words.map((word) => `'${word}'`).join(' ')}`;
  const { child, ended } = laboratory.start([], {
    program: [terminal, '-qec', `sh -c "${command.replaceAll('$', '\\$')}"`, '/dev/null'],
  });
  const updates = 1 + Math.floor(chance * 18);
  const ready = await until(() => updatesDone(folder) >= updates, ended);
  if (!ready) return again(laboratory, experiment, folder, 'closed terminal: had ended');
  const before = updatesDone(folder);
  child.kill('SIGKILL');
  await ended;
  const own = Number(readFileSync(pid, 'utf8'));
  const alive = (): boolean => {
    try {
      process.kill(own, 0);
      return true;
    } catch {
      return false;
    }
  };
  for (let waited = 0; alive(); waited += 50) {
    if (waited > 120_000) return unclean('closed terminal: does not end', `process ${own}`);
    await sleep(50);
  }
  // A process that ends at once has written only what the last checkpoint has.
  const kept = existsSync(join(folder, 'results.json')) || updatesDone(folder) >= before;
  return kept
    ? again(laboratory, experiment, folder, 'closed terminal')
    : unclean('closed terminal: lost updates', `${updatesDone(folder)} of ${before}`);
}

/** Signals that a run can catch, and a closed terminal. */
export const signal: Kind = {
  name: 'signal',
  summary: 'SIGINT, SIGTERM, SIGHUP and a closed terminal, at random moments',
  unfit: () => (process.platform === 'win32' ? 'there are no signals here' : undefined),
  plan: async (laboratory, { seed, runs }) => {
    const terminal = await findProgram(['script']);
    const times = Math.min(TIMES, Math.ceil(runs / 4));
    const injections: Injection[] = [];
    for (let i = 0; i < times; i++) {
      for (const name of signals) {
        const id = `signal/${name}/${i}`;
        injections.push({ id, inject: () => signalled(laboratory, name, chances(seed, id)()) });
      }
      const id = `signal/closed-terminal/${i}`;
      injections.push({
        id,
        inject: () =>
          terminal === undefined
            ? Promise.resolve(clean('skipped: no program `script` here', 0))
            : closedTerminal(laboratory, terminal, chances(seed, id)()),
      });
    }
    return injections;
  },
};
