// Models of a hub on this machine's disk: found in a cache, else downloaded into our own.
import { createHash, type Hash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileError, isAbsence } from '../file-error.ts';
import { bytesText } from '../gpu/memory.ts';
import { Hub, HubError } from '../hub/hub.ts';
import type { HubFile, HubModel } from '../hub/listing.ts';
import { isCommit, type ModelId, modelIdText, parseModelId } from '../hub/model-id.ts';
import { UsageError } from './arguments.ts';

import { lockFolder } from './folder-lock.ts';
import { cacheFolder } from './cache-folder.ts';
import { system, type System } from './system.ts';

/** What is wanted of a model. */
export interface WantedModel {
  /** False: config, tokenizer and templates alone. */
  readonly weights: boolean;
  /** Asks the hub which commit the revision is, also where a cache knows one. */
  readonly refresh?: boolean;
}

/** What our cache notes of a model at a commit. */
interface Noted {
  readonly licence?: string;
  readonly files: readonly {
    readonly name: string;
    readonly size: number;
    readonly weights: boolean;
  }[];
}

const NOTES = 'limr-hub.json';
/** Room that a disk keeps beside what is downloaded. */
const SPARE_BYTES = 256 * 2 ** 20;
const STATUS_MS = 250;

/**
 * The folder of a model of the hub: from the cache of Hugging Face's tools or from our own, else
 * downloaded into our own. `HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME`, `HF_HUB_CACHE` and `HF_HUB_OFFLINE`
 * are what they are for those tools; the token is kept in memory alone.
 *
 * @throws ModelIdError, HubError, UsageError or FileError naming model or file.
 */
export async function hubFolder(text: string, wanted: WantedModel): Promise<string> {
  const host = await system();
  const id = parseModelId(text);
  const own = ownCache(host);
  const caches = [hfCache(host), own].filter((folder) => folder !== undefined);
  if (!wanted.refresh) {
    for (const cache of caches) {
      const found = await cached(cache, id, wanted);
      if (found === undefined) continue;
      await host.stderr(`model: ${modelIdText(id)} at ${found}\n`);
      return found;
    }
  }
  if (/^(?:1|on|yes|true)$/i.test(host.environment('HF_HUB_OFFLINE') ?? '')) {
    throw new HubError(`${modelIdText(id)}: no cache has it, and HF_HUB_OFFLINE is set`);
  }
  if (own === undefined) {
    throw new UsageError(`${modelIdText(id)}: no folder for downloads; set LIMR_CACHE`);
  }
  return download(own, id, wanted, host);
}

function ownCache(host: System): string | undefined {
  const folder = cacheFolder(host);
  return folder === undefined ? undefined : join(folder, 'hub');
}

/** Where Hugging Face's tools keep models. */
function hfCache(host: System): string | undefined {
  const given = host.environment('HF_HUB_CACHE');
  if (given) return given;
  const home = host.environment('HF_HOME');
  if (home) return join(home, 'hub');
  const shared = host.environment('XDG_CACHE_HOME');
  if (shared) return join(shared, 'huggingface/hub');
  const user = host.environment('HOME') ?? host.environment('USERPROFILE');
  return user ? join(user, '.cache/huggingface/hub') : undefined;
}

/** The folder of a model in a cache, as Hugging Face's tools name it. */
const folderOf = (cache: string, { repo }: ModelId): string =>
  join(cache, `models--${repo.replace('/', '--')}`);

/** The snapshot of a revision that a cache has whole; undefined where it has none. */
async function cached(
  cache: string,
  id: ModelId,
  { weights }: WantedModel,
): Promise<string | undefined> {
  const folder = folderOf(cache, id);
  const commit = isCommit(id.revision)
    ? id.revision
    : (await textOf(join(folder, 'refs', id.revision)))?.trim();
  if (commit === undefined || !isCommit(commit)) return undefined;
  const snapshot = join(folder, 'snapshots', commit);
  const noted = await notedIn(snapshot);
  const names = noted
    ? noted.files.filter((file) => weights || !file.weights)
    : await namesOfOthers(snapshot, weights);
  if (names.length === 0) return undefined;
  for (const { name, size } of names) {
    const found = await sizeOf(join(snapshot, name));
    if (found === undefined || (size !== undefined && found !== size)) return undefined;
  }
  return snapshot;
}

/** The files that another tool's snapshot must have. */
async function namesOfOthers(
  snapshot: string,
  weights: boolean,
): Promise<{ readonly name: string; readonly size?: number }[]> {
  if (!weights) return [{ name: 'config.json' }];
  const index = await textOf(join(snapshot, 'model.safetensors.index.json'));
  if (index === undefined) return [{ name: 'config.json' }, { name: 'model.safetensors' }];
  try {
    const { weight_map: map } = JSON.parse(index) as { weight_map: Record<string, string> };
    const shards = new Set(Object.values(map).map(String));
    // A name that leads out of the folder is refused where it is opened.
    return ['config.json', ...shards].map((name) => ({ name }));
  } catch {
    return [];
  }
}

async function download(
  cache: string,
  id: ModelId,
  { weights }: WantedModel,
  host: System,
): Promise<string> {
  const name = modelIdText(id);
  const hub = new Hub({
    endpoint: host.environment('HF_ENDPOINT') || 'https://huggingface.co',
    token: host.environment('HF_TOKEN') || undefined,
    wait: (ms) => setTimeout(ms),
    note: (text) => host.stderr(`${text}\n`),
  });
  const model = await hub.model(id);
  const files = [...model.small, ...(weights ? model.weights : [])];
  const folder = folderOf(cache, id);
  const snapshot = join(folder, 'snapshots', model.commit);
  const lock = await lockFolder(folder);
  try {
    const missing: HubFile[] = [];
    for (const file of files) {
      if ((await sizeOf(join(snapshot, file.name))) !== file.size) missing.push(file);
    }
    const bytes = missing.reduce((sum, { size }) => sum + size, 0);
    await host.stderr(
      `model: ${name} at commit ${model.commit.slice(0, 12)}, licence: ${model.licence ?? 'the hub names none'}; ${bytesText(bytes)} to download\n`,
    );
    await expectRoom(folder, snapshot, missing);
    await named(snapshot, () => fs.mkdir(snapshot, { recursive: true }));
    for (const file of missing) await fetchFile(hub, model, file, snapshot, host);
    const noted: Noted = {
      ...(model.licence === undefined ? {} : { licence: model.licence }),
      files: [
        ...model.small.map(({ name: own, size }) => ({ name: own, size, weights: false })),
        ...model.weights.map(({ name: own, size }) => ({ name: own, size, weights: true })),
      ],
    };
    await host.write(
      join(snapshot, NOTES),
      `${JSON.stringify({ schema: 1, ...noted }, null, 2)}\n`,
    );
    if (!isCommit(id.revision)) await host.write(join(folder, 'refs', id.revision), model.commit);
  } finally {
    await lock.release();
  }
  return snapshot;
}

/** @throws UsageError unless the disk has room for what is missing. */
async function expectRoom(
  folder: string,
  snapshot: string,
  missing: readonly HubFile[],
): Promise<void> {
  let bytes = SPARE_BYTES;
  for (const { name, size } of missing) {
    bytes += size - ((await sizeOf(join(snapshot, `${name}.part`))) ?? 0);
  }
  const { bavail, bsize } = await fs.statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new UsageError(
    `${folder}: the disk has ${bytesText(free)} free, and ${bytesText(bytes)} are needed; LIMR_CACHE names another folder`,
  );
}

/** Downloads a file beside its place and checks it: under its name it is whole and right. */
async function fetchFile(
  hub: Hub,
  model: HubModel,
  file: HubFile,
  snapshot: string,
  host: System,
): Promise<void> {
  const path = join(snapshot, file.name);
  const part = `${path}.part`;
  const where = `hf:${model.repo}: ${file.name}`;
  // What an earlier download left may be of a damaged disk: then all of it is fetched once more.
  for (const resumed of [true, false]) {
    const handle = await named(part, () => fs.open(part, resumed ? 'a+' : 'w+'));
    let hash = hashOf(file);
    let at = 0;
    let told = 0;
    try {
      const { size: there } = await handle.stat();
      if (there > file.size) await handle.truncate(0);
      else {
        for await (const bytes of handle.createReadStream({ start: 0, autoClose: false })) {
          hash.update(bytes as Uint8Array);
        }
        at = there;
      }
      const began = at;
      for await (const { at: place, bytes } of hub.read(model, file, at)) {
        if (place !== at) {
          await named(part, () => handle.truncate(0));
          hash = hashOf(file);
          at = 0;
        }
        await named(part, () => handle.appendFile(bytes));
        hash.update(bytes);
        at += bytes.length;
        if (host.terminal && performance.now() - told > STATUS_MS) {
          told = performance.now();
          await host.stderr(`${file.name}: ${bytesText(at)} of ${bytesText(file.size)}`, 'status');
        }
      }
      if (host.terminal) await host.stderr('', 'clear');
      if (hash.digest('hex') === file.digest.hex) {
        await named(part, () => handle.sync());
        await handle.close();
        await named(path, () => fs.rename(part, path));
        await host.stderr(`${file.name}: ${bytesText(file.size)}\n`);
        return;
      }
      if (began === 0) break;
    } finally {
      await handle.close().catch(() => undefined);
    }
  }
  await fs.rm(part, { force: true });
  throw new HubError(
    `${where}: its ${file.digest.kind === 'sha256' ? 'SHA-256' : 'SHA-1'} is not the one that the hub lists`,
  );
}

/** The hash of a file's digest, fed with what git puts before a content. */
function hashOf({ digest, size }: HubFile): Hash {
  if (digest.kind === 'sha256') return createHash('sha256');
  return createHash('sha1').update(`blob ${size}\0`);
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await fs.stat(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw fileError(error, path, 'read');
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await fs.readFile(path, 'utf8');
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw fileError(error, path, 'read');
  }
}

async function notedIn(snapshot: string): Promise<Noted | undefined> {
  const text = await textOf(join(snapshot, NOTES));
  if (text === undefined) return undefined;
  try {
    const noted = JSON.parse(text) as Partial<Noted> & { schema?: unknown };
    if (noted.schema === 1 && Array.isArray(noted.files)) return noted as Noted;
  } catch {
    // A note that cannot be read is written anew by the next download.
  }
  return { files: [] };
}

async function named<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw fileError(error, path, 'written');
  }
}
