// The `limr` command in processes of its own, for tests in Node.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

/** How a command ended, and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const limrScript = join(import.meta.dirname, '../../bin/limr.mjs');

/** The command in Node, to be followed by its arguments. */
export const nodeCommand: readonly string[] = [process.execPath, limrScript];

/** Starts a command; `watch` sees its stderr grow. */
export type StartCommand = (
  command: readonly string[],
  argv: readonly string[],
  watch?: (child: ChildProcess, stderr: string) => void,
) => Promise<Ended>;

/** A function that starts commands in a folder. */
export const commandsIn =
  (folder: string): StartCommand =>
  ([program = '', ...options], argv, watch = () => undefined) => {
    const env = { ...process.env, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' };
    const child = spawn(program, [...options, ...argv], { cwd: folder, env, timeout: 580_000 });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text: Buffer) => (stdout += String(text)));
    child.stderr.on('data', (text: Buffer) => watch(child, (stderr += String(text))));
    return new Promise((resolve) => {
      // Drivers print warnings of their own; a source saved meanwhile is built first.
      const own = () => stderr.replace(/^(Warning: |error: |limr: building ).*\n/gm, '');
      child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr: own() }));
    });
  };
