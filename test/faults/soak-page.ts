import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { long } from './experiment.ts';
import type { Laboratory } from './laboratory.ts';
import { Lab, type Scope, Site } from './page-lab.ts';
import type { SoakResult } from './soak.ts';
import { heldOf, type Sample, type Series } from './soak-judge.ts';

/** Memory and open files of this browser's processes, by what they do; Linux tells. */
function processes(profile: string): Partial<Record<Series, number>> {
  const found = new Map<string, { rss: number; handles: number }>();
  let pids: string[];
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return {};
  }
  const commandOf = (pid: string): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  const parentOf = (pid: string): string =>
    / \S+ (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/, ''))?.[1] ?? '';
  const own = new Set<string>();
  // Children have higher numbers than their parents, but for a wrap that happens seldom.
  for (const pid of pids.sort((a, b) => Number(a) - Number(b))) {
    try {
      const command = commandOf(pid);
      if (!command.includes(profile) && !own.has(parentOf(pid))) continue;
      own.add(pid);
      const type = /--type=([\w-]+)/.exec(command)?.[1] ?? 'browser';
      const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
      const handles = readdirSync(`/proc/${pid}/fd`).length;
      const sum = found.get(type) ?? { rss: 0, handles: 0 };
      found.set(type, { rss: sum.rss + pages * 4096, handles: sum.handles + handles });
    } catch {
      // It has just ended.
    }
  }
  const renderer = found.get('renderer');
  const gpu = found.get('gpu-process');
  return {
    ...(renderer ? { 'RSS MiB': renderer.rss / 2 ** 20, handles: renderer.handles } : {}),
    ...(gpu ? { 'GPU process MiB': gpu.rss / 2 ** 20 } : {}),
  };
}

/** One run after another in one tab. */
export async function soakPage(laboratory: Laboratory, minutes: number): Promise<SoakResult> {
  const site = await Site.open();
  laboratory.onClose(() => void site.close());
  const lab = new Lab(laboratory, site);
  const samples: Sample[] = [];
  const faults: string[] = [];
  let [runs, updates, begunRuns] = [0, 0, 0];
  try {
    const page = await lab.page();
    const begun = performance.now();
    const elapsed = (): number => (performance.now() - begun) / 60_000;
    while (elapsed() < minutes) {
      begunRuns++;
      const name = await lab.start(page, { config: long, watch: true });
      let state = await lab.state(page);
      while (state.ended === undefined && elapsed() < minutes) {
        await sleep(1000);
        state = await lab.state(page);
        const look = await page.evaluate(
          async (run) => (globalThis as Scope).limrFaults.checkpoints(run),
          name,
        );
        const { buffers, bufferBytes } = state;
        samples.push({
          run: begunRuns,
          minutes: elapsed(),
          held: {
            ...processes(lab.profile),
            ...(buffers > 0 ? { buffers, 'buffer MiB': bufferBytes / 2 ** 20 } : {}),
            workers: page.workers().length,
            ...heldOf(look),
          },
        });
      }
      updates += state.updates;
      if (state.ended === 'done') runs++;
      else if (state.ended !== undefined) faults.push(`a run ends: ${state.message}`);
      if (state.ended === undefined) break;
      await page.evaluate(async (run) => (globalThis as Scope).limrFaults.remove(run), name);
    }
  } finally {
    await lab.close();
  }
  return { samples, runs, updates, faults };
}
