import type { Gpu } from '../gpu/device.ts';
import { asMatmulChoices, tuningKey, type TunedMatmuls } from '../gpu/matmul-choices.ts';
import type { MatmulChoices } from '../../kernels/lib/matmul-variants.ts';
import { hostName } from '../host-name.ts';
import { jsonText } from './output.ts';
import { system, type System } from './system.ts';

/** Larger files were not written by `writeTuned`. */
const MOST_BYTES = 4 * 2 ** 20;

/** Where tuning results are kept; undefined on a host without a home for them. */
function cacheFile(host: System): string | undefined {
  const own = host.environment('LIMR_CACHE');
  if (own) return `${own}/matmul.json`;
  const shared = host.environment('XDG_CACHE_HOME');
  if (shared) return `${shared}/limr-lab/matmul.json`;
  const home = host.environment('HOME') ?? host.environment('USERPROFILE');
  return home ? `${home}/.cache/limr-lab/matmul.json` : undefined;
}

/** The matmul variants measured on this machine's adapters. A damaged file is reported, not used. */
export async function readTuned(): Promise<TunedMatmuls> {
  const host = await system();
  const path = cacheFile(host);
  if (path === undefined) return {};
  const found = await host.info(path);
  if (found?.kind !== 'file') return {};
  try {
    if (found.size > MOST_BYTES) throw new Error('it is too large');
    const file = await host.open(path);
    try {
      const text = new TextDecoder().decode(await file.slice(0, file.size));
      return parseTuned(JSON.parse(text));
    } finally {
      await file.close();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    await host.stderr(`tuning results in ${path} are not used: ${reason.replace(/\s+/g, ' ')}\n`);
    return {};
  }
}

function parseTuned(value: unknown): TunedMatmuls {
  const { schema, adapters } = (value ?? {}) as { schema?: unknown; adapters?: unknown };
  if (schema !== 1 || typeof adapters !== 'object' || adapters === null) {
    throw new Error('it is not of schema 1');
  }
  return Object.fromEntries(
    Object.entries(adapters).map(([key, entry]) => {
      const choices = asMatmulChoices(entry);
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
export async function writeTuned(gpu: Gpu, choices: MatmulChoices): Promise<string> {
  const host = await system();
  const path = cacheFile(host);
  if (path === undefined) throw new Error('LIMR_CACHE names no folder for tuning results');
  const adapters = { ...(await readTuned()), [tuningKey(gpu, hostName())]: choices };
  await host.write(path, jsonText({ schema: 1, adapters }));
  return path;
}
