import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RandomStream } from '../../src/random.ts';

/** Random numbers in [0, 1), keyed by a case's name and the seed. */
export function chances(seed: number, id: string): () => number {
  let hash = 0;
  for (const char of id) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0;
  const stream = new RandomStream(seed, 'sampling', hash >>> 16, hash & 0xffff);
  return () => stream.below(1_000_000) / 1_000_000;
}

/** Number of updates whose metrics are written. */
export function updatesDone(folder: string): number {
  const path = join(folder, 'metrics.jsonl');
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
}

/**
 * Waits for a condition, checking every few milliseconds. @returns False if `over` settled first.
 */
export async function until(reached: () => boolean, over: Promise<unknown>): Promise<boolean> {
  let ended = false;
  void over.then(() => (ended = true));
  while (!reached()) {
    if (ended) return false;
    await sleep(5);
  }
  return true;
}
