import { afterAll, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { useSystem } from '../../src/cli/system.ts';
import { MemorySystem } from '../support/memory-system.ts';
import { assetBytes } from '../support/model-fixture.ts';

const texts = import.meta.glob<string>('../../../shared/models/stories260K/*.json', {
  query: '?raw',
  import: 'default',
});
const binaries = import.meta.glob<string>('../../../shared/models/stories260K/*.safetensors', {
  query: '?inline',
  import: 'default',
});

interface Expected {
  readonly prompt: string;
  readonly prompt_ids: number[];
  readonly greedy_ids: number[];
  readonly text: string;
}

afterAll(() => useSystem(undefined));

const nameOf = (key: string): string => key.split('/').at(-1)!;

test('limr generate tells the story of a real pretrained model', async (context) => {
  if (Object.keys(binaries).length === 0) context.skip('no ../shared/models/stories260K here');
  const files = new Map<string, Uint8Array>();
  for (const [key, load] of Object.entries(texts)) {
    files.set(`stories/${nameOf(key)}`, new TextEncoder().encode(await load()));
  }
  for (const [key, load] of Object.entries(binaries)) {
    files.set(`stories/${nameOf(key)}`, await assetBytes(await load()));
  }
  const text = new TextDecoder().decode(files.get('stories/expected.json'));
  const expected = JSON.parse(text) as Expected;
  const count = expected.greedy_ids.length - expected.prompt_ids.length;
  const system = new MemorySystem(files);
  useSystem(system);
  const prompt = ['--prompt', expected.prompt, '--max-new-tokens', String(count)];
  const argv = ['generate', 'stories', ...prompt, '--temperature', '0', '--out', 'o'];
  expect([await main(argv), system.err]).toEqual([0, expect.stringMatching(/^adapter: /)]);
  const [story] = JSON.parse(new TextDecoder().decode(system.files.get('o'))) as {
    prompt_ids: number[];
    ids: number[];
    text: string;
  }[];
  expect(story.prompt_ids).toEqual(expected.prompt_ids);
  expect([...story.prompt_ids, ...story.ids]).toEqual(expected.greedy_ids);
  expect(expected.prompt + story.text).toBe(expected.text);
});
