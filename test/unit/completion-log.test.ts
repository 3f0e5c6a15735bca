import { expect, test } from 'vitest';
import { CompletionLog } from '../../src/scheduler/completion-log.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';

const sizes = { epochs: 2, samples: 2 };
const prompt = (index: number) => ({ index, text: `p${index}`, step: 1 });
const said = (...texts: string[]) => texts.map((text, i) => ({ text, reward: i === 0 ? 1 : -0.5 }));

test('flags are kept beside the reward; a line without them is of an older version', async () => {
  const judged = [
    { text: 'a', reward: 0.25, correct: true, formatted: true },
    { text: 'b', reward: 2, correct: false, formatted: false },
  ];
  const store = new MemoryStore();
  const log = new CompletionLog(3, sizes);
  log.remember(0, prompt(9), judged);
  log.remember(0, prompt(2), said('4', '5'));
  await log.save(store);
  const path = 'completions/seed-3-epoch-0.jsonl';
  expect(textOf(store, path)).toBe('[9,["a",0.25,1,1],["b",2,0,0]]\n[2,["4",1],["5",-0.5]]\n');
  const next = new CompletionLog(3, sizes);
  expect(await next.load(store, 1)).toEqual([]);
  expect(next.of(9)).toEqual([{ epoch: 0, completions: judged }]);
  expect(next.of(2)).toEqual([{ epoch: 0, completions: said('4', '5') }]);
  for (const broken of ['["a",1,1]', '["a",1,2,0]', '["a",1,true,false]', '["a"]']) {
    store.files.set(path, new TextEncoder().encode(`[9,${broken}]\n`));
    expect(await new CompletionLog(3, sizes).load(store, 1)).toEqual([path]);
  }
});

const textOf = (store: MemoryStore, path: string): string =>
  new TextDecoder().decode(store.files.get(path));

async function saved(): Promise<MemoryStore> {
  const store = new MemoryStore();
  const log = new CompletionLog(3, sizes);
  log.remember(0, prompt(9), said('1#2;', '"\n#'));
  log.remember(0, prompt(2), said('4', '5'));
  log.remember(1, prompt(9), said('6', '7'));
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

test('files grow by a line per prompt as it was sampled, behind what belongs to a checkpoint', async () => {
  const store = new MemoryStore();
  const log = new CompletionLog(3, sizes);
  log.remember(0, prompt(9), said('1#2;', '"\n#'));
  log.remember(0, prompt(2), said('4', '5'));
  await log.save(store);
  const path = 'completions/seed-3-epoch-0.jsonl';
  expect([...store.files.keys()]).toEqual([path]);
  expect(textOf(store, path)).toBe('[9,["1#2;",1],["\\"\\n#",-0.5]]\n[2,["4",1],["5",-0.5]]\n');
  const marks = new Map(Object.entries(log.marks));
  // As when the run is killed between this and the checkpoint that it belongs to.
  log.remember(0, prompt(5), said('lost', 'lost'));
  await log.save(store);
  const next = new CompletionLog(3, sizes);
  expect(await next.load(store, 2, marks)).toEqual([]);
  expect(next.of(5)).toEqual([]);
  next.remember(0, prompt(4), said('8', '9'));
  next.remember(1, prompt(4), said('10', '11'));
  await next.save(store);
  const lines = textOf(store, path).trimEnd().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as unknown[])[0])).toEqual([9, 2, 4]);
  expect([...store.files.keys()]).toEqual([path, 'completions/seed-3-epoch-1.jsonl']);
});

test('no flipped bit of what belongs to a checkpoint goes unnamed, and the file begins anew', async () => {
  const store = await saved();
  const path = 'completions/seed-3-epoch-0.jsonl';
  const whole = store.files.get(path)!;
  const saving = new CompletionLog(3, sizes);
  await saving.load(store, 2);
  await saving.save(store);
  const marks = new Map(Object.entries(saving.marks));
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const flipped = whole.slice();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    store.files.set(path, flipped);
    const log = new CompletionLog(3, sizes);
    expect(await log.load(store, 2, marks)).toEqual([path]);
    expect(log.of(9).map(({ epoch }) => epoch)).toEqual([1]);
  }
  const log = new CompletionLog(3, sizes);
  await log.load(store, 2, marks);
  log.remember(0, prompt(1), said('a', 'b'));
  await log.save(store);
  expect(textOf(store, path)).toBe('[1,["a",1],["b",-0.5]]\n');
});

test('is bounded: of a large pool the first prompts are kept, whole', async () => {
  const log = new CompletionLog(3, sizes, 12);
  expect([log.keeps(2), log.keeps(3)]).toEqual([true, false]);
  for (let i = 0; i < 10; i++) log.remember(0, prompt(i), said('1', '2'));
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
