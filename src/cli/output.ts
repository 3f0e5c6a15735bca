import { UsageError } from './arguments.ts';
import { system } from './system.ts';

/** Any of these makes a folder hold a run. */
const runFiles = [
  'results.json',
  'metrics.jsonl',
  'checkpoints',
  'config.json',
  'model.safetensors',
];

/**
 * Checks that a result may be written to a path as one file: no folder there, and not an input.
 *
 * @throws UsageError otherwise.
 */
export async function expectFileOut(out: string, inputs: readonly string[] = []): Promise<void> {
  const host = await system();
  if ((await host.info(out))?.kind === 'directory') {
    throw new UsageError(`--out ${out} is a folder; this command writes one file`);
  }
  if (inputs.includes(out)) throw new UsageError(`--out ${out} is also an input`);
}

/**
 * Checks that a run may start in a folder.
 *
 * @throws UsageError when it holds a run already (use `--resume`), or is a file.
 */
export async function expectFreshRun(out: string): Promise<void> {
  const host = await system();
  const found = await host.info(out);
  if (!found) return;
  if (found.kind === 'file') throw new UsageError(`--out ${out} is a file; a run needs a folder`);
  const held = (await host.list(out)).find((name) => runFiles.includes(name));
  if (held !== undefined) {
    throw new UsageError(`--out ${out} already holds a run (${held}); continue it with --resume`);
  }
}

/** A JSON value as the text of a file. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** A large array as JSON, one element to a line, without building one string of it. */
export function* jsonRows(rows: Iterable<unknown>): Generator<string> {
  yield '[';
  let separator = '\n  ';
  for (const row of rows) {
    yield separator + JSON.stringify(row);
    separator = ',\n  ';
  }
  yield '\n]\n';
}
