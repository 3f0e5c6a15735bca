import { spawnSync } from 'node:child_process';

/** Why tests of Python code cannot run here; undefined if they can. */
export const noPython: string | undefined = (() => {
  const found = spawnSync('python3', ['--version'], { encoding: 'utf8' });
  return found.status === 0
    ? undefined
    : 'no python3 on this machine (the smallest images of Debian have none): the Python reward ' +
        'function is compared with the TypeScript one where there is one';
})();

/** Runs a Python program in a folder. @returns What it printed. */
export function python(code: string, folder: string, input = ''): string {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', code], {
    cwd: folder,
    encoding: 'utf8',
    input,
    maxBuffer: 1 << 28,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONIOENCODING: 'utf-8' },
  });
  if (status !== 0) throw new Error(`python3 exited with ${status}: ${stderr}`);
  return stdout;
}
