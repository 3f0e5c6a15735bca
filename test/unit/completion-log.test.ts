import { expect, test } from 'vitest';
import { CompletionLog } from '../../src/scheduler/completion-log.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';

const sizes = { epochs: 2, samples: 2 };
const said = (...texts: string[]) => texts.map((text, i) => ({ text, reward: i === 0 ? 1 : -0.5 }));

async function saved(): Promise<MemoryStore> {
  const store = new MemoryStore();
  const log = new CompletionLog(3, sizes);
  log.remember(0, 9, said('1#2;', '"\n#'));
  log.remember(0, 2, said('4', '5'));
  log.remember(1, 9, said('6', '7'));
  await log.save(store);
  return store;
}

test('what was saved is there again, epoch by epoch, and says nothing of other prompts', async () => {
  const store = await saved();
  const log = new CompletionLog(3, sizes);
  expect(await log.load(store, 2)).toEqual([]);
  expect(log.of(9)).toEqual([
    { epoch: 0, completions: said('1#2;', '"\n#') },
    { epoch: 1, completions: said('6', '7') },
  ]);
  expect(log.of(2)).toEqual([{ epoch: 0, completions: said('4', '5') }]);
  expect(log.of(5)).toEqual([]);
  const early = new CompletionLog(3, sizes);
  await early.load(store, 1);
  expect(early.of(9)).toHaveLength(1);
});

test('files are a line per prompt in the order of the pool, and written only when changed', async () => {
  const store = await saved();
  expect([...store.files.keys()]).toEqual([
    'completions/seed-3-epoch-0.jsonl',
    'completions/seed-3-epoch-1.jsonl',
  ]);
  const text = new TextDecoder().decode(store.files.get('completions/seed-3-epoch-0.jsonl'));
  expect(text).toBe('[2,["4",1],["5",-0.5]]\n[9,["1#2;",1],["\\"\\n#",-0.5]]\n');
  const log = new CompletionLog(3, sizes);
  await log.load(store, 2);
  store.files.clear();
  log.remember(1, 4, said('8', '9'));
  await log.save(store);
  expect([...store.files.keys()]).toEqual(['completions/seed-3-epoch-1.jsonl']);
});

test('is bounded: of a large pool the first prompts are kept, whole', async () => {
  const log = new CompletionLog(3, sizes, 12);
  expect([log.keeps(2), log.keeps(3)]).toEqual([true, false]);
  for (let prompt = 0; prompt < 10; prompt++) log.remember(0, prompt, said('1', '2'));
  expect(log.of(2)).toHaveLength(1);
  expect(log.of(3)).toEqual([]);
  const store = new MemoryStore();
  await log.save(store);
  const text = new TextDecoder().decode(store.files.get('completions/seed-3-epoch-0.jsonl'));
  expect(text.trimEnd().split('\n')).toHaveLength(3);
});

test.each(['[1,["a",1]', '["x",["a",1]]', '[1,"a"]', '[1,["a"]]', '[1,[2,3]]', '3', '\u0000'])(
  'a file that is damaged is left out and named: %j',
  async (text) => {
    const store = await saved();
    await store.write('completions/seed-3-epoch-0.jsonl', text);
    const log = new CompletionLog(3, sizes);
    expect(await log.load(store, 2)).toEqual(['completions/seed-3-epoch-0.jsonl']);
    expect(log.of(9).map(({ epoch }) => epoch)).toEqual([1]);
  },
);
