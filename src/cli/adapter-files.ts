import type { StringArgDef } from 'citty';
import type { ByteSource } from '../formats/byte-source.ts';
import { fileIn } from '../formats/paths.ts';
import type { ModelConfig } from '../model/config.ts';
import { type AdapterUse, type PeftAdapter, readAdapter } from '../model/hugging-face/peft.ts';
import { UsageError } from './arguments.ts';
import { system } from './system.ts';

/** The option `--adapter-dir`; `--adapter` means the GPU. */
export const adapterDirArg = {
  type: 'string',
  valueHint: 'A',
  description: "folder of a LoRA adapter in PEFT's layout, put on the model",
} satisfies StringArgDef;

/** The adapter of `--adapter-dir`; undefined where the option was not given. */
export async function givenAdapter(
  args: { readonly 'adapter-dir'?: string | undefined },
  config: ModelConfig,
): Promise<PeftAdapter | undefined> {
  const path = args['adapter-dir'];
  return path === undefined ? undefined : readDiskAdapter(path, config);
}

/**
 * Reads an adapter's folder. Only bare file names inside the folder are ever opened.
 *
 * @throws UsageError when the path is not a folder; the errors of `readAdapter`.
 */
export async function readDiskAdapter(
  path: string,
  config: ModelConfig,
  use: AdapterUse = { head: 'lm' },
): Promise<PeftAdapter> {
  const host = await system();
  const found = await host.info(path);
  if (found?.kind !== 'directory') {
    const why = found ? 'is a file' : 'does not exist';
    throw new UsageError(`${path}: ${why}; an adapter is a folder`);
  }
  const open: (ByteSource & { close(): Promise<void> })[] = [];
  try {
    const adapter = await readAdapter(
      async (name) => {
        const file = fileIn(path, name);
        if ((await host.info(file))?.kind !== 'file') return undefined;
        const source = await host.open(file);
        open.push(source);
        return source;
      },
      config,
      path,
      use,
    );
    for (const note of adapter.notes) await host.stderr(`note: ${note}\n`);
    return adapter;
  } finally {
    for (const source of open) await source.close();
  }
}
