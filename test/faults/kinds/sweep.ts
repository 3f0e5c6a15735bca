import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fourCells } from '../../support/sweep-grid.ts';
import { killGroup, type Laboratory } from '../laboratory.ts';
import { chances } from '../moments.ts';
import { sweepDifferences } from '../sweep-differences.ts';
import { clean, type Injection, type Kind, unclean, type Verdict } from '../verdict.ts';

/** Kills in the life of one sweep, and sweeps that are killed: fifty kills. */
const CHAIN = 5;
const CHAINS = 10;

interface Reference {
  readonly folder: string;
  /** Milliseconds of the whole command. */
  readonly took: number;
  readonly argv: (out: string, workers: number) => string[];
}

const references = new WeakMap<Laboratory, Promise<Reference>>();

function referenceOf(laboratory: Laboratory): Promise<Reference> {
  const found = references.get(laboratory) ?? make();
  references.set(laboratory, found);
  return found;

  async function make(): Promise<Reference> {
    const grid = join(laboratory.folder, 'grid.json');
    writeFileSync(grid, JSON.stringify(fourCells));
    const argv = (out: string, workers: number): string[] => [
      ...['sweep', grid, '--out', out, '--adapter', 'software'],
      ...(workers > 1 ? ['--workers', String(workers)] : []),
    ];
    const folder = laboratory.path('sweep');
    const begun = performance.now();
    const { code, stderr } = await laboratory.run(argv(folder, 1));
    if (code !== 0) throw new Error(`the reference sweep fails: ${stderr}`);
    return { folder, took: performance.now() - begun, argv };
  }
}

/**
 * Kills sweeps at random moments, starts each again, and compares the results. A sweep that ends before
 * its last kill gives way to another.
 */
async function chain(
  laboratory: Laboratory,
  workers: number,
  chance: () => number,
): Promise<Verdict> {
  const { folder: reference, took, argv } = await referenceOf(laboratory);
  let kills = 0;
  for (let sweeps = 0; kills < CHAIN && sweeps < CHAIN; sweeps++) {
    const folder = laboratory.path('killed');
    let ended = false;
    while (kills < CHAIN && !ended) {
      const run = laboratory.start(argv(folder, workers));
      ended = await Promise.race([
        run.ended.then(() => true),
        sleep((chance() * took) / 2).then(() => false),
      ]);
      if (ended) break;
      killGroup(run.child);
      await run.ended;
      kills++;
    }
    const { code, stderr } = await laboratory.run(argv(folder, workers));
    const faults = Math.max(1, kills);
    if (code !== 0) return unclean('the sweep does not go on', stderr.slice(-500), faults);
    const odd = sweepDifferences(folder, reference);
    if (odd.length > 0) {
      return unclean('the sweep ends with other files', odd.slice(0, 5).join('; '), faults);
    }
    laboratory.discard(folder);
  }
  const how = workers === 1 ? 'one process' : `${workers} workers`;
  return clean(`${how}: equal`, Math.max(1, kills));
}

export const sweep: Kind = {
  name: 'sweep',
  summary: `SIGKILL of a whole sweep at random moments, ${CHAIN} in its life`,
  plan: (laboratory, { seed, runs }) =>
    Promise.resolve(
      Array.from({ length: Math.min(CHAINS, Math.ceil(runs / CHAIN)) }, (_, i): Injection => {
        const workers = 1 + (i % 2);
        const id = `sweep/${workers}/${i}`;
        return { id, inject: () => chain(laboratory, workers, chances(seed, id)) };
      }),
    ),
};
