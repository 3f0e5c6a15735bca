import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { main } from '../../src/cli/main.ts';
import { nodeSystem } from '../../src/cli/node-system.ts';
import { useSystem } from '../../src/cli/system.ts';

/** Runs `limr` in this process and returns what it printed. */
export async function limr(...argv: string[]) {
  let stdout = '';
  let stderr = '';
  useSystem({
    ...nodeSystem,
    stdout: async (text) => {
      stdout += text;
    },
    stderr: async (text) => {
      stderr += text;
    },
  });
  try {
    const code = await main(argv);
    return { code, stdout, stderr };
  } finally {
    useSystem(undefined);
  }
}

/** Runs `limr` in its own process, for commands that open a device, which may outlive a test. */
export function limrProcess(
  ...argv: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const root = join(import.meta.dirname, '../..');
  const options = ['--import', pathToFileURL(join(root, 'scripts/ts-hooks.mjs')).href];
  const script = join(root, 'test/support/limr-process.ts');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...options, script, ...argv],
      { timeout: 100_000, maxBuffer: 16 << 20 },
      (error, stdout, stderr) => {
        // Drivers and the loader print their own warnings.
        const own = stderr.replace(/^(Warning|error): .*\n/gm, '');
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr: own });
      },
    );
  });
}
