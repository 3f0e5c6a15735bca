import { describe, expect, test } from 'vitest';
import { CompletionLog, placeOfFull, SeedCompletions } from '../../src/scheduler/completion-log.ts';
import { MemoryStore } from '../../src/scheduler/run-store.ts';
import { smallConfig } from '../support/ppo-rig.ts';

const sizes = { epochs: 2, samples: 2 };
const prompt = (index: number) => ({ index, text: `p${index}`, step: 1 });
const said = (...texts: string[]) => texts.map((text, i) => ({ text, reward: i === 0 ? 1 : -0.5 }));

test('flags are kept beside the reward; a line without them is of an older version', async () => {
  const judged = [
    { text: 'a', reward: 0.25, correct: true, formatted: true },
    { text: 'b', reward: 2, correct: false, formatted: false },
  ];
  const store = new MemoryStore();
  const log = new CompletionLog(placeOfFull(3, sizes));
  log.remember(0, prompt(9), judged);
  log.remember(0, prompt(2), said('4', '5'));
  await log.save(store);
  const path = 'completions/seed-3-epoch-0.jsonl';
  expect(textOf(store, path)).toBe('[9,["a",0.25,1,1],["b",2,0,0]]\n[2,["4",1],["5",-0.5]]\n');
  const next = new CompletionLog(placeOfFull(3, sizes));
  expect(await next.load(store, 1)).toEqual([]);
  expect(next.of(9)).toEqual([{ epoch: 0, completions: judged }]);
  expect(next.of(2)).toEqual([{ epoch: 0, completions: said('4', '5') }]);
  for (const broken of ['["a",1,1]', '["a",1,2,0]', '["a",1,true,false]', '["a"]']) {
    store.files.set(path, new TextEncoder().encode(`[9,${broken}]\n`));
    expect(await new CompletionLog(placeOfFull(3, sizes)).load(store, 1)).toEqual([path]);
  }
});

const textOf = (store: MemoryStore, path: string): string =>
  new TextDecoder().decode(store.files.get(path));

async function saved(): Promise<MemoryStore> {
  const store = new MemoryStore();
  const log = new CompletionLog(placeOfFull(3, sizes));
  log.remember(0, prompt(9), said('1#2;', '"\n#'));
  log.remember(0, prompt(2), said('4', '5'));
  log.remember(1, prompt(9), said('6', '7'));
  await log.save(store);
  return store;
}

test('what was saved is there again, epoch by epoch, and says nothing of other prompts', async () => {
  const store = await saved();
  const log = new CompletionLog(placeOfFull(3, sizes));
  expect(await log.load(store, 2)).toEqual([]);
  expect(log.of(9)).toEqual([
    { epoch: 0, completions: said('1#2;', '"\n#') },
    { epoch: 1, completions: said('6', '7') },
  ]);
  expect(log.of(2)).toEqual([{ epoch: 0, completions: said('4', '5') }]);
  expect(log.of(5)).toEqual([]);
  const early = new CompletionLog(placeOfFull(3, sizes));
  await early.load(store, 1);
  expect(early.of(9)).toHaveLength(1);
});

test('files grow by a line per prompt as it was sampled, behind what belongs to a checkpoint', async () => {
  const store = new MemoryStore();
  const log = new CompletionLog(placeOfFull(3, sizes));
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
  const next = new CompletionLog(placeOfFull(3, sizes));
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
  const saving = new CompletionLog(placeOfFull(3, sizes));
  await saving.load(store, 2);
  await saving.save(store);
  const marks = new Map(Object.entries(saving.marks));
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const flipped = whole.slice();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    store.files.set(path, flipped);
    const log = new CompletionLog(placeOfFull(3, sizes));
    expect(await log.load(store, 2, marks)).toEqual([path]);
    expect(log.of(9).map(({ epoch }) => epoch)).toEqual([1]);
  }
  const log = new CompletionLog(placeOfFull(3, sizes));
  await log.load(store, 2, marks);
  log.remember(0, prompt(1), said('a', 'b'));
  await log.save(store);
  expect(textOf(store, path)).toBe('[1,["a",1],["b",-0.5]]\n');
});

test('is bounded: of a large pool the first prompts are kept, whole', async () => {
  const log = new CompletionLog(placeOfFull(3, sizes, 12));
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
    const log = new CompletionLog(placeOfFull(3, sizes));
    expect(await log.load(store, 2)).toEqual(['completions/seed-3-epoch-0.jsonl']);
    expect(log.of(9).map(({ epoch }) => epoch)).toEqual([1]);
  },
);

describe('the responses of the methods of a seed', () => {
  const config = smallConfig({ experiment: { methods: ['full', 'lim', 'rand'] } });

  test('lie in one file a method, each line with its data epoch, and come back', async () => {
    const store = new MemoryStore();
    const kept = new SeedCompletions(config, 3);
    kept.of('full').remember(1, prompt(4), said('f', 'g'));
    kept.of('lim').remember(0, prompt(4), said('a', 'b'));
    kept.of('lim').remember(2, prompt(4), said('c', 'd'));
    await kept.save(store);
    expect([...store.files.keys()]).toEqual([
      'completions/seed-3-epoch-1.jsonl',
      'completions/seed-3-lim.jsonl',
    ]);
    expect(textOf(store, 'completions/seed-3-lim.jsonl')).toBe(
      '[4,0,["a",1],["b",-0.5]]\n[4,2,["c",1],["d",-0.5]]\n',
    );
    const next = new SeedCompletions(config, 3);
    await next.loadAll(store);
    expect(next.of('lim').of(4)).toEqual([
      { epoch: 0, completions: said('a', 'b') },
      { epoch: 2, completions: said('c', 'd') },
    ]);
    expect(next.of('full').of(4)).toEqual([{ epoch: 1, completions: said('f', 'g') }]);
    expect(next.of('rand').of(4)).toEqual([]);
    expect(() => next.of('linear')).toThrow('linear is none of full, lim, rand');
  });

  test('of methods that have not begun at a checkpoint, nothing is read', async () => {
    const store = new MemoryStore();
    const kept = new SeedCompletions(config, 3);
    kept.of('lim').remember(0, prompt(4), said('a', 'b'));
    await kept.save(store);
    const marks = new Map(Object.entries(kept.marks));
    expect([...marks.keys()]).toEqual(['completions/seed-3-lim.jsonl']);
    const full = new SeedCompletions(config, 3);
    expect(await full.load(store, { epochs: 1, methods: 1 }, marks)).toEqual([]);
    expect(full.of('lim').of(4)).toEqual([]);
  });

  test('are bounded: the first ones are kept, and a log that goes on keeps no more', async () => {
    const place = {
      file: () => 'completions/seed-3-lim.jsonl',
      asRows: false,
      namesEpochs: true,
      prompts: Infinity,
      responses: 6,
    };
    const straight = new CompletionLog(place);
    const turns = [
      [0, 7],
      [0, 7],
      [1, 7],
      [1, 8],
    ] as const;
    for (const [epoch, of] of turns) straight.remember(epoch, prompt(of), said('1', '2'));
    expect(straight.of(7).map(({ epoch }) => epoch)).toEqual([0, 1]);
    expect(straight.of(8)).toEqual([]);
    const whole = new MemoryStore();
    await straight.save(whole);
    // The same, left after two turns: what was sampled twice counts twice there too.
    const store = new MemoryStore();
    const left = new CompletionLog(place);
    for (const [epoch, of] of turns.slice(0, 2)) left.remember(epoch, prompt(of), said('1', '2'));
    await left.save(store);
    const next = new CompletionLog(place);
    expect(await next.load(store, 1, new Map(Object.entries(left.marks)))).toEqual([]);
    for (const [epoch, of] of turns.slice(2)) next.remember(epoch, prompt(of), said('1', '2'));
    await next.save(store);
    expect(store.files).toEqual(whole.files);
  });

  test.each(['[4,["a",1]]', '[4,"x",["a",1]]', '[4,0.5,["a",1]]', '[4,1,["a"]]'])(
    'a line that names no data epoch is damage: %s',
    async (line) => {
      const store = new MemoryStore();
      await store.write('completions/seed-3-lim.jsonl', `${line}\n`);
      const kept = new SeedCompletions(config, 3);
      expect(await kept.load(store, { epochs: 2, methods: 2 })).toEqual([
        'completions/seed-3-lim.jsonl',
      ]);
    },
  );
});
