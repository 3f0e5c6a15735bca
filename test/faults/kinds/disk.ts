import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { experimentOf } from '../experiment.ts';
import type { Laboratory } from '../laboratory.ts';
import { chances } from '../moments.ts';
import {
  ended,
  goOn,
  type Injection,
  type Kind,
  malformed,
  unclean,
  type Verdict,
} from '../verdict.ts';

const TIMES = 20;

const mount = (...args: string[]): boolean => spawnSync('mount', args).status === 0;

/** Mounts a file system for the duration of some work. */
async function mounted<T>(
  laboratory: Laboratory,
  options: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const place = laboratory.make('disk');
  if (!mount('-t', 'tmpfs', '-o', options, 'limr-faults', place)) throw new Error('cannot mount');
  try {
    return await work(place);
  } finally {
    spawnSync('umount', ['-l', place]);
  }
}

async function full(laboratory: Laboratory, kibibytes: number): Promise<Verdict> {
  const experiment = await experimentOf(laboratory, 'smallest');
  return mounted(laboratory, `size=${kibibytes}k`, async (place) => {
    const folder = join(place, 'run');
    const first = await laboratory.call(experiment.start(folder));
    if (first.code === 0) return ended(folder, experiment, 'room enough, equal');
    const fault = malformed(first, [1]);
    if (fault !== undefined) return unclean('full disk: fails without a word for it', fault);
    if (!mount('-o', 'remount,size=64m', place)) throw new Error('cannot remount');
    const verdict = await goOn((argv) => laboratory.call(argv), experiment, folder);
    return { ...verdict, how: `full disk: one line, then ${verdict.how}` };
  });
}

/** A read-only file system: from the start, or after something was written. */
async function readOnly(laboratory: Laboratory, begun: boolean): Promise<Verdict> {
  const experiment = await experimentOf(laboratory, 'smallest');
  return mounted(laboratory, 'size=64m', async (place) => {
    const folder = join(place, 'run');
    if (begun) {
      // This run ends with an error at its fortieth event.
      await laboratory.call(experiment.start(folder), { files: { folder, mode: 'fail', at: 40 } });
    }
    if (!mount('-o', 'remount,ro', place)) throw new Error('cannot remount');
    const refused = await laboratory.call((begun ? experiment.resume : experiment.start)(folder));
    const fault = malformed(refused, [1, 2]);
    if (fault !== undefined) return unclean('read-only: fails without a word for it', fault);
    if (refused.stderr.includes('ENOENT')) {
      return unclean(
        'read-only: said to be missing',
        refused.stderr.trim().split('\n').at(-1) ?? '',
      );
    }
    if (!mount('-o', 'remount,rw', place)) throw new Error('cannot remount');
    const verdict = await goOn((argv) => laboratory.call(argv), experiment, folder);
    return { ...verdict, how: `read-only: one line, then ${verdict.how}` };
  });
}

/** Full and read-only file systems. */
export const disk: Kind = {
  name: 'disk',
  summary: 'a full file system of 8 to 420 KiB, and one that is read-only',
  unfit: () => {
    if (process.platform !== 'linux') return 'only Linux has tmpfs';
    return process.getuid?.() === 0 ? undefined : 'only root may mount a file system';
  },
  plan: (laboratory, { seed, runs }) => {
    const times = Math.min(TIMES, runs);
    const injections = Array.from({ length: times }, (_, i): Injection => {
      const id = `disk/full/${i}`;
      const kibibytes = 8 + Math.floor(chances(seed, id)() * 412);
      return { id, inject: () => full(laboratory, kibibytes) };
    });
    for (const begun of [false, true]) {
      injections.push({
        id: `disk/read-only/${begun ? 'resume' : 'start'}`,
        inject: () => readOnly(laboratory, begun),
      });
    }
    return Promise.resolve(injections);
  },
};
