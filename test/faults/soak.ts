import { fork } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { root } from '../../scripts/process.mjs';
import { long } from './experiment.ts';
import type { SoakMessage } from './inside/soak.ts';
import { type CheckpointLook, heldOf, judge, type Sample } from './soak-judge.ts';
import { soakPage } from './soak-page.ts';
import { Laboratory } from './laboratory.ts';

export interface SoakResult {
  readonly samples: readonly Sample[];
  readonly runs: number;
  readonly updates: number;
  readonly faults: readonly string[];
}

/** Files and pointer of a folder of checkpoints; what has just been replaced is left out. */
function look(folder: string): CheckpointLook {
  const orNothing = <Found>(read: () => Found): Found[] => {
    try {
      return [read()];
    } catch {
      return [];
    }
  };
  return {
    files: orNothing(() => readdirSync(folder))
      .flat()
      .flatMap((name) =>
        orNothing((): [string, number] => [name, statSync(join(folder, name)).size]),
      ),
    pointer: orNothing(() => readFileSync(join(folder, 'latest.json'), 'utf8')).join(''),
  };
}

/**
 * Settings under which glibc's malloc returns freed memory to the system. By default each of up to
 * eight arenas a core keeps what its threads have freed, so that the RSS also counts memory that
 * nothing holds. Other libraries ignore these settings.
 */
const givesBack: NodeJS.ProcessEnv = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: '131072',
  MALLOC_MMAP_THRESHOLD_: '131072',
};

async function soakNode(
  laboratory: Laboratory,
  minutes: number,
  keepFreed: boolean,
): Promise<SoakResult> {
  const folder = laboratory.make('soak');
  const config = join(laboratory.folder, 'long.json');
  writeFileSync(config, JSON.stringify(long));
  const command = pathToFileURL(join(root, 'dist/src/cli/main.js')).href;
  const child = fork(laboratory.insidePath('soak'), [command, config, folder], {
    execArgv: laboratory.underOrders,
    env: { ...laboratory.environment, ...(keepFreed ? {} : givesBack) },
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
    const checkpoints = own === undefined ? {} : heldOf(look(join(folder, own, 'checkpoints')));
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
        ...checkpoints,
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
  options: {
    readonly minutes: number;
    readonly host: 'node' | 'chromium';
    /** Leaves the C library's malloc in Node at its defaults. */
    readonly keepFreed: boolean;
    readonly out?: string;
  },
  print: (line: string) => void,
): Promise<number> {
  const laboratory = await Laboratory.open();
  const stop = (): void => {
    void laboratory.close().finally(() => process.exit(130));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    const result = await (options.host === 'node'
      ? soakNode(laboratory, options.minutes, options.keepFreed)
      : soakPage(laboratory, options.minutes));
    const { samples, runs, updates, faults } = result;
    if (options.out !== undefined) writeFileSync(options.out, `${JSON.stringify(result)}\n`);
    const failed = judge(samples, print);
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
