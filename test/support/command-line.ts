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
