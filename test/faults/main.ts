import { RandomStream } from '../../src/random.ts';
import { allocation, device, deviceDeno } from './kinds/device.ts';
import { disk } from './kinds/disk.ts';
import { flip } from './kinds/flip.ts';
import { killChromium, killDeno, killEvent, killNode, killPpo } from './kinds/kill.ts';
import { fuzz } from './kinds/fuzz.ts';
import { owners } from './kinds/owners.ts';
import { page } from './kinds/page.ts';
import { signal } from './kinds/signal.ts';
import { snapshot } from './kinds/snapshot.ts';
import { store } from './kinds/store.ts';
import { sweep } from './kinds/sweep.ts';
import { deviceBase, deviceSft, killBase, killSft } from './kinds/written.ts';
import { Laboratory } from './laboratory.ts';
import { type Injection, type Kind, type Options, unclean, type Verdict } from './verdict.ts';

export const kinds: readonly Kind[] = [
  snapshot,
  killEvent,
  killNode,
  killDeno,
  killChromium,
  killPpo,
  killSft,
  killBase,
  sweep,
  signal,
  owners,
  flip,
  store,
  disk,
  device,
  allocation,
  deviceDeno,
  deviceSft,
  deviceBase,
  page,
  fuzz,
];

export interface Wanted extends Options {
  readonly only?: readonly string[];
  /** Prefix of the ids of the wanted injections. */
  readonly case?: string;
  readonly verbose: boolean;
}

/** A random sample of items, in their order. */
function sample<Item>(items: readonly Item[], most: number, seed: number): readonly Item[] {
  if (items.length <= most) return items;
  const order = new RandomStream(seed, 'sampling').shuffle(items.map((_, i) => i));
  const chosen = new Set(order.slice(0, most));
  return items.filter((_, i) => chosen.has(i));
}

async function injected({ inject }: Injection): Promise<readonly Verdict[]> {
  try {
    const found = await inject();
    return 'how' in found ? [found] : found;
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return [unclean('the harness failed', why)];
  }
}

const sums = (all: number, good: number, missed: number): string =>
  `${all} injected, ${good} clean and equal, ${all - good} not` +
  (missed > 0 ? ` (${missed} more not reached)` : '');

/**
 * Runs the wanted injections and reports their outcomes.
 *
 * @returns The number of injections with a wrong outcome.
 */
export async function main(wanted: Wanted, print: (line: string) => void): Promise<number> {
  const chosen = kinds.filter(({ name }) => wanted.only?.includes(name) ?? true);
  const laboratory = await Laboratory.open();
  const stop = (): void => {
    void laboratory.close().finally(() => process.exit(130));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  let [total, good, missed] = [0, 0, 0];
  try {
    for (const kind of chosen) {
      const reason = await kind.unfit?.();
      if (reason !== undefined) {
        print(`${kind.name}: skipped: ${reason}`);
        continue;
      }
      print(`${kind.name}: ${kind.summary}`);
      const plan = await kind.plan(laboratory, wanted);
      const named = plan.filter(({ id }) => id.startsWith(wanted.case ?? ''));
      const some = kind.whole ? named : sample(named, wanted.runs, wanted.seed);
      const counts = new Map<string, number>();
      let [kindAll, kindGood, kindMissed] = [0, 0, 0];
      for (const injection of some) {
        for (const verdict of await injected(injection)) {
          const { clean, how, why = '', injected: number = 1, unreached = false } = verdict;
          kindAll += number;
          if (clean) kindGood += number;
          if (unreached) kindMissed++;
          const words = clean ? how : `NOT: ${how}`;
          counts.set(words, (counts.get(words) ?? 0) + (unreached ? 1 : number));
          if (!clean) print(`  NOT ${injection.id}: ${how}: ${why}`);
          else if (wanted.verbose) print(`  ok ${injection.id}: ${how}`);
        }
      }
      for (const [how, number] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
        print(`  ${String(number).padStart(6)}  ${how}`);
      }
      print(`${kind.name}: ${sums(kindAll, kindGood, kindMissed)}`);
      total += kindAll;
      good += kindGood;
      missed += kindMissed;
    }
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await laboratory.close();
  }
  print(sums(total, good, missed));
  return total - good;
}
