import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';

vi.setConfig({ testTimeout: 600_000 });
const root = join(import.meta.dirname, '../..');

/** A few injections of the kinds that one resident process does quickly; `npm run faults` does all. */
function faults(...options: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const script = join(root, 'scripts/faults.mjs');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [script, ...options],
      { timeout: 590_000, maxBuffer: 16 << 20 },
      (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    );
  });
}

describe('npm run faults', () => {
  test('ends clean and equal after a fault of each kind', async () => {
    const kinds = 'snapshot flip store device allocation kill-base kill-sft fuzz'.split(' ');
    const found = await faults('--only', kinds.join(), '--runs', '1', '--cases', '1000');
    expect(found.stdout.split('\n').filter((line) => line.includes('NOT '))).toEqual([]);
    expect(found.stdout).toMatch(
      /^(\d+) injected, \1 clean and equal, 0 not(?: \(\d+ more not reached\))?$/m,
    );
    for (const kind of kinds)
      expect(found.stdout).toMatch(new RegExp(`^${kind}: [1-9]\\d* injected`, 'm'));
    expect(found.code).toBe(0);
  });

  test('says what it does not know', async () => {
    const unknown = await faults('--only', 'nothing');
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toBe("npm run faults: no kind 'nothing'\n");
  });
});
