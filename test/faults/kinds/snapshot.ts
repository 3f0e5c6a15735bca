import { experimentOf, type Variant } from '../experiment.ts';
import { statesOf } from '../states.ts';
import { goOn, type Injection, type Kind } from '../verdict.ts';

const sets: readonly (readonly ['small' | 'smallest', Variant])[] = [
  ['small', 'plain'],
  ['smallest', 'f16'],
  ['smallest', 'checkpointing'],
  ['smallest', 'both'],
];

/** Every state in which a kill can leave a run's folder, continued. */
export const snapshot: Kind = {
  name: 'snapshot',
  summary: 'the folder as a kill at each file event leaves it',
  plan: async (laboratory, { runs }) => {
    const injections: Injection[] = [];
    // A few injections do not need every variant.
    for (const [size, variant] of runs < 100 ? sets.slice(1, 2) : sets) {
      const experiment = await experimentOf(laboratory, size, variant);
      for (const state of await statesOf(laboratory, size, variant)) {
        injections.push({
          id: `snapshot/${size}-${variant}/${state.label}`,
          inject: async () => {
            const folder = laboratory.path('state');
            state.write(folder);
            const verdict = await goOn((argv) => laboratory.call(argv), experiment, folder);
            laboratory.discard(folder);
            return verdict;
          },
        });
      }
    }
    return injections;
  },
};
