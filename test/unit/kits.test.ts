import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readParquet } from '../../src/formats/parquet.ts';
import { licenceOf } from '../../src/kits/licences.ts';
import { withSource } from '../../src/cli/sources.ts';
import { runFileText } from '../../src/run-folder/run-file.ts';
import { configFrom } from '../../src/config.ts';
import { limr } from '../support/command-line.ts';
import { noPython, python } from '../support/python.ts';
import { folderOf, imported } from '../support/rollout-import.ts';

const system = { role: 'system', content: 'Put it in \\boxed{}.' };
const user = (content: string) => ({ role: 'user', content });
const sum = [system, user('What is 2+3?')];

const root = folderOf({
  'README.md': '---\nlicense: cc-by-4.0\n---\n# A pool\n',
  'scores.json': JSON.stringify([
    { id: 'a', prompt: sum, score: 0.9, rewards: [0, 0.5, 1] },
    { id: 'b', prompt: 'What is 7*6?', score: 0.8, rewards: [0, 0.5, 1] },
    { id: 'c', prompt: 'no', score: 0.1, rewards: [0, 0, 0] },
  ]),
  'pool.jsonl': [
    { id: 'a', prompt: sum, answer: '5', source: 'math' },
    { id: 'b', prompt: 'What is 7*6?', answer: 42 },
    { id: 'c', prompt: 'no', answer: '0' },
  ],
  'unanswered.jsonl': [{ id: 'a', prompt: sum }],
  'picture.jsonl': [
    { id: 'a', prompt: [user('x'), { role: 'user', content: [{ text: 'y' }] }], answer: '1' },
  ],
});
const at = (...parts: string[]): string => join(root, ...parts);
mkdirSync(at("it's a model"));
writeFileSync(at("it's a model", 'config.json'), '{"eos_token_id": 2}');
writeFileSync(at("it's a model", 'generation_config.json'), '{"eos_token_id": [7, 9]}');
writeFileSync(at("it's a model", 'README.md'), "---\nlicense: 'apache-2.0' # as is\n---\n");

let made = 0;
/** Makes a kit, with options other than the usual ones; undefined leaves one out. */
async function kit(engine: string, other: Readonly<Record<string, string | undefined>> = {}) {
  const out = at(`kit-${++made}`);
  const options: Readonly<Record<string, string | undefined>> = {
    prompts: at('pool.jsonl'),
    model: 'hf:Qwen/Qwen2.5-Math-7B',
    threshold: '0.5',
    out,
    ...other,
  };
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
  const done = await limr('select', at('scores.json'), '--kit', engine, ...given);
  return { ...done, out, read: (name: string) => readFileSync(join(out, name), 'utf8') };
}
const rowsOf = (text: string): unknown[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

const turns = [sum, [user('What is 7*6?')]];
const verlRows = [
  ['a', '5'],
  ['b', '42'],
].map(([limr_id, ground_truth], index) => ({
  data_source: 'limr',
  prompt: turns[index],
  ability: 'math',
  reward_model: { style: 'rule', ground_truth },
  extra_info: { split: 'train', index, limr_id },
}));

describe('limr select --kit', () => {
  test('writes messages, answers and ids under the names of each engine', async () => {
    const trl = await kit('trl');
    expect(trl).toMatchObject({ code: 0, stdout: '' });
    expect(rowsOf(trl.read('train.jsonl'))).toEqual([
      { limr_id: 'a', prompt: turns[0], answer: '5', solution: '5' },
      { limr_id: 'b', prompt: turns[1], answer: '42', solution: '42' },
    ]);
    const openrlhf = await kit('openrlhf');
    expect(rowsOf(openrlhf.read('train.jsonl'))).toEqual([
      { id: 'a', input: turns[0], label: '5' },
      { id: 'b', input: turns[1], label: '42' },
    ]);
    const verl = await kit('verl');
    expect(JSON.parse(verl.read('train.json'))).toEqual(verlRows);
    const table = await withSource(join(verl.out, 'train.parquet'), async (source) => {
      const rows: unknown[] = [];
      for await (const row of readParquet(source)) rows.push(row);
      return rows;
    });
    const index = (i: number) => ({ ...verlRows[i]?.extra_info, index: BigInt(i) });
    expect(table).toEqual(verlRows.map((row, i) => ({ ...row, extra_info: index(i) })));
  });

  test('tells how the prompts were chosen, and names licences or says that they are unknown', async () => {
    const { read, out } = await kit('trl', { model: at("it's a model") });
    const { rows, data, model, ...rest } = JSON.parse(read('selection.json')) as Record<
      string,
      Record<string, unknown>
    >;
    expect(rest).toMatchObject({ schema: 1, method: 'lim', scored: 3, kept: 2, verifier: 'math' });
    expect(rows).toEqual([
      { index: 0, id: 'a', score: 0.9 },
      { index: 1, id: 'b', score: 0.8 },
    ]);
    expect(data).toMatchObject({ licence: `cc-by-4.0 (${join(root, 'README.md')})` });
    expect(model?.licence).toContain('apache-2.0 (');
    expect(read('limr_reward.py')).toContain('\\"stop_ids\\":[7,9]');
    expect(read('launch.sh')).toContain(`it'\\''s a model'}`);
    expect(readdirSync(out)).toContain('ray_trl.py');
    const hub = await kit('verl', { model: 'hf:Qwen/Qwen2.5-Math-7B@v1.0' });
    expect(hub.read('README.md')).toContain('unknown: the model is named and was not fetched');
    expect(hub.read('launch.sh')).toContain(`--revision 'v1.0'`);
  });

  test.each([
    ['no model', { model: undefined }, '--kit needs --model'],
    [
      'a model that is not there',
      { model: at('nothing') },
      'no such folder; a model of the hub is named hf:',
    ],
    ['a folder without a model', { model: root }, 'no config.json in this folder'],
    ['a name of no model', { model: 'hf:../x' }, 'a model of the hub is hf:ORG/NAME'],
    ['a command as a revision', { model: 'hf:a/b@$(id)' }, "'@' is followed by a branch"],
    [
      'a row without an answer',
      { prompts: at('unanswered.jsonl') },
      'line 1: a kit needs an answer',
    ],
    ['a turn without a text', { prompts: at('picture.jsonl') }, 'message 2 must be a text'],
    ['another format', { export: 'trl' }, '--export and --kit exclude each other'],
    ['another rule', { verifier: 'math-eval' }, '--verifier must be math or exact in a kit'],
    ['nothing kept', { threshold: '2' }, 'no prompt is kept: a kit needs one'],
  ])('refuses %s before anything is written', async (_, args, message) => {
    const { code, stderr, out } = await kit('verl', args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(existsSync(out)).toBe(false);
  });

  test('refuses a folder that holds something, and options of a kit without one', async () => {
    const { code, stderr } = await kit('trl', { out: root });
    expect([code, stderr]).toEqual([2, expect.stringContaining('is not empty')]);
    const alone = await limr('select', at('scores.json'), '--model', 'hf:a/b');
    expect([alone.code, alone.stderr]).toEqual([
      2,
      expect.stringContaining('--model is an option of --kit'),
    ]);
  });

  test('takes a run of ours with its system message, its numbers and its rule', async () => {
    const run = at('run');
    mkdirSync(run);
    const config = configFrom(
      'maths-evening',
      {
        task: { prompts: 'p.jsonl', system: 'Think.', maxResponseTokens: 77 },
        model: { kind: 'folder', path: 'm' },
        rollout: { samples: 4 },
      },
      'test',
    );
    writeFileSync(join(run, 'config.json'), await runFileText(config, [1]));
    writeFileSync(
      join(run, 'scores.json'),
      JSON.stringify([
        { prompt: 'q', index: 0, id: 'x', score: 0.9, rewards: [0, 1], key: '5' },
        { prompt: 'What is 2+3?', messages: sum, index: 1, score: 0.9, rewards: [0, 1], key: '6' },
      ]),
    );
    const out = at('kit-of-run');
    const args = ['--kit', 'openrlhf', '--model', 'hf:a/b', '--out', out];
    const { code, stderr } = await limr('select', run, ...args);
    expect([code, stderr]).toEqual([0, expect.stringContaining('2 of 2 prompts')]);
    expect(rowsOf(readFileSync(join(out, 'train.jsonl'), 'utf8'))).toEqual([
      { id: 'x', input: [{ role: 'system', content: 'Think.' }, user('q')], label: '5' },
      { id: null, input: sum, label: '6' },
    ]);
    const launch = readFileSync(join(out, 'launch.sh'), 'utf8');
    expect(launch).toContain('SAMPLES=${SAMPLES:-4}');
    expect(launch).toContain('RESPONSE_TOKENS=${RESPONSE_TOKENS:-77}');
  });
});

/** What an engine would do, in two data epochs of two answers to each prompt. */
const engines: Readonly<Record<string, string>> = {
  trl: `
class State: global_step = 0
for State.global_step in range(2):
    right = State.global_step == 1
    texts = ["\\\\boxed{5}" if right else "\\\\boxed{1}", "\\\\boxed{5}", "none", "\\\\boxed{42}"]
    completions = [[{"role": "assistant", "content": text}] for text in texts]
    ids = [[3, 7], [3, 9], [3, 9], [3, 4]]
    print(r.reward(completions, prompts=[row["prompt"] for row in pool for _ in "ab"],
        answer=[row["answer"] for row in pool for _ in "ab"],
        limr_id=[row["limr_id"] for row in pool for _ in "ab"],
        completion_ids=ids, trainer_state=State))
`,
  verl: `
import concurrent.futures
for epoch in range(2):
    texts = ["\\\\boxed{5}" if epoch else "\\\\boxed{1}", "\\\\boxed{5}", "none", "none"]
    calls = [(pool[i // 2], text) for i, text in enumerate(texts)]
    # Answers to several prompts come in between one another.
    calls = calls[::2] + calls[1::2]
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        scores = list(threads.map(lambda c: r.compute_score(c[0]["data_source"], c[1],
            c[0]["reward_model"]["ground_truth"], c[0]["extra_info"]), calls))
    print(scores)
r.compute_score("limr", "x", "5", {"split": "test", "index": 0, "limr_id": "a"})
`,
  openrlhf: `
for epoch in range(2):
    texts = ["\\\\boxed{5}" if epoch else "\\\\boxed{1}", "\\\\boxed{5}", "none", "none"]
    for i, text in enumerate(texts):
        row = pool[i // 2]
        prompt = "".join("<|im_start|>" + m["role"] + "\\n" + m["content"] + "<|im_end|>\\n"
            for m in row["input"]) + "<|im_start|>assistant\\n"
        print(r.reward_func([prompt + text + "<|im_end|>"], [prompt], [row["label"]]))
`,
};

describe('limr_reward.py in a kit', () => {
  test.for(Object.entries(engines))(
    "%s: the rollouts that it keeps become the prompts' curves",
    async ([engine, code], context) => {
      if (noPython !== undefined) context.skip(noPython);
      const { out } = await kit(engine, { model: at("it's a model") });
      const data = engine === 'verl' ? 'json.load(f)' : '[json.loads(line) for line in f]';
      const name = engine === 'verl' ? 'train.json' : 'train.jsonl';
      const start = `
import json, os
os.environ["LIMR_SAMPLES"] = "2"
import limr_reward as r
with open("${name}") as f: pool = ${data}
`;
      const printed = python(start + code, out);
      expect(printed).toContain(engine === 'trl' ? '[-0.5, 1.0, -1.0, -1.0]' : '-0.5');
      const { matrix, prompts, summary } = await imported(join(out, 'rollouts'));
      const places = ['a', 'b'].map((id) => prompts.findIndex((prompt) => prompt.id === id));
      expect(places.map((place) => prompts[place])).toEqual([
        { prompt: 'What is 2+3?', messages: sum, id: 'a', answer: '5' },
        { prompt: 'What is 7*6?', id: 'b', answer: '42' },
      ]);
      const { epochs, sums, samples } = matrix;
      expect([epochs, ...samples]).toEqual([2, 2, 2, 2, 2]);
      const right = places.map((place) => [...sums.subarray(2 * place, 2 * place + 2)]);
      // A trainer with ids of its own knows which answers were cut: 7 and 9 end one, 3 does not.
      expect(right).toEqual([
        [1, 2],
        [0, 0],
      ]);
      expect(summary.timedRows).toBe(engine === 'trl' ? 0 : 8);
    },
  );
});

describe('rollouts that a kit kept of a real training (scripts/kit-loop.mjs)', () => {
  // Four prompts, four answers each, two data epochs of TRL 1.13 on two layers.
  test.each([
    ['one-process', 1],
    ['ray', 2],
  ])('%s: %i processes, each with a file of its own', async (name, files) => {
    const folder = join(import.meta.dirname, '../field-cases/kit', name);
    const { matrix, prompts, summary } = await imported(folder);
    expect(summary).toMatchObject({ files, rows: 32, steps: 2, epochs: 2, samplesPerEntry: 4 });
    expect(prompts.map(({ id, answer }) => [id, answer]).sort()).toEqual([
      ['p0', '0'],
      ['p1', '1'],
      ['p2', '2'],
      ['p3', '3'],
    ]);
    const rows = readdirSync(folder).flatMap((file) =>
      rowsOf(readFileSync(join(folder, file), 'utf8')),
    ) as { reward: number; correct: boolean; finished: boolean }[];
    const right = rows.filter(({ correct }) => correct).length;
    expect([...matrix.sums].reduce((a, b) => a + b)).toBe(right);
    // Whatever was cut is malformed; of what was not, some was in the right form.
    expect(rows.every(({ finished, reward }) => finished || reward === -1)).toBe(true);
    expect(rows.some(({ finished, reward }) => finished && reward > -1)).toBe(true);
  });
});

test('a licence is read from the front matter of a README', () => {
  expect(licenceOf('---\ntitle: x\nlicense: mit\n---\n')).toBe('mit');
  expect(licenceOf('---\nlicence: "cc0-1.0"\n---')).toBe('cc0-1.0');
  expect(licenceOf('# MIT\nlicense: mit')).toBeUndefined();
  expect(licenceOf('---\nlicense:\n---\nlicense: mit')).toBeUndefined();
});
