import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { lockFolder } from '../../src/cli/folder-lock.ts';

const scratch = mkdtempSync(join(tmpdir(), 'limr-lock-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let count = 0;
const fresh = (): string => join(scratch, `run-${++count}`);
const lockOf = (folder: string): string => join(folder, '.lock');

interface Holder {
  host: string;
  boot: string;
  pid: number;
  started: string;
  inode: string;
}

/** Writes a lock as another process would have, its inode right unless it is given. */
function plant(folder: string, change: Partial<Holder>, beatenSecondsAgo = 0): void {
  mkdirSync(folder, { recursive: true });
  const path = lockOf(folder);
  // Whoever takes a folder over makes a file of its own: a beat under way still writes the one before.
  rmSync(path, { force: true });
  writeFileSync(path, '');
  const inode = String(statSync(path, { bigint: true }).ino);
  const holder = {
    host: 'elsewhere',
    boot: 'b',
    pid: 77,
    started: '1',
    inode,
    since: '2026-01-01T00:00:00.000Z',
    token: 'other',
    ...change,
  };
  writeFileSync(path, JSON.stringify(holder));
  const at = Date.now() / 1000 - beatenSecondsAgo;
  utimesSync(path, at, at);
}

/** What this process's own locks say of it. */
async function own(): Promise<Holder> {
  const folder = fresh();
  const lock = await lockFolder(folder);
  const holder = JSON.parse(readFileSync(lockOf(folder), 'utf8')) as Holder;
  await lock.release();
  return holder;
}

describe('the lock of a folder', () => {
  test('is one process at a time, and goes with the folders made for it', async () => {
    const folder = join(fresh(), 'a/b');
    const lock = await lockFolder(folder);
    expect(readdirSync(folder)).toEqual(['.lock']);
    const second = lockFolder(folder);
    await expect(second).rejects.toMatchObject({ name: 'UsageError' });
    await expect(second).rejects.toThrow(
      new RegExp(
        `^${folder}: another run works there: process ${process.pid} on \\S+, since \\d{4}-`,
      ),
    );
    expect(readdirSync(folder)).toEqual(['.lock']);
    await lock.release();
    expect(existsSync(join(folder, '../..'))).toBe(false);

    mkdirSync(folder, { recursive: true });
    const again = await lockFolder(folder);
    writeFileSync(join(folder, 'kept'), '');
    await again.release();
    expect(readdirSync(folder)).toEqual(['kept']);
  });

  test('of two that come at once goes to one', async () => {
    for (let round = 0; round < 20; round++) {
      const folder = fresh();
      if (round % 2 === 1) plant(folder, {}, 3600);
      const tries = await Promise.allSettled(Array.from({ length: 4 }, () => lockFolder(folder)));
      const locks = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      expect(locks).toHaveLength(1);
      await locks[0].release();
    }
  });

  test('is trusted only when no other process is removing one', async () => {
    const { host, boot, pid, started } = await own();
    const folder = fresh();
    plant(folder, {}, 3600);
    const flag = join(folder, '.lock.someone.taking');
    /** Raises the flag of a process: an inode of its own, as every lock. */
    const raise = (change: Partial<Holder>): void => {
      plant(scratch, { host, boot, pid, started, ...change });
      renameSync(lockOf(scratch), flag);
    };
    raise({});
    const settled = vi.fn();
    const lock = lockFolder(folder);
    void lock.then(settled, settled);
    const isOurs = (): boolean => readFileSync(lockOf(folder), 'utf8').includes(`"pid":${pid}`);
    await expect.poll(() => existsSync(lockOf(folder)) && isOurs()).toBe(true);
    for (let turn = 0; turn < 50; turn++) await setImmediate();
    expect(settled).not.toHaveBeenCalled();
    // The one with the flag took the new lock for the old one; a third process came between.
    plant(folder, {});
    rmSync(flag);
    await expect(lock).rejects.toThrow('process 77 on elsewhere');

    // The flag of an ended process holds nobody up, and goes.
    plant(folder, {}, 3600);
    raise({ pid: 2 ** 22 + 1 });
    const next = await lockFolder(folder);
    expect(readdirSync(folder)).toEqual(['.lock']);
    await next.release();
  });

  test('of a process that was killed is taken over at once', async () => {
    const folder = fresh();
    const script = join(scratch, 'holder.ts');
    const module = pathToFileURL(join(import.meta.dirname, '../../src/cli/folder-lock.ts')).href;
    writeFileSync(
      script,
      `import { lockFolder } from '${module}';
       await lockFolder(${JSON.stringify(folder)});
       process.send?.('locked');
       setInterval(() => undefined, 1000);`,
    );
    const hooks = join(import.meta.dirname, '../../scripts/ts-hooks.mjs');
    const child = fork(script, { execArgv: ['--import', pathToFileURL(hooks).href] });
    await once(child, 'message');
    await expect(lockFolder(folder)).rejects.toThrow(`process ${child.pid} on`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await lockFolder(folder)).release();
  });

  test('of this system: a process that has ended, or another with its number, has none', async () => {
    const me = await own();
    const { host, boot, pid, started } = me;
    const lock = async (change: Partial<Holder>, age = 0): Promise<boolean> => {
      const folder = fresh();
      plant(folder, { host, boot, pid, started, ...change }, age);
      return lockFolder(folder).then(
        async (held) => {
          await held.release();
          return true;
        },
        () => false,
      );
    };
    // A copy of somebody's folder.
    expect(await lock({ inode: '1' })).toBe(true);
    expect(await lock({ pid: 2 ** 22 + 1 })).toBe(true);
    if (me.started !== '') {
      // It is there, however long it has slept.
      expect(await lock({}, 86_400)).toBe(false);
      expect(await lock({ started: '1' })).toBe(true);
    }
    // After a restart of the system nothing is known but the last sign of life.
    expect([await lock({ boot: 'before' }), await lock({ boot: 'before' }, 61)]).toEqual([
      false,
      true,
    ]);
  });

  test('of another host holds while it shows signs of life', async () => {
    const folder = fresh();
    plant(folder, {}, 5);
    await expect(lockFolder(folder)).rejects.toThrow(
      /process 77 on elsewhere, since 2026-01-01T00:00:00.000Z \(last sign of life 5 s ago, and after 60 s/,
    );
    plant(folder, {}, 61);
    const lock = await lockFolder(folder, { beatMs: 5, staleMs: 60_000 });
    // Its own signs are newer than a file that is made now.
    const then = statSync(lockOf(folder)).mtimeMs;
    await expect.poll(() => statSync(lockOf(folder)).mtimeMs).toBeGreaterThan(then);
    // The other one wakes up and takes it: this one learns of it.
    plant(folder, {});
    expect(await lock.lost).toContain('another run has taken the folder over');
    await lock.release();
    expect(existsSync(lockOf(folder))).toBe(true);
  });

  test('that is half written holds for a while', async () => {
    const folder = fresh();
    mkdirSync(folder);
    writeFileSync(lockOf(folder), '{"host"');
    await expect(lockFolder(folder)).rejects.toThrow(/a process that began \d s ago/);
    const old = Date.now() / 1000 - 61;
    utimesSync(lockOf(folder), old, old);
    await (await lockFolder(folder)).release();
  });

  test('that was copied with its folder is nobody’s', async () => {
    const [folder, copy] = [fresh(), fresh()];
    const lock = await lockFolder(folder);
    mkdirSync(copy);
    copyFileSync(lockOf(folder), lockOf(copy));
    await (await lockFolder(copy)).release();
    await lock.release();
  });
});
