import type { Gpu } from '../gpu/device.ts';
import type { VariantChoices } from '../../kernels/lib/variants.ts';
import { hostName } from '../host-name.ts';
import { readChoices, tuningKey, type TunedVariants } from '../variants/choices.ts';
import { jsonText } from './output.ts';
import { system, type System } from './system.ts';

/** Larger files were not written by `writeTuned`. */
const MOST_BYTES = 4 * 2 ** 20;

/** The file, and the one before kernels other than matmuls had variants, whose choices have another form. */
const FILES = [
  { name: 'variants.json', schema: 2 },
  { name: 'matmul.json', schema: 1 },
] as const;

/** Where tuning results are kept; undefined on a host without a home for them. */
function cacheFolder(host: System): string | undefined {
  const own = host.environment('LIMR_CACHE');
  if (own) return own;
  const shared = host.environment('XDG_CACHE_HOME');
  if (shared) return `${shared}/limr-lab`;
  const home = host.environment('HOME') ?? host.environment('USERPROFILE');
  return home ? `${home}/.cache/limr-lab` : undefined;
}

/**
 * The variants of kernels measured on this machine's adapters: of the present file, else of the one
 * before. A damaged file is reported, not used.
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
 * Keeps what was measured on an adapter, beside what is known of others.
 *
 * @returns The file.
 * @throws Error where there is no folder to keep it in.
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
