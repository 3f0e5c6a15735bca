import { parseHfConfig } from '../../src/model/hugging-face/config.ts';
import { readSafetensors, toFloat32, toInt32 } from '../../src/formats/safetensors.ts';

/** Bytes of an asset that Vite inlined as a data URI: the same on all hosts. */
export async function assetBytes(dataUri: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(dataUri)).arrayBuffer());
}

export interface ModelFixture {
  readonly config: ReturnType<typeof parseHfConfig>;
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** Expected tensors as float32 or int32, by the fixture's keys. */
  readonly f32: (key: string) => Float32Array;
  readonly i32: (key: string) => Int32Array;
  readonly shape: (key: string) => readonly number[];
  readonly keys: readonly string[];
}

/** Reads one of the golden models: its config, weights and expected numbers. */
export async function modelFixture(
  config: unknown,
  modelUri: string,
  expectedUri: string,
): Promise<ModelFixture> {
  const model = readSafetensors(await assetBytes(modelUri), 'model.safetensors');
  const expected = readSafetensors(await assetBytes(expectedUri), 'fixture.safetensors');
  const find = (key: string) => {
    const entry = expected.tensors.get(key);
    if (!entry) throw new Error(`fixture has no ${key}`);
    return entry;
  };
  return {
    config: parseHfConfig(config, 'config.json'),
    weights: new Map([...model.tensors].map(([name, entry]) => [name, toFloat32(entry)])),
    f32: (key) => toFloat32(find(key)),
    i32: (key) => toInt32(find(key)),
    shape: (key) => find(key).shape,
    keys: [...expected.tensors.keys()],
  };
}

/** Rows of a padded (B, S) batch without their padding. */
export function unpadded(ids: Int32Array, mask: Int32Array, length: number): number[][] {
  const rows: number[][] = [];
  for (let start = 0; start < ids.length; start += length) {
    rows.push([...ids.subarray(start, start + length)].filter((_, i) => mask[start + i] === 1));
  }
  return rows;
}
