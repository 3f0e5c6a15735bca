import { randomUUID } from 'node:crypto';
import {
  link,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  rmdir,
  stat,
} from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import * as v from 'valibot';
import { errorCode, fileError, makeFolder } from '../file-error.ts';
import { LOCK } from '../run-folder/names.ts';
import { UsageError } from './arguments.ts';

/** A folder that one process writes to. */
export interface FolderLock {
  /** Resolves with the reason when another process has taken the folder; never otherwise. */
  readonly lost: Promise<string>;
  /**
   * Releases the lock; also removes the folders that were made for the lock and are still empty.
   */
  release(): Promise<void>;
}

interface LockTimes {
  /** Time between two signs of life. */
  readonly beatMs: number;
  /** A lock without a sign of life for this time is free, if its process cannot be checked. */
  readonly staleMs: number;
}

const usualTimes: LockTimes = { beatMs: 10_000, staleMs: 60_000 };

const holderSchema = v.object({
  host: v.string(),
  /** Identifies the system's start and its process namespace; empty if the system tells neither. */
  boot: v.string(),
  pid: v.number(),
  /**
   * Start time of the process: tells it from a later process with the same number. Empty if
   * unknown.
   */
  started: v.string(),
  /** Inode of the lock's own file: a copy of the file locks nothing. */
  inode: v.string(),
  since: v.string(),
  token: v.string(),
});
type Holder = v.InferOutput<typeof holderSchema>;

/** A lock's file as it was found. */
interface Found {
  readonly holder: Holder | undefined;
  readonly text: string;
  readonly inode: string;
  /** Time of the last sign of life, by the clock of the file system. */
  readonly beatenAt: number;
}

/** The content of a file under /proc; empty on systems other than Linux. */
async function procFile(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    return '';
  }
}

/**
 * Start time of a process, in ticks since the system's start; undefined if the process has ended or
 * the system does not tell.
 */
async function startOf(pid: number): Promise<string | undefined> {
  const line = await procFile(`/proc/${pid}/stat`);
  // The process's name, in brackets, may hold any characters.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [state = '', started] = [fields[0], fields[19]];
  return line === '' || 'ZX'.includes(state) ? undefined : started;
}

async function bootOf(): Promise<string> {
  const boot = await procFile('/proc/sys/kernel/random/boot_id');
  const space = await readlink('/proc/self/ns/pid').catch(() => '');
  return `${boot} ${space}`.trim();
}

/** Whether a holder on this system still runs; undefined if that cannot be known. */
async function runs({ pid, started }: Holder): Promise<boolean | undefined> {
  if (started !== '') return (await startOf(pid)) === started;
  try {
    process.kill(pid, 0);
    return undefined; // some process with that number runs
  } catch (error) {
    return errorCode(error) === 'ESRCH' ? false : undefined;
  }
}

async function readLock(path: string): Promise<Found | undefined> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { ino, mtimeMs } = await file.stat({ bigint: true });
    const buffer = new Uint8Array(4096);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const text = new TextDecoder().decode(buffer.subarray(0, bytesRead));
    return { holder: parseHolder(text), text, inode: String(ino), beatenAt: Number(mtimeMs) };
  } finally {
    await file.close();
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    return v.parse(holderSchema, JSON.parse(text));
  } catch {
    return undefined; // perhaps half written
  }
}

/** Why a lock still holds; undefined if the lock is free. */
async function holderText(
  found: Found,
  now: number,
  { staleMs }: LockTimes,
): Promise<string | undefined> {
  const { holder, inode, beatenAt } = found;
  const age = Math.max(0, now - beatenAt);
  const seconds = `${Math.round(age / 1000)} s ago, and after ${staleMs / 1000} s without one the next run takes the folder over`;
  if (!holder) return age < staleMs ? `a process that began ${seconds}` : undefined;
  if (holder.inode !== inode) return undefined;
  const since = holder.since.replace(/[^\w.:-]/g, '');
  const who = `process ${holder.pid} on ${holder.host.replace(/[^\w.-]/g, '?')}, since ${since}`;
  const ours = holder.host === hostname() && holder.boot === (await bootOf());
  if (ours) {
    const alive = await runs(holder);
    if (alive === false) return undefined;
    if (alive) return who;
  }
  return age < staleMs ? `${who} (last sign of life ${seconds})` : undefined;
}

/** Error codes of file systems that have no hard links. */
const noLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL']);

/** The text of a lock's file, of which the file's inode is a part. */
type LockText = (inode: string) => string;

/** Writes a new file. @returns Its time, by the file system's clock. */
async function writeNew(file: string, text: LockText): Promise<number> {
  const handle = await open(file, 'wx');
  try {
    const { ino } = await handle.stat({ bigint: true });
    await handle.writeFile(text(String(ino)));
    return (await handle.stat()).mtimeMs;
  } finally {
    await handle.close();
  }
}

/**
 * Creates the lock's file complete and in one step.
 *
 * @returns Whether the file was placed: false if a lock exists. `now` is the time by the file
 *   system's clock.
 */
async function place(path: string, fresh: string, text: LockText) {
  const now = await writeNew(fresh, text);
  try {
    await link(fresh, path);
    return { placed: true, now };
  } catch (error) {
    if (errorCode(error) === 'EEXIST' || errorCode(error) === 'ENOENT')
      return { placed: false, now };
    if (!noLinks.has(errorCode(error) ?? '')) throw error;
  } finally {
    await rm(fresh, { force: true });
  }
  try {
    await writeNew(path, text);
    return { placed: true, now };
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return { placed: false, now };
    throw error;
  }
}

/** The ending of a flag: a file that is there while its process removes a lock. */
const TAKING = '.taking';

/**
 * Removes a lock that is free, under a flag of this process's own. Another process may replace the
 * lock meanwhile: that process sees the flag and waits for its end before it trusts the new lock
 * ({@link flagsEnd}); the new lock is put back here.
 */
async function takeOff(path: string, found: Found, token: string, text: LockText): Promise<void> {
  const flag = `${path}.${token}${TAKING}`;
  await writeNew(flag, text);
  try {
    // A lock that was placed before the flag was up is seen here.
    if ((await readLock(path))?.text !== found.text) return;
    const aside = `${path}.${token}.stale`;
    try {
      await rename(path, aside);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
      throw error;
    }
    const taken = await readLock(aside);
    if (taken && taken.text !== found.text) {
      // Puts the new lock back, unless a third process has made another.
      await link(aside, path).catch(() => undefined);
    }
    await rm(aside, { force: true });
  } finally {
    await rm(flag, { force: true });
  }
}

/**
 * Waits until no process that runs is removing the lock of a folder; flags of ended processes are
 * removed. Whoever raises a flag after a lock was placed sees that lock, so that a lock that is
 * still there after this wait stays.
 *
 * @param now The time by the file system's clock.
 */
async function flagsEnd(path: string, now: number, times: LockTimes): Promise<void> {
  const began = performance.now();
  for (;;) {
    const names = await readdir(dirname(path));
    const flags = names.filter((name) => name.startsWith(LOCK) && name.endsWith(TAKING));
    let raised = false;
    for (const flag of flags.map((name) => join(dirname(path), name))) {
      const found = await readLock(flag);
      if (!found) continue;
      if (await holderText(found, now + performance.now() - began, times)) raised = true;
      else await rm(flag, { force: true });
    }
    if (!raised) return;
    await setTimeout(5);
  }
}

/**
 * Makes this process the only writer of a folder; creates the folder if it is missing. Takes over
 * the lock of an ended process, and the lock of another host that shows no sign of life for
 * `staleMs`.
 *
 * @throws UsageError naming the process that works in the folder.
 */
export async function lockFolder(
  folder: string,
  times: LockTimes = usualTimes,
): Promise<FolderLock> {
  const made = await named(folder, () => makeFolder({ mkdir, stat }, folder, dirname));
  const token = randomUUID();
  const path = join(folder, LOCK);
  const fresh = `${path}.${process.pid}-${token.slice(0, 8)}.part`;
  const [boot, started = ''] = [await bootOf(), await startOf(process.pid)];
  const since = new Date().toISOString();
  const text: LockText = (inode) =>
    `${JSON.stringify({ host: hostname(), boot, pid: process.pid, started, inode, since, token })}\n`;
  const owns = async (): Promise<boolean> => (await readLock(path))?.holder?.token === token;
  try {
    for (let tries = 0; ; tries++) {
      const { placed, now } = await named(path, () => place(path, fresh, text));
      if (placed) await flagsEnd(path, now, times);
      const found = await readLock(path);
      if (placed && found?.holder?.token === token) break;
      const who = found && (await holderText(found, now, times));
      if (who !== undefined || tries === 10) {
        throw new UsageError(
          `${folder}: another run works there: ${who ?? 'processes that come and go'}; wait for its end, or end it`,
        );
      }
      if (found) await takeOff(path, found, token, text);
    }
  } catch (error) {
    await removeEmpty(made);
    throw error;
  }
  return hold(folder, path, made, owns, times);
}

function hold(
  folder: string,
  path: string,
  made: readonly string[],
  owns: () => Promise<boolean>,
  { beatMs }: LockTimes,
): FolderLock {
  let lose: (why: string) => void = () => undefined;
  const lost = new Promise<string>((resolve) => (lose = resolve));
  /** Rewrites the file, so that the file system's clock, not this host's, sets its time. */
  const beat = async (): Promise<void> => {
    if (!(await owns())) {
      clearInterval(timer);
      lose(`${folder}: another run has taken the folder over: this one showed no sign of life`);
      return;
    }
    const file = await open(path, 'r+');
    try {
      const { bytesRead, buffer } = await file.read(new Uint8Array(4096), 0, 4096, 0);
      await file.write(buffer, 0, bytesRead, 0);
    } finally {
      await file.close();
    }
  };
  // The next beat makes up for a failed one. The run itself reports when it cannot write.
  const timer = setInterval(() => void beat().catch(() => undefined), beatMs);
  // Deno's timers are numbers.
  (timer as { unref?: () => void }).unref?.();
  return {
    lost,
    async release() {
      clearInterval(timer);
      if (await owns()) await rm(path, { force: true });
      await removeEmpty(made);
    },
  };
}

/**
 * Removes the folders that were made for a lock, innermost first, up to the first that is not
 * empty.
 */
async function removeEmpty(made: readonly string[]): Promise<void> {
  for (const folder of [...made].reverse()) {
    if ((await readdir(folder).catch(() => ['gone'])).length > 0) return;
    await rmdir(folder);
  }
}

async function named<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw fileError(error, path, 'written');
  }
}
