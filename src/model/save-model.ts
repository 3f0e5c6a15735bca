import { readAll } from '../formats/byte-source.ts';
import { wholeOf } from '../formats/file-content.ts';
import { jsonText } from '../formats/json.ts';
import {
  entryBytes,
  expectFilled,
  float32Entry,
  type SafetensorsDescription,
  safetensorsLayout,
} from '../formats/safetensors.ts';
import type { ModelConfig } from './config.ts';
import { toHfConfig } from './hugging-face/config.ts';
import {
  indexFile,
  largeJson,
  type OpenModelFile,
  smallJson,
  tokenizerFileNames,
  type WeightDType,
  weightsFile,
} from './model-directory.ts';

/** Files that a saved model includes unchanged. */
const copiedFiles = [
  ...tokenizerFileNames,
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'tokenizer.model',
] as const;

const generationFile = 'generation_config.json';

/** Most bytes of weights in one file: with more, a model is saved in shards. */
const mostShardBytes = 2 ** 31;

/** One parameter to save, under its Hugging Face name. */
export interface NamedWeights {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** One tensor to save. Its bytes are made when they are written. */
export interface TensorToSave {
  readonly name: string;
  readonly shape: readonly number[];
  /** Little-endian and row-major, in the dtype of the file. */
  bytes(): Promise<Uint8Array> | Uint8Array;
}

/** The content of a file: whole, or piece by piece. */
export type FilePieces = Uint8Array | AsyncIterable<Uint8Array>;

const torchDtypes = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

/** How a model is saved. */
export interface SaveOptions {
  /** Type of the weights in the file. Default F32. */
  readonly dtype?: WeightDType;
  /** Opens the folder whose tokenizer and generation_config.json are copied unchanged. */
  readonly tokenizerFrom?: OpenModelFile;
}

/**
 * The files of a model folder, in the order to write them: config.json last, so that a folder with
 * a config.json is complete. Weights of more than 2 GiB are in shards with an index. Only one tensor
 * is in memory at a time.
 *
 * @throws SafetensorsError when two tensors share a name; while a file is written, when the bytes
 *   of a tensor do not fill its shape.
 */
export async function modelDirectoryPieces(
  config: ModelConfig,
  tensors: Iterable<TensorToSave>,
  options: SaveOptions = {},
  shardBytes = mostShardBytes,
): Promise<Map<string, FilePieces>> {
  const { dtype = 'F32', tokenizerFrom } = options;
  const files = new Map<string, FilePieces>();
  const shards = shardsOf(
    Array.from(tensors, (tensor) => ({ ...tensor, bytes: () => tensor.bytes(), dtype })),
    shardBytes,
  );
  const names = new Map<string, string>();
  for (const [i, shard] of shards.entries()) {
    const file = shards.length === 1 ? weightsFile : shardName(i, shards.length);
    files.set(file, weightPieces(shard));
    for (const { name } of shard) names.set(name, file);
  }
  if (shards.length > 1) {
    const size = shards.flat().reduce((sum, tensor) => sum + entryBytes(tensor), 0);
    const map = Object.fromEntries([...names].sort(([a], [b]) => (a < b ? -1 : 1)));
    files.set(indexFile, jsonBytes({ metadata: { total_size: size }, weight_map: map }));
  }
  for (const name of copiedFiles) {
    const source = await tokenizerFrom?.(name);
    if (source) files.set(name, await readAll(source, largeJson));
  }
  const generation = await tokenizerFrom?.(generationFile);
  files.set(
    generationFile,
    generation ? await readAll(generation, smallJson) : jsonBytes(generationOf(config)),
  );
  return files.set('config.json', jsonBytes(toHfConfig(config, torchDtypes[dtype])));
}

/** As `modelDirectoryPieces`, each file as one array. */
export async function modelDirectoryFiles(
  config: ModelConfig,
  weights: Iterable<NamedWeights>,
  options: SaveOptions = {},
): Promise<Map<string, Uint8Array>> {
  const { dtype = 'F32' } = options;
  const tensors = Array.from(weights, (own) => tensorToSave(own, dtype));
  const files = new Map<string, Uint8Array>();
  for (const [name, content] of await modelDirectoryPieces(config, tensors, options)) {
    files.set(name, await wholeOf(content));
  }
  return files;
}

/** A parameter as a tensor to save; two-byte dtypes round to nearest even. */
export const tensorToSave = (
  { name, shape, data }: NamedWeights,
  dtype: WeightDType,
): TensorToSave => ({ name, shape, bytes: () => float32Entry(name, shape, data, dtype).bytes });

/** What transformers would derive from the config: ids that generation starts, ends and pads with. */
const generationOf = ({ bosTokenId, eosTokenIds, padTokenId }: ModelConfig): object => ({
  ...(bosTokenId === null ? {} : { bos_token_id: bosTokenId }),
  ...(eosTokenIds.length === 0
    ? {}
    : { eos_token_id: eosTokenIds.length > 1 ? eosTokenIds : eosTokenIds[0] }),
  ...(padTokenId === null ? {} : { pad_token_id: padTokenId }),
});

const shardName = (index: number, count: number): string =>
  `model-${String(index + 1).padStart(5, '0')}-of-${String(count).padStart(5, '0')}.safetensors`;

type Stored = TensorToSave & SafetensorsDescription;

/** Groups of tensors, each of `shardBytes` at most or of one tensor; at least one group. */
function shardsOf(tensors: readonly Stored[], shardBytes: number): Stored[][] {
  const shards: Stored[][] = [[]];
  let size = 0;
  for (const tensor of tensors) {
    const own = entryBytes(tensor);
    if (size > 0 && size + own > shardBytes) {
      shards.push([]);
      size = 0;
    }
    shards.at(-1)?.push(tensor);
    size += own;
  }
  return shards;
}

function weightPieces(tensors: readonly Stored[]): FilePieces {
  const { header, sorted } = safetensorsLayout(tensors, { format: 'pt' });
  return {
    async *[Symbol.asyncIterator]() {
      yield header;
      for (const tensor of sorted) {
        const bytes = await tensor.bytes();
        expectFilled(tensor, bytes);
        yield bytes;
      }
    },
  };
}

const jsonBytes = (json: object): Uint8Array => new TextEncoder().encode(jsonText(json));
