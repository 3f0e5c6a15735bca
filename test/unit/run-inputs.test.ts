import { describe, expect, test } from 'vitest';
import {
  baseDigest,
  digestsOf,
  inputTexts,
  readInputs,
  type RunInputs,
} from '../../src/run-folder/inputs.ts';
import { namesOf, placeOf } from '../../src/run-folder/pool-rows.ts';
import { parseRunFile, runFileText } from '../../src/run-folder/run-file.ts';
import { configFrom } from '../../src/config.ts';

const sha256 = 'a'.repeat(64);
const inputs: RunInputs = {
  inputs: [{ path: '/p.jsonl', size: 12, sha256 }],
  base: { id: '/m', files: { 'config.json': 'b'.repeat(64), 'model.safetensors': sha256 } },
};
const config = configFrom(
  'pretrained',
  {
    model: { kind: 'folder', path: '/m' },
    task: { name: 'dataset', prompts: '/p.jsonl', maxPromptTokens: 8, maxResponseTokens: 8 },
  },
  'test',
);
const reading = (files: Readonly<Record<string, string>>) =>
  readInputs((name) => Promise.resolve(files[name]), 'run/');

describe('the inputs of a run', () => {
  test('are read as they were written', async () => {
    expect(await reading(Object.fromEntries(inputTexts(inputs)))).toEqual(inputs);
    expect(await reading({})).toEqual({ inputs: [], base: undefined });
    expect(inputTexts({ inputs: [], base: undefined }).size).toBe(0);
  });

  test.each([
    ['base.json', '{', 'run/base.json line 1: not JSON'],
    ['base.json', '{"id": "m"}', 'run/base.json: files'],
    ['base.json', '{"id": "m", "files": {"a": "b"}}', 'run/base.json: files.a'],
    ['base.json', '{"id": "m", "files": {}, "more": 1}', 'run/base.json: more'],
    ['inputs.json', '{}', 'run/inputs.json'],
    [
      'inputs.json',
      `[{"path": "p", "size": -1, "sha256": "${sha256}"}]`,
      'run/inputs.json: 0.size',
    ],
    ['inputs.json', '[{"path": 3}]', 'run/inputs.json: 0.path'],
  ])('are refused where %s holds %s', async (name, text, said) => {
    await expect(reading({ [name]: text })).rejects.toMatchObject({ name: 'FormatError' });
    await expect(reading({ [name]: text })).rejects.toThrow(said);
  });

  test('name a model by the names and digests of its files, in any order', () => {
    const turned = { ...inputs.base!.files };
    const files = Object.fromEntries(Object.entries(turned).reverse());
    expect(baseDigest({ id: 'elsewhere', files })).toBe(baseDigest(inputs.base!));
    expect(baseDigest({ id: '/m', files: { ...files, more: sha256 } })).not.toBe(
      baseDigest(inputs.base!),
    );
    expect(digestsOf(inputs)).toEqual(
      new Map([
        ['/p.jsonl', sha256],
        ['/m', baseDigest(inputs.base!)],
      ]),
    );
  });

  test('belong to the config of the run: another record is refused', async () => {
    const text = await runFileText(config, [1], { inputs, memory: 1 << 20 });
    const value: unknown = JSON.parse(text);
    expect(await parseRunFile(value, 'config.json', inputs)).toMatchObject({ memory: 1 << 20 });
    const others = { ...inputs, inputs: [{ path: '/p.jsonl', size: 12, sha256: 'c'.repeat(64) }] };
    await expect(parseRunFile(value, 'config.json', others)).rejects.toThrow('was edited');
    await expect(parseRunFile(value, 'config.json')).rejects.toThrow('was edited');
    const more = { ...(value as object), memory: 1 << 21 };
    await expect(parseRunFile(more, 'config.json', inputs)).rejects.toThrow('was edited');
  });
});

test('a row names its prompt by place, or by the id of its own and the place beside it', () => {
  expect(namesOf(3, { isOfFile: false })).toEqual({ id: 3 });
  expect(namesOf(3, { isOfFile: true })).toEqual({ index: 3 });
  expect(namesOf(3, { id: '17', isOfFile: true })).toEqual({ id: '17', index: 3 });
  for (const names of [{ id: 3 }, { index: 3 }, { id: '17', index: 3 }]) {
    expect(placeOf(names)).toBe(3);
  }
  expect(placeOf({ id: '3' })).toBeUndefined();
});
