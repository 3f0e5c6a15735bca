import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Experiment, experimentOf, pretrainedOf, type Variant } from '../experiment.ts';
import { killGroup, type Laboratory } from '../laboratory.ts';
import { chances } from '../moments.ts';
import { unfired, ended, goOn, type Injection, type Kind, type Verdict } from '../verdict.ts';

/** A run of a drawn model on a host, or in Node `limr ppo` of a model folder. */
type Subject = 'node' | 'deno' | 'chromium' | 'ppo';

/** Number of kills of one run. Each kill hits the run that continued after the previous kill. */
const CHAIN = 4;
const CHAINS: Readonly<Record<Subject, number>> = { node: 15, deno: 5, chromium: 5, ppo: 8 };

const words = (subject: Subject): string[] =>
  subject === 'chromium' ? ['--host', 'chromium'] : [];
const runsOn = (subject: Subject): 'node' | 'deno' => (subject === 'deno' ? 'deno' : 'node');

const references = new WeakMap<
  Laboratory,
  Map<string, Promise<{ own: Experiment; took: number }>>
>();

/** The experiment with its reference run, and the duration of a whole command. */
function subjectOf(
  laboratory: Laboratory,
  subject: Subject,
  variant: Variant,
): Promise<{ own: Experiment; took: number }> {
  const known =
    references.get(laboratory) ?? new Map<string, Promise<{ own: Experiment; took: number }>>();
  references.set(laboratory, known);
  const key = `${subject}-${variant}`;
  const found = known.get(key) ?? make();
  known.set(key, found);
  return found;

  async function make(): Promise<{ own: Experiment; took: number }> {
    const experiment =
      subject === 'ppo'
        ? pretrainedOf(laboratory, variant)
        : await experimentOf(laboratory, 'small', variant);
    const reference = laboratory.path(`reference-${subject}`);
    const begun = performance.now();
    const argv = [...experiment.start(reference), ...words(subject)];
    const whole = await laboratory.run(argv, { host: runsOn(subject) });
    if (whole.code !== 0) throw new Error(`the reference run on ${subject} fails: ${whole.stderr}`);
    const took = performance.now() - begun;
    return {
      own: {
        ...experiment,
        reference,
        start: (out) => [...experiment.start(out), ...words(subject)],
        resume: (out) => [...experiment.resume(out), ...words(subject)],
      },
      took,
    };
  }
}

/** Kills a run at random moments, continues each time, and compares the result. */
async function chain(
  laboratory: Laboratory,
  subject: Subject,
  variant: Variant,
  chance: () => number,
): Promise<Verdict> {
  const { own, took } = await subjectOf(laboratory, subject, variant);
  const folder = laboratory.path('killed');
  let kills = 0;
  // The rest of the run gets shorter. A command that ends before its kill ends the chain.
  for (let left = took; kills < CHAIN; left *= 0.8) {
    const begun = existsSync(join(folder, 'config.json'));
    const { child, ended: end } = laboratory.start(begun ? own.resume(folder) : own.start(folder), {
      host: runsOn(subject),
    });
    const early = await Promise.race([end, sleep(chance() * left)]);
    if (early) {
      if (early.code !== 0) break;
      const verdict = ended(folder, own, 'equal', Math.max(1, kills));
      laboratory.discard(folder);
      return { ...verdict, how: `${subject}: ${verdict.how}` };
    }
    killGroup(child);
    await end;
    kills++;
  }
  const run = (argv: readonly string[]) => laboratory.run(argv, { host: runsOn(subject) });
  const verdict = await goOn(run, own, folder, Math.max(1, kills));
  laboratory.discard(folder);
  return { ...verdict, how: `${subject}: ${verdict.how}` };
}

/** Real processes, ended by a signal that no process can catch. */
const kindOf = (subject: Subject): Kind => ({
  name: `kill-${subject}`,
  summary: `SIGKILL at random moments, ${CHAIN} in the life of ${subject === 'ppo' ? 'limr ppo of a model folder' : `a run, on ${subject}`}`,
  plan: (laboratory, { seed, runs }) => {
    const most = Math.min(CHAINS[subject], Math.ceil(runs / CHAIN));
    return Promise.resolve(
      Array.from({ length: most }, (_, i): Injection => {
        const variant = i % 3 === 2 && subject !== 'deno' ? 'both' : 'plain';
        const id = `kill-${subject}/${variant}/${i}`;
        return { id, inject: () => chain(laboratory, subject, variant, chances(seed, id)) };
      }),
    );
  },
});

export const killNode = kindOf('node');
export const killDeno = kindOf('deno');
export const killChromium = kindOf('chromium');
export const killPpo = kindOf('ppo');

/** A real process that ends itself at a file event, to confirm the snapshots. */
export const killEvent: Kind = {
  name: 'kill-event',
  summary: 'SIGKILL of a real process at a file event, half of a write done',
  plan: async (laboratory) => {
    const experiment = await experimentOf(laboratory, 'smallest');
    const counted = laboratory.path('counted');
    const { events } = await laboratory.call(experiment.start(counted), {
      files: { folder: counted, mode: 'count' },
    });
    laboratory.discard(counted);
    const most = Math.min(20, events);
    return Array.from({ length: most }, (_, i): Injection => {
      const at = 1 + Math.floor(((i + 0.5) * events) / most);
      return {
        id: `kill-event/${at}`,
        inject: async () => {
          const folder = laboratory.path('killed');
          const killed = await laboratory.run(experiment.start(folder), {
            orders: { files: { folder, mode: 'kill', at } },
          });
          if (killed.signal !== 'SIGKILL') return unfired(killed);
          const verdict = await goOn((argv) => laboratory.run(argv), experiment, folder);
          laboratory.discard(folder);
          return verdict;
        },
      };
    });
  },
};
