import { fork } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { root } from '../../scripts/process.mjs';
import { filesOf } from './compare.ts';
import { long } from './experiment.ts';
import type { SoakMessage } from './inside/soak.ts';
import { soakPage } from './soak-page.ts';
import { Laboratory } from './laboratory.ts';

/** What is looked at once a second, each with how much of it may be added from the middle third to the last. */
const series = {
  buffers: { unit: '', share: 0.02, least: 2 },
  'buffer MiB': { unit: ' MiB', share: 0.02, least: 0.5 },
  'RSS MiB': { unit: ' MiB', share: 0.08, least: 24 },
  'heap MiB': { unit: ' MiB', share: 0.25, least: 16 },
  'GPU process MiB': { unit: ' MiB', share: 0.08, least: 24 },
  handles: { unit: '', share: 0, least: 3 },
  /** Within one run: each begins with none. */
  'checkpoint KiB': { unit: ' KiB', share: 0.05, least: 8, byRun: true },
} as const;

export type Series = keyof typeof series;

/** One look: minutes since the start, and what was held. */
export interface Sample {
  /** Which of the runs. */
  readonly run: number;
  readonly minutes: number;
  readonly held: Partial<Record<Series, number>>;
}

export interface SoakResult {
  readonly samples: readonly Sample[];
  readonly runs: number;
  readonly updates: number;
  readonly faults: readonly string[];
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

/** Slope by Theil and Sen, a minute: one odd second moves it little. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  const slopes: number[] = [];
  const step = Math.max(1, Math.floor(points.length / 200));
  for (let i = 0; i < points.length; i += step) {
    for (let j = i + step; j < points.length; j += step) {
      const [a, b] = [points[i], points[j]];
      if (b[0] > a[0]) slopes.push((b[1] - a[1]) / (b[0] - a[0]));
    }
  }
  return slopes.length === 0 ? 0 : median(slopes);
}

/** How much more there is in the last quarter of a run than in its second. */
function riseWithin(points: readonly (readonly [number, number])[]): number {
  const quarter = (which: number): number =>
    median(
      points
        .slice(
          Math.floor((which * points.length) / 4),
          Math.ceil(((which + 1) * points.length) / 4),
        )
        .map(([, value]) => value),
    );
  return quarter(3) - quarter(1);
}

/** Judges each series by its slope once the first third, in which all is made, is over. */
function judge({ samples }: SoakResult, print: (line: string) => void): number {
  let failed = 0;
  const end = samples.at(-1)?.minutes ?? 0;
  for (const [name, { unit, share, least, ...how }] of Object.entries(series)) {
    const pointsOf = (some: readonly Sample[]): [number, number][] =>
      some.flatMap(({ minutes, held }): [number, number][] => {
        const value = held[name as Series];
        return value === undefined ? [] : [[minutes, value]];
      });
    const number = (value: number): string => value.toFixed(Math.abs(value) < 100 ? 2 : 0);
    if ('byRun' in how) {
      const numbers = [...new Set(samples.map(({ run }) => run))];
      const runs = numbers.map((wanted) => pointsOf(samples.filter(({ run }) => run === wanted)));
      const rises = runs.filter(({ length }) => length >= 8).map(riseWithin);
      if (rises.length === 0) continue;
      const level = median(runs.flat().map(([, value]) => value));
      const allowed = Math.max(least, share * level);
      const rise = median(rises);
      if (rise > allowed) failed++;
      print(
        `${rise > allowed ? 'NOT' : 'ok '} ${name.padEnd(16)} median ${number(level)}${unit}, ` +
          `${number(rise)} from the second quarter of a run to its last, ${number(allowed)} allowed`,
      );
      continue;
    }
    const points = pointsOf(samples).filter(([minutes]) => minutes >= end / 3);
    if (points.length < 10) continue;
    const slope = slopeOf(points);
    const level = median(points.map(([, value]) => value));
    const rise = slope * (end - end / 3);
    const allowed = Math.max(least, share * level);
    const ok = rise <= allowed;
    if (!ok) failed++;
    print(
      `${ok ? 'ok ' : 'NOT'} ${name.padEnd(16)} median ${number(level)}${unit}, ` +
        `slope ${number(slope)} a minute: ${number(rise)} over the last ${number((end * 2) / 3)} minutes, ` +
        `${number(allowed)} allowed`,
    );
  }
  return failed;
}

const sizeOf = (folder: string): number =>
  filesOf(folder).reduce((sum, path) => {
    try {
      return sum + statSync(join(folder, path)).size;
    } catch {
      return sum; // it has just been replaced
    }
  }, 0);

async function soakNode(laboratory: Laboratory, minutes: number): Promise<SoakResult> {
  const folder = laboratory.make('soak');
  const config = join(laboratory.folder, 'long.json');
  writeFileSync(config, JSON.stringify(long));
  const command = pathToFileURL(join(root, 'dist/src/cli/main.js')).href;
  const child = fork(laboratory.insidePath('soak'), [command, config, folder], {
    execArgv: laboratory.underOrders,
    env: laboratory.environment,
    cwd: laboratory.folder,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  laboratory.onClose(() => child.kill('SIGKILL'));
  let noise = '';
  child.stderr?.on('data', (text: Buffer) => (noise = (noise + String(text)).slice(-2000)));
  const samples: Sample[] = [];
  const faults: string[] = [];
  let [runs, updates, begunRuns] = [0, 0, 0];
  const begun = performance.now();
  const elapsed = (): number => (performance.now() - begun) / 60_000;
  const linesOf = (out: string): number => {
    const path = join(out, 'metrics.jsonl');
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
  };
  child.on('message', ({ held, ended }: SoakMessage) => {
    if (ended) {
      begunRuns++;
      updates += linesOf(ended.out);
      if (ended.code === 0) runs++;
      else if (elapsed() < minutes) faults.push(`a run ends with code ${ended.code}: ${noise}`);
      laboratory.discard(ended.out);
    }
    if (!held) return;
    const [own] = readdirSync(folder).sort().slice(-1);
    const checkpoints = own === undefined ? 0 : sizeOf(join(folder, own, 'checkpoints'));
    samples.push({
      run: begunRuns,
      minutes: elapsed(),
      held: {
        // Between two runs there is nothing to look at.
        ...(held.buffers > 0
          ? { buffers: held.buffers, 'buffer MiB': held.bufferKibibytes / 1024 }
          : {}),
        'RSS MiB': held.rss / 2 ** 20,
        'heap MiB': held.heap / 2 ** 20,
        handles: held.handles,
        ...(checkpoints > 0 ? { 'checkpoint KiB': checkpoints / 1024 } : {}),
      },
    });
  });
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await Promise.race([exit, sleep(minutes * 60_000)]);
  if (child.exitCode !== null)
    faults.push(`the process ends with code ${child.exitCode}: ${noise}`);
  else {
    child.send({});
    await Promise.race([exit, sleep(120_000)]);
    child.kill('SIGKILL');
  }
  return { samples, runs, updates, faults };
}

/**
 * Runs one experiment after another, and judges what is held by its slope.
 *
 * @returns How many series rise, and faults.
 */
export async function soak(
  options: { readonly minutes: number; readonly host: 'node' | 'chromium'; readonly out?: string },
  print: (line: string) => void,
): Promise<number> {
  const laboratory = await Laboratory.open();
  const stop = (): void => {
    void laboratory.close().finally(() => process.exit(130));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    const result = await (options.host === 'node' ? soakNode : soakPage)(
      laboratory,
      options.minutes,
    );
    const { samples, runs, updates, faults } = result;
    if (options.out !== undefined) writeFileSync(options.out, `${JSON.stringify(result)}\n`);
    const failed = judge(result, print);
    for (const fault of faults) print(`NOT ${fault}`);
    print(
      `${options.host}: ${(samples.at(-1)?.minutes ?? 0).toFixed(1)} minutes, ${samples.length} samples, ` +
        `${updates} updates, ${runs} whole runs, ${failed + faults.length} not`,
    );
    return failed + faults.length;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await laboratory.close();
  }
}
