// Keeps dist/ up to date in a checkout. Loads Vite only when a build is needed.
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { stamp, walk } from './dist.mjs';
import { modulePath, root } from './process.mjs';

/** Sources of the library and of the command. */
const sources = [
  'src',
  'kernels',
  'shaders',
  'demo/public/verifier-frame.html',
  'package.json',
].map((name) => join(root, name));

const lock = modulePath('.limr-build-lock');

/** Whether a source, or a folder that lost a source, changed after the last build. */
function isStale() {
  if (!existsSync(stamp)) return true;
  const built = statSync(stamp).mtimeMs;
  return sources.flatMap(walk).some((path) => statSync(path).mtimeMs > built);
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits for another process's build; takes over the lock of a dead process. */
async function takeLock() {
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    try {
      const owner = Number(readFileSync(lock, 'utf8'));
      if (owner > 0 && !isAlive(owner)) rmSync(lock, { force: true });
    } catch {
      // The lock was released between the two attempts.
    }
    await setTimeout(50);
  }
}

/** Builds dist/ when a source is newer, and reports the build on standard error. */
export async function bringUpToDate() {
  if (!isStale()) return;
  mkdirSync(modulePath('.'), { recursive: true });
  await takeLock();
  try {
    if (!isStale()) return;
    process.stderr.write('limr: building dist/ from the sources\n');
    const { buildLibrary } = await import('./build.mjs');
    await buildLibrary();
  } finally {
    rmSync(lock, { force: true });
  }
}
