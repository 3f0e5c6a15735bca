import { existsSync } from 'node:fs';
import { experimentOf, type Variant } from '../experiment.ts';
import type { Orders } from '../laboratory.ts';
import { ended, type Injection, type Kind, lastWords, unclean, unfired } from '../verdict.ts';

/**
 * The faults, and at which of their moments they are injected: each `every`th of the counter `of`.
 */
const faults = [
  { mode: 'lose', every: 10, of: 'submits', words: 'the device lost before a submit' },
  { mode: 'throw', every: 5, of: 'allocations', words: 'an allocation that throws' },
  { mode: 'memory', every: 5, of: 'allocations', words: 'an allocation without memory' },
  { mode: 'map', every: 10, of: 'mappings', words: 'a mapping that fails' },
] as const;

const kindOf = (name: string, summary: string, modes: readonly string[]): Kind => ({
  name,
  summary,
  plan: async (laboratory, { runs }) => {
    const injections: Injection[] = [];
    const variants: readonly Variant[] = runs < 100 ? ['plain'] : ['plain', 'both'];
    for (const variant of variants) {
      const experiment = await experimentOf(laboratory, 'smallest', variant);
      const counted = laboratory.path('counted');
      const counts = await laboratory.call(experiment.start(counted), {
        device: { mode: 'count' },
      });
      laboratory.discard(counted);
      for (const { mode, every, of, words } of faults) {
        if (!modes.includes(mode)) continue;
        for (let at = 1; at <= counts[of]; at += every) {
          const orders: Orders = { device: { mode, at } };
          injections.push({
            id: `${name}/${variant}/${mode}/${at}`,
            inject: async () => {
              const folder = laboratory.path('lost');
              const reply = await laboratory.call(experiment.start(folder), orders);
              if (reply.fired === 0) return unfired(reply);
              const verdict =
                reply.code === 0
                  ? ended(folder, experiment, 'healed, equal')
                  : unclean('does not heal', lastWords(reply));
              laboratory.discard(folder);
              return { ...verdict, how: `${words}: ${verdict.how}` };
            },
          });
        }
      }
    }
    return injections;
  },
});

/** A lost device, and a device without memory, as WebGPU reports them. */
export const device = kindOf(
  'device',
  'a lost device before every tenth submit, memory at an end at every fifth allocation',
  ['lose', 'memory', 'map'],
);

/**
 * An allocation that throws, as some implementations do where the specification reports an error.
 */
export const allocation = kindOf('allocation', 'an allocation that throws, every fifth', ['throw']);

/** Number of moments of each fault in Deno, where each run compiles everything anew. */
const DENO_MOMENTS = 4;

/** The same faults in Deno, each in a process of its own. */
export const deviceDeno: Kind = {
  name: 'device-deno',
  summary: 'a lost device, and memory at an end, told and thrown, in Deno',
  plan: async (laboratory) => {
    const experiment = await experimentOf(laboratory, 'smallest');
    const counted = laboratory.path('counted');
    const counts = await laboratory.call(experiment.start(counted), { device: { mode: 'count' } });
    laboratory.discard(counted);
    let made: Promise<string> | undefined;
    const onDeno = async () => ({ ...experiment, reference: await (made ??= makeReference()) });
    const makeReference = async (): Promise<string> => {
      const folder = laboratory.path('reference-deno');
      const whole = await laboratory.run(experiment.start(folder), { host: 'deno' });
      if (whole.code !== 0) throw new Error(`the reference run on deno fails: ${whole.stderr}`);
      return folder;
    };
    return faults.flatMap(({ mode, of, words }) =>
      Array.from({ length: DENO_MOMENTS }, (_, i): Injection => {
        const at = 1 + Math.floor(((i + 0.5) * counts[of]) / DENO_MOMENTS);
        return {
          id: `device-deno/${mode}/${at}`,
          inject: async () => {
            const own = await onDeno();
            const folder = laboratory.path('lost');
            const fired = laboratory.path('fired');
            const orders: Orders = { device: { mode, at } };
            const end = await laboratory.run(own.start(folder), { host: 'deno', orders, fired });
            if (!existsSync(fired)) return unfired(end);
            const verdict =
              end.code === 0
                ? ended(folder, own, 'healed, equal')
                : unclean('does not heal', lastWords(end));
            laboratory.discard(folder);
            return { ...verdict, how: `${words}: ${verdict.how}` };
          },
        };
      }),
    );
  },
};
