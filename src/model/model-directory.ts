import { type ByteSource, readText } from '../formats/byte-source.ts';
import { FormatError } from '../formats/format-error.ts';
import { expectNoPointer } from '../formats/git-lfs.ts';
import { isRecord, parseJson } from '../formats/json.ts';
import { openSafetensors, type SafetensorsSource } from '../formats/safetensors-source.ts';
import { SafetensorsError, toFloat32 } from '../formats/safetensors.ts';
import type { TokenizerTexts } from '../formats/tokenizer-client.ts';
import type { ModelConfig } from './config.ts';
import { parseHfConfig } from './hugging-face/config.ts';
import { isValueHead, unwrappedName } from './hugging-face/names.ts';
import type { NumberRange } from './parameter-source.ts';

/** Storage type of weights in a file. */
export type WeightDType = 'F32' | 'F16' | 'BF16';

/** A model in the Hugging Face layout. Weights stay in their files until they are read. */
export interface ModelDirectory {
  /** The model's name in errors: a path, or the name that a page gives. */
  readonly where: string;
  readonly config: ModelConfig;
  /** Shape of every tensor in the files, by its Hugging Face name, without prefixes of wrappers. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Sentences for the user about how the files were read. */
  readonly notes: readonly string[];
  /**
   * One tensor as f32, or some of its numbers. @throws SafetensorsError when no tensor has that name, or
   * it has another size than the range says.
   */
  read(name: string, range?: NumberRange): Promise<Float32Array>;
  /** The tokenizer's files, for `TokenizerClient`; undefined where the folder has none. */
  tokenizerTexts(): Promise<TokenizerTexts | undefined>;
}

/** Opens a file of a model by its bare name; undefined where there is none. */
export type OpenModelFile = (name: string) => Promise<ByteSource | undefined>;

/** The weights of a model in one file. */
export const weightsFile = 'model.safetensors';
/** Which file holds which tensor, where a model has its weights in shards. */
export const indexFile = 'model.safetensors.index.json';
/** Files of a tokenizer that are read. */
export const tokenizerFileNames = [
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
] as const;

/** Largest config, in bytes. */
export const smallJson = 1 << 20;
/** Largest tokenizer or shard index, in bytes: those of 2026 are near 40 MB. */
export const largeJson = 1 << 28;

/**
 * Reads a model's config and the headers of its weights, one file or shards.
 *
 * @param where The folder's name in errors.
 * @throws ConfigError, SafetensorsError or FormatError, naming the file.
 */
export async function openModelDirectory(
  openFile: OpenModelFile,
  where: string,
): Promise<ModelDirectory> {
  const open = withoutPointers(openFile);
  const described = await openModelDescription(openFile, where);
  const { slots, notes } = withoutWrappers(await readWeightSlots(open, where), where);
  return {
    ...described,
    notes,
    shapes: new Map([...slots].map(([name, { shape }]) => [name, shape])),
    async read(name, range) {
      const found = slots.get(name);
      if (!found) throw new SafetensorsError(`${where}: no tensor '${name}'`);
      const { file, stored } = found;
      return toFloat32(await file.read(stored, range), file.name);
    },
  };
}

/** The parts of a model that are known without its weights. */
export type ModelDescription = Pick<ModelDirectory, 'where' | 'config' | 'tokenizerTexts'>;

/** Reads a model's config alone: the weights need not be there. @throws As `openModelDirectory`. */
export async function openModelDescription(
  openFile: OpenModelFile,
  where: string,
): Promise<ModelDescription> {
  const open = withoutPointers(openFile);
  const source = await open('config.json');
  if (!source) throw new FormatError(`${where}: no config.json`);
  const config = parseHfConfig(await readJson(source, smallJson), source.name);
  return {
    where,
    config: await withGenerationStops(config, open),
    tokenizerTexts: () => readTokenizer(open),
  };
}

/** Opens files, and refuses pointers that only say where the real file is. */
const withoutPointers =
  (openFile: OpenModelFile): OpenModelFile =>
  async (name) => {
    const source = await openFile(name);
    if (source) await expectNoPointer(source);
    return source;
  };

/** @throws SafetensorsError when the names of two tensors differ only in what wrappers added. */
function withoutWrappers(
  found: ReadonlyMap<string, Located>,
  where: string,
): { readonly slots: ReadonlyMap<string, Located>; readonly notes: string[] } {
  const slots = new Map<string, Located>();
  let wrapped: string | undefined;
  for (const [name, located] of found) {
    const own = unwrappedName(name);
    if (own !== name) wrapped ??= name;
    if (slots.has(own)) {
      throw new SafetensorsError(`${where}: two tensors are '${own}', one of them '${name}'`);
    }
    slots.set(own, located);
  }
  const notes =
    wrapped === undefined
      ? []
      : [`names such as '${wrapped}' are read as '${unwrappedName(wrapped)}'`];
  const heads = [...slots.keys()].filter(isValueHead);
  if (heads.length > 0) {
    const others = heads.length > 1 ? ` and ${heads.length - 1} more` : '';
    notes.push(`value heads are no part of the language model: '${heads[0] ?? ''}'${others}`);
  }
  return { slots, notes };
}

async function readJson(source: ByteSource, limit: number): Promise<unknown> {
  return parseJson(await readText(source, limit), source.name);
}

/** generation_config.json may name more stop tokens than config.json; generation follows it. */
async function withGenerationStops(
  config: ModelConfig,
  openFile: OpenModelFile,
): Promise<ModelConfig> {
  const source = await openFile('generation_config.json');
  if (!source) return config;
  const json = await readJson(source, smallJson);
  if (!isRecord(json)) throw new FormatError(`${source.name}: must be an object`);
  const stops = json.eos_token_id ?? null;
  if (stops === null) return config;
  const ids: unknown[] = Array.isArray(stops) ? stops : [stops];
  for (const id of ids) {
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= config.vocabSize) {
      throw new FormatError(
        `${source.name}: eos_token_id must hold token ids below ${config.vocabSize}`,
      );
    }
  }
  return { ...config, eosTokenIds: ids as number[] };
}

/** The place of a tensor, which may have another name in its file. */
interface Located {
  readonly file: SafetensorsSource;
  readonly stored: string;
  readonly shape: readonly number[];
}

async function readWeightSlots(
  openFile: OpenModelFile,
  where: string,
): Promise<Map<string, Located>> {
  const whole = await openFile(weightsFile);
  if (whole) return readSlots(whole);
  const index = await openFile(indexFile);
  if (!index) throw new FormatError(`${where}: neither ${weightsFile} nor ${indexFile}`);
  const json = await readJson(index, largeJson);
  const map = isRecord(json) ? json.weight_map : undefined;
  if (!isRecord(map)) throw new FormatError(`${index.name}: no weight_map`);
  const shards = new Map<string, Map<string, Located>>();
  const found = new Map<string, Located>();
  for (const [name, shard] of Object.entries(map)) {
    // A bare name: an index is data, and may not point outside its folder.
    if (typeof shard !== 'string' || !/^[A-Za-z0-9_][\w.-]*\.safetensors$/.test(shard)) {
      throw new FormatError(`${index.name}: '${name}' is in ${JSON.stringify(shard)}, not a shard`);
    }
    let slots = shards.get(shard);
    if (!slots) {
      const source = await openFile(shard);
      if (!source) throw new FormatError(`${where}: shard ${shard} is missing`);
      slots = await readSlots(source);
      shards.set(shard, slots);
    }
    const located = slots.get(name);
    if (!located) throw new SafetensorsError(`${where}: ${shard} has no tensor '${name}'`);
    found.set(name, located);
  }
  return found;
}

async function readSlots(source: ByteSource): Promise<Map<string, Located>> {
  const file = await openSafetensors(source);
  return new Map([...file.slots].map(([name, { shape }]) => [name, { file, stored: name, shape }]));
}

async function readTokenizer(openFile: OpenModelFile): Promise<TokenizerTexts | undefined> {
  const [tokenizer, config, template] = await Promise.all(tokenizerFileNames.map(openFile));
  if (!tokenizer) return undefined;
  const named = async (source: ByteSource) => ({
    name: source.name,
    text: await readText(source, largeJson),
  });
  return {
    tokenizer: await named(tokenizer),
    config: config && (await named(config)),
    chatTemplate: template && (await readText(template, smallJson)),
  };
}
