// TensorBoard's event files. An `Event` and its `Summary` have so few fields that their protobuf
// encoding is written out here: field numbers of event.proto and summary.proto of TensorBoard.

/** A scalar at a step. */
export interface ScalarEvent {
  /** Whole and not negative. */
  readonly step: number;
  /** Seconds; the time axes of TensorBoard show it. */
  readonly wallTime: number;
  readonly scalars: Iterable<readonly [tag: string, value: number]>;
}

const encoder = new TextEncoder();

/** The first record of a file: `Event { file_version }`. */
export const fileVersion = (): Uint8Array =>
  recordOf([...field(3, 'bytes', encoder.encode('brain.Event:2'))]);

/**
 * One record of scalars: `Event { wall_time, step, summary { value { tag, simple_value } ... } }`.
 * As proto3 asks, a time or a step of 0 is left out.
 */
export function scalarRecord({ step, wallTime, scalars }: ScalarEvent): Uint8Array {
  const values: number[] = [];
  for (const [tag, value] of scalars) {
    const one = [
      ...field(1, 'bytes', encoder.encode(tag)),
      ...field(2, 'fixed32', floatBytes(value)),
    ];
    values.push(...field(1, 'bytes', one));
  }
  return recordOf([
    ...(wallTime === 0 ? [] : field(1, 'fixed64', doubleBytes(wallTime))),
    ...(step === 0 ? [] : field(2, 'varint', varint(step))),
    ...field(5, 'bytes', values),
  ]);
}

const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

type Bytes = ArrayLike<number> & Iterable<number>;

function* field(number: number, type: keyof typeof wireTypes, content: Bytes): Generator<number> {
  yield* varint((number << 3) | wireTypes[type]);
  if (type === 'bytes') yield* varint(content.length);
  yield* content;
}

/** Seven bits a byte, the lowest first; exact up to 2^53. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  while (left >= 0x80) {
    bytes.push((left % 0x80) | 0x80);
    left = Math.floor(left / 0x80);
  }
  return [...bytes, left];
}

function littleEndian(size: 4 | 8, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  write(new DataView(bytes.buffer));
  return bytes;
}

const doubleBytes = (value: number): Uint8Array =>
  littleEndian(8, (view) => {
    view.setFloat64(0, value, true);
  });
const floatBytes = (value: number): Uint8Array =>
  littleEndian(4, (view) => {
    view.setFloat32(0, value, true);
  });

/**
 * A TFRecord: length as u64, masked CRC-32C of the length, data, masked CRC-32C of the data, all
 * little-endian.
 */
function recordOf(content: readonly number[]): Uint8Array {
  const record = new Uint8Array(16 + content.length);
  const view = new DataView(record.buffer);
  view.setUint32(0, content.length, true);
  view.setUint32(8, masked(crc32c(record.subarray(0, 8))), true);
  record.set(content, 12);
  view.setUint32(12 + content.length, masked(crc32c(content)), true);
  return record;
}

/** The mask keeps a checksum of data that holds checksums from being weak. */
const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;

/** Castagnoli's polynomial, bits reversed. */
const POLYNOMIAL = 0x82f63b78;
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
  return crc >>> 0;
});

function crc32c(bytes: Bytes): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    crc = (crc >>> 8) ^ (table[(crc ^ (bytes[i] ?? 0)) & 0xff] ?? 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
