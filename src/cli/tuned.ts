import type { Gpu } from '../gpu/device.ts';
import type { VariantChoices } from '../../kernels/lib/variants.ts';
import { jsonText } from '../formats/json.ts';
import { hostName } from '../host-name.ts';
import { readChoices, tuningKey, type TunedVariants } from '../variants/choices.ts';
import { cacheFolder } from './cache-folder.ts';
import { system, type System } from './system.ts';

/** `writeTuned` writes no larger file. */
const MOST_BYTES = 4 * 2 ** 20;

/**
 * Names and schemas of the file, newest first. The older file holds choices for matmuls alone, in
 * another form.
 */
const FILES = [
  { name: 'variants.json', schema: 2 },
  { name: 'matmul.json', schema: 1 },
] as const;

/**
 * The measured kernel variants of this machine's adapters, from the newest file present. A damaged
 * file is reported and not used.
 */
export async function readTuned(): Promise<TunedVariants> {
  const host = await system();
  const folder = cacheFolder(host);
  if (folder === undefined) return {};
  for (const { name, schema } of FILES) {
    const path = `${folder}/${name}`;
    const found = await host.info(path);
    if (found?.kind !== 'file') continue;
    try {
      return await readFrom(host, path, found.size, schema);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      await host.stderr(`tuning results in ${path} are not used: ${reason.replace(/\s+/g, ' ')}\n`);
      return {};
    }
  }
  return {};
}

async function readFrom(
  host: System,
  path: string,
  size: number,
  wanted: number,
): Promise<TunedVariants> {
  if (size > MOST_BYTES) throw new Error('it is too large');
  const file = await host.open(path);
  try {
    const text = new TextDecoder().decode(await file.slice(0, size));
    return parseTuned(JSON.parse(text), wanted);
  } finally {
    await file.close();
  }
}

function parseTuned(value: unknown, wanted: number): TunedVariants {
  const { schema, adapters } = (value ?? {}) as { schema?: unknown; adapters?: unknown };
  if (schema !== wanted || typeof adapters !== 'object' || adapters === null) {
    throw new Error(`it is not of schema ${wanted}`);
  }
  return Object.fromEntries(
    Object.entries(adapters).map(([key, entry]) => {
      const choices = readChoices(entry);
      if (!choices) throw new Error(`the entry of '${key}' names no known variants`);
      return [key, choices];
    }),
  );
}

/**
 * Writes the measurements of an adapter; the measurements of other adapters stay.
 *
 * @returns The path of the file.
 * @throws Error when there is no folder for the file.
 */
export async function writeTuned(gpu: Gpu, choices: VariantChoices): Promise<string> {
  const host = await system();
  const folder = cacheFolder(host);
  if (folder === undefined) throw new Error('LIMR_CACHE names no folder for tuning results');
  const [{ name, schema }] = FILES;
  const path = `${folder}/${name}`;
  const adapters = { ...(await readTuned()), [tuningKey(gpu, hostName())]: choices };
  await host.write(path, jsonText({ schema, adapters }));
  return path;
}
