import { bfloat16Of, float32OfBfloat16, float32OfHalves, halvesOf } from './half.ts';
import { isRecord } from './json.ts';

/**
 * A safetensors file that is truncated, contradicts itself, or holds data that the caller cannot
 * use.
 */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
}

export const dtypeBytes = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;

export type SafetensorsDType = keyof typeof dtypeBytes;

/**
 * The place of one tensor, from a header. `begin` and `end` count bytes from the start of the data.
 */
export interface SafetensorsSlot {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** First byte of the tensor data in the file. */
  readonly dataStart: number;
  readonly slots: ReadonlyMap<string, SafetensorsSlot>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** One tensor's little-endian, row-major bytes. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Bytes before the header: its length, a little-endian u64. */
export const safetensorsPrefixBytes = 8;
/** The limit of Hugging Face's JavaScript reader; the Rust one allows 100 MB. */
const largestHeader = 25_000_000;

/**
 * Length of the header that follows the first 8 bytes of a file. Checks the length against the
 * limit and the file's size before anything is read or allocated.
 *
 * @param fileBytes Size of the whole file.
 * @param where The file's name, for messages.
 */
export function safetensorsHeaderBytes(
  prefix: Uint8Array,
  fileBytes: number,
  where: string,
): number {
  if (fileBytes < safetensorsPrefixBytes || prefix.length < safetensorsPrefixBytes) {
    throw new SafetensorsError(`${where}: ${fileBytes} bytes are too few for a safetensors file`);
  }
  const view = new DataView(prefix.buffer, prefix.byteOffset, safetensorsPrefixBytes);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(largestHeader)) {
    throw new SafetensorsError(
      `${where}: header length ${length.toString()} exceeds ${largestHeader}`,
    );
  }
  if (length > BigInt(fileBytes - safetensorsPrefixBytes)) {
    throw new SafetensorsError(
      `${where}: header length ${length.toString()} runs past the end of the file, ${fileBytes} bytes`,
    );
  }
  return Number(length);
}

/**
 * Parses a header with the Rust crate's checks: every byte of data belongs to exactly one tensor,
 * the tensor's dtype and shape account for its bytes, no name occurs twice, and metadata maps
 * strings to strings.
 *
 * @param text The header alone, without the 8 bytes before it.
 */
export function parseSafetensorsHeader(
  text: Uint8Array,
  fileBytes: number,
  where: string,
): SafetensorsHeader {
  const json = parseJson(text, where);
  const dataStart = safetensorsPrefixBytes + text.length;
  const slots: SafetensorsSlot[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') metadata = parseMetadata(value, where);
    else slots.push(parseSlot(name, value, where));
  }
  expectFullCover(slots, fileBytes - dataStart, where);
  return { dataStart, slots: new Map(slots.map((slot) => [slot.name, slot])), metadata };
}

/**
 * Reads a whole file. The entries are views into `bytes`.
 *
 * @param where The file's name, for messages.
 * @throws SafetensorsError naming the file and, if a tensor is at fault, the tensor.
 */
export function readSafetensors(bytes: Uint8Array, where: string): SafetensorsFile {
  const length = safetensorsHeaderBytes(bytes, bytes.length, where);
  const text = bytes.subarray(safetensorsPrefixBytes, safetensorsPrefixBytes + length);
  const header = parseSafetensorsHeader(text, bytes.length, where);
  const tensors = new Map<string, SafetensorsEntry>();
  for (const { name, dtype, shape, begin, end } of header.slots.values()) {
    const data = bytes.subarray(header.dataStart + begin, header.dataStart + end);
    tensors.set(name, { name, dtype, shape, bytes: data });
  }
  return { tensors, metadata: header.metadata };
}

function parseJson(text: Uint8Array, where: string): object {
  if (text[0] !== 0x7b) throw new SafetensorsError(`${where}: header does not start with '{'`);
  let source: string;
  try {
    source = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text);
  } catch {
    throw new SafetensorsError(`${where}: header is not UTF-8`);
  }
  let json: object;
  try {
    json = JSON.parse(source) as object; // Starts with '{', so an object.
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SafetensorsError(`${where}: header is not JSON: ${why.slice(0, 120)}`);
  }
  const twice = repeatedKey(source);
  if (twice !== undefined) throw new SafetensorsError(`${where}: header names ${twice} twice`);
  return json;
}

/**
 * The first key that occurs twice in one object of a valid JSON text: `JSON.parse` keeps the last.
 */
function repeatedKey(source: string): string | undefined {
  const open: (Set<string> | null)[] = []; // A set of keys per object, null per array.
  for (let at = 0; at < source.length; at++) {
    const character = source[at];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(null);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const start = at;
      for (at++; source[at] !== '"'; at++) if (source[at] === '\\') at++;
      let next = at + 1;
      while (' \t\r\n'.includes(source[next] ?? '.')) next++;
      if (source[next] !== ':') continue;
      const text = source.slice(start, at + 1);
      const key = JSON.parse(text) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return text.slice(0, 100);
      keys?.add(key);
    }
  }
  return undefined;
}

function parseMetadata(value: unknown, where: string): Map<string, string> {
  if (!isRecord(value)) throw new SafetensorsError(`${where}: __metadata__ must be an object`);
  const metadata = new Map<string, string>();
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      throw new SafetensorsError(`${where}: __metadata__ '${key}' must be a string`);
    }
    metadata.set(key, text);
  }
  return metadata;
}

function parseSlot(name: string, value: unknown, where: string): SafetensorsSlot {
  const fail = (why: string): never => {
    throw new SafetensorsError(`${where}: tensor '${name.slice(0, 100)}': ${why}`);
  };
  if (!isRecord(value)) return fail('must be an object');
  const { dtype, shape, data_offsets: offsets } = value;
  const extra = Object.keys(value).find((key) => !['dtype', 'shape', 'data_offsets'].includes(key));
  if (extra !== undefined) return fail(`unknown field '${extra.slice(0, 100)}'`);
  if (typeof dtype !== 'string' || !Object.hasOwn(dtypeBytes, dtype)) {
    return fail(
      `dtype ${dtype === undefined ? 'missing' : JSON.stringify(dtype)} is not supported`,
    );
  }
  if (!isNaturals(shape)) return fail('shape must be a list of whole numbers');
  if (!isNaturals(offsets) || offsets.length !== 2) return fail('data_offsets must be two offsets');
  const [begin = 0, end = 0] = offsets;
  if (end < begin) return fail(`data_offsets [${begin}, ${end}] run backwards`);
  const known = dtype as SafetensorsDType;
  // BigInt: a product of sizes may exceed 2^53, where Number rounds.
  const wanted = shape.reduce((product, n) => product * BigInt(n), BigInt(dtypeBytes[known]));
  if (wanted !== BigInt(end - begin)) {
    return fail(
      `${known} (${shape.join(', ')}) needs ${wanted.toString()} bytes, data_offsets hold ${end - begin}`,
    );
  }
  return { name, dtype: known, shape, begin, end };
}

const isNaturals = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);

function expectFullCover(
  slots: readonly SafetensorsSlot[],
  dataBytes: number,
  where: string,
): void {
  let covered = 0;
  for (const slot of [...slots].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (slot.begin !== covered) {
      const what =
        slot.begin < covered ? 'overlaps the tensor before it' : 'leaves a hole before it';
      throw new SafetensorsError(`${where}: tensor '${slot.name.slice(0, 100)}' ${what}`);
    }
    covered = slot.end;
  }
  if (covered !== dataBytes) {
    throw new SafetensorsError(
      `${where}: tensors cover ${covered} bytes of data, the file holds ${dataBytes}`,
    );
  }
}

/** Number of elements of a tensor. */
export const entryLength = (entry: Pick<SafetensorsEntry, 'shape'>): number =>
  entry.shape.reduce((product, size) => product * size, 1);

/**
 * Converts a floating-point tensor to f32: f64 is rounded, f16 and bf16 are exact. For an aligned
 * f32 tensor the result is a view of its bytes, not a copy.
 *
 * @throws SafetensorsError when the dtype is not a floating-point one.
 */
export function toFloat32(entry: SafetensorsEntry, where = 'safetensors'): Float32Array {
  switch (entry.dtype) {
    case 'F32': {
      const { buffer, byteOffset, length } = aligned(entry.bytes, 4);
      return new Float32Array(buffer, byteOffset, length / 4);
    }
    case 'F64': {
      const { buffer, byteOffset, length } = aligned(entry.bytes, 8);
      return new Float32Array(new Float64Array(buffer, byteOffset, length / 8));
    }
    case 'BF16':
      return float32OfBfloat16(uint16View(entry.bytes));
    case 'F16':
      return float32OfHalves(uint16View(entry.bytes));
    default:
      throw new SafetensorsError(
        `${where}: tensor '${entry.name}' must be a floating-point tensor, is ${entry.dtype}`,
      );
  }
}

/**
 * Converts an integer or boolean tensor to 32-bit integers.
 *
 * @throws SafetensorsError for another dtype, or a number outside of 32 signed bits.
 */
export function toInt32(entry: SafetensorsEntry, where = 'safetensors'): Int32Array {
  const fail = (why: string): never => {
    throw new SafetensorsError(`${where}: tensor '${entry.name}' ${why}`);
  };
  const view = integerView(entry);
  if (!view) return fail(`must be an integer tensor, is ${entry.dtype}`);
  const values = new Int32Array(view.length);
  for (let i = 0; i < view.length; i++) {
    const value = Number(view[i]);
    if (value < -(2 ** 31) || value >= 2 ** 31) return fail(`holds ${value}, past 32 signed bits`);
    values[i] = value;
  }
  return values;
}

function integerView(entry: SafetensorsEntry): ArrayLike<number | bigint> | undefined {
  if (entry.dtype.startsWith('F') || entry.dtype === 'BF16') return undefined;
  const size = dtypeBytes[entry.dtype];
  const { buffer, byteOffset, length } = aligned(entry.bytes, size);
  const count = length / size;
  switch (entry.dtype) {
    case 'I64':
      return new BigInt64Array(buffer, byteOffset, count);
    case 'U64':
      return new BigUint64Array(buffer, byteOffset, count);
    case 'I32':
      return new Int32Array(buffer, byteOffset, count);
    case 'U32':
      return new Uint32Array(buffer, byteOffset, count);
    case 'I16':
      return new Int16Array(buffer, byteOffset, count);
    case 'U16':
      return new Uint16Array(buffer, byteOffset, count);
    case 'I8':
      return new Int8Array(buffer, byteOffset, count);
    default:
      return new Uint8Array(buffer, byteOffset, count);
  }
}

/** The same bytes at an address that a typed array accepts; headers do not promise alignment. */
const aligned = (bytes: Uint8Array, size: number): Uint8Array =>
  bytes.byteOffset % size === 0 ? bytes : bytes.slice();

function uint16View(bytes: Uint8Array): Uint16Array {
  const { buffer, byteOffset, length } = aligned(bytes, 2);
  return new Uint16Array(buffer, byteOffset, length / 2);
}

const viewOf = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/**
 * An entry of a float tensor to write; two-byte dtypes round to nearest even. With F32 the entry is
 * a view of `data`.
 */
export function float32Entry(
  name: string,
  shape: readonly number[],
  data: Float32Array,
  dtype: 'F32' | 'F16' | 'BF16' = 'F32',
): SafetensorsEntry {
  if (dtype === 'F32') return { name, dtype, shape, bytes: viewOf(data) };
  if (dtype === 'F16') return { name, dtype, shape, bytes: viewOf(halvesOf(data)) };
  return { name, dtype, shape, bytes: viewOf(bfloat16Of(data)) };
}

/** An entry of a 32-bit integer tensor to write, a view of `data`. */
export function int32Entry(
  name: string,
  shape: readonly number[],
  data: Int32Array | Uint32Array,
): SafetensorsEntry {
  return { name, dtype: data instanceof Int32Array ? 'I32' : 'U32', shape, bytes: viewOf(data) };
}

/** A tensor to write, without its bytes. */
export type SafetensorsDescription = Pick<SafetensorsEntry, 'name' | 'dtype' | 'shape'>;

/** A file to write: its first bytes, and its tensors in file order. */
export interface SafetensorsLayout<Tensor> {
  readonly header: Uint8Array;
  readonly sorted: readonly Tensor[];
  /** Size of the whole file. */
  readonly bytes: number;
}

/** Bytes of a tensor in a file. */
export const entryBytes = (entry: Pick<SafetensorsEntry, 'dtype' | 'shape'>): number =>
  entryLength(entry) * dtypeBytes[entry.dtype];

/**
 * The layout of a file to write. Wider dtypes come first, then names in order, so that every tensor
 * is aligned and equal contents give equal files.
 *
 * @throws SafetensorsError when two tensors share a name, or the header is longer than readers
 *   accept.
 */
export function safetensorsLayout<Tensor extends SafetensorsDescription>(
  tensors: Iterable<Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): SafetensorsLayout<Tensor> {
  const sorted = [...tensors].sort(
    (a, b) => dtypeBytes[b.dtype] - dtypeBytes[a.dtype] || (a.name < b.name ? -1 : 1),
  );
  const header = new Map<string, unknown>();
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) {
    header.set('__metadata__', Object.fromEntries(keys.map((key) => [key, metadata[key]])));
  }
  let offset = 0;
  for (const tensor of sorted) {
    const { name, dtype, shape } = tensor;
    const end = offset + entryBytes(tensor);
    if (header.has(name)) throw new SafetensorsError(`tensor '${name}' occurs twice`);
    header.set(name, { dtype, shape, data_offsets: [offset, end] });
    offset = end;
  }
  // Built by hand: an object would treat `__proto__` as its prototype and sort numeric names first.
  const members = [...header].map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
  );
  const json = new TextEncoder().encode(`{${members.join(',')}}`);
  const headerLength = Math.ceil(json.length / 8) * 8;
  if (headerLength > largestHeader) {
    throw new SafetensorsError(
      `a header of ${headerLength} bytes would be refused on reading: at most ${largestHeader}`,
    );
  }
  const bytes = new Uint8Array(safetensorsPrefixBytes + headerLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.fill(0x20, safetensorsPrefixBytes);
  bytes.set(json, safetensorsPrefixBytes);
  return { header: bytes, sorted, bytes: bytes.length + offset };
}

/** @throws SafetensorsError unless the bytes of a tensor fill its shape. */
export function expectFilled(tensor: SafetensorsDescription, bytes: Uint8Array): void {
  if (entryBytes(tensor) === bytes.length) return;
  const { name, dtype, shape } = tensor;
  throw new SafetensorsError(
    `tensor '${name}': ${dtype} (${shape.join(', ')}) is not ${bytes.length} bytes`,
  );
}

function layoutOf(
  entries: Iterable<SafetensorsEntry>,
  metadata: Readonly<Record<string, string>>,
): SafetensorsLayout<SafetensorsEntry> {
  const layout = safetensorsLayout(entries, metadata);
  for (const entry of layout.sorted) expectFilled(entry, entry.bytes);
  return layout;
}

/**
 * The bytes of a file, in the order of `safetensorsLayout`.
 *
 * @throws SafetensorsError as `safetensorsLayout`, and when the bytes of an entry do not fill its
 *   shape.
 */
export function writeSafetensors(
  entries: Iterable<SafetensorsEntry>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const { header, sorted, bytes } = layoutOf(entries, metadata);
  const whole = new Uint8Array(bytes);
  whole.set(header);
  let at = header.length;
  for (const entry of sorted) {
    whole.set(entry.bytes, at);
    at += entry.bytes.length;
  }
  return whole;
}

/**
 * The bytes of `writeSafetensors` in pieces, for a file larger than one array. The pieces after the
 * header are the tensors' own arrays.
 *
 * @throws SafetensorsError as `writeSafetensors`, at the call.
 */
export function safetensorsPieces(
  entries: Iterable<SafetensorsEntry>,
  metadata: Readonly<Record<string, string>> = {},
): readonly Uint8Array[] {
  const { header, sorted } = layoutOf(entries, metadata);
  return [header, ...sorted.map(({ bytes }) => bytes)];
}
