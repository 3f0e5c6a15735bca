import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeParquet } from '../../src/formats/parquet.ts';
import { folderOf, imported } from '../support/rollout-import.ts';

const fieldCases = join(import.meta.dirname, '../field-cases/score');
const fixtures = join(import.meta.dirname, '../fixtures/rollouts');

interface FieldCase {
  readonly args: readonly string[];
  readonly want: { readonly rewards?: (number | null)[][]; readonly says?: string };
}

describe('field cases', () => {
  test.each(readdirSync(fieldCases))('%s comes out right', async (name) => {
    const { args, want } = JSON.parse(
      readFileSync(join(fieldCases, name, 'case.json'), 'utf8'),
    ) as FieldCase;
    expect(args).toEqual([]);
    const got = await imported(join(fieldCases, name, 'in'));
    if (want.rewards) expect(got.rewards).toEqual(want.rewards);
    if (want.says) expect(got.said).toMatch(new RegExp(want.says));
  });
});

interface Expected {
  readonly signals: Readonly<
    Record<string, { readonly matrix: (number | null)[][]; readonly samples: number[][] }>
  >;
}

describe("engines' own dumps", () => {
  test.each(readdirSync(fixtures))('%s is found from the folder above it', async (name) => {
    const text = readFileSync(join(fixtures, name, 'expected.json'), 'utf8');
    const [entry] = Object.entries((JSON.parse(text) as Expected).signals);
    const [what, { matrix, samples }] = entry;
    const [signal, column] = what.split(':') as ['accuracy' | 'reward', string];
    const got = await imported(join(fixtures, name), {
      signal,
      prompts: join(fixtures, name, 'prompts.jsonl'),
      ...(column === 'acc' ? {} : { reward: column }),
    });
    expect(got.rewards).toEqual(matrix);
    expect([...got.matrix.samples]).toEqual(samples.flat());
    expect(got.summary.epochDoubt).toBeNull();
    expect(got.summary.filesLeftOut).toBeGreaterThan(0);
  });
});

const row = (prompt: unknown, step: number, reward: unknown, more: object = {}) => ({
  prompt,
  response: 'r',
  step,
  reward,
  ...more,
});

describe('rewards', () => {
  test("Python's NaN and Infinity are no reward, whatever the file calls them", async () => {
    const text = (reward: string, step: number) =>
      `{"prompt": "a", "response": "NaN, Infinity", "step": ${step}, "reward": ${reward}, "kl": -Infinity}\n`;
    const root = folderOf({
      'r.jsonl': ['NaN', '1', 'Infinity', '-Infinity', 'null', '0'].map((r) => text(r, 1)).join(''),
    });
    const got = await imported(root);
    expect(got.rewards).toEqual([[0.5]]);
    expect(got.said).toContain('4 rows left out of the means: no reward (null, NaN or infinite)');
    const array = folderOf({ 'step_1.json': '[{"prompt":"a","response":"r","reward":NaN}]' });
    await expect(imported(array)).resolves.toMatchObject({ rewards: [[null]] });
  });

  test('a prompt whose every reward abstained has no entry', async () => {
    const root = folderOf({
      'r.jsonl': [row('a', 1, null), row('a', 1, null), row('b', 1, 1)],
    });
    const got = await imported(root);
    expect(got.rewards).toEqual([[null], [1]]);
    expect(got.summary).toMatchObject({ rowsWithoutSignal: 2, neverRolledOut: 1 });
  });

  test('truth values count, in lists of samples too', async () => {
    const root = folderOf({
      'r.jsonl': [
        { prompt: 'a', responses: ['x', 'y'], rewards: [true, false] },
        { prompt: 'b', completions: ['x', 'y', 'z'], scores: [true, null, 1] },
      ],
    });
    const got = await imported(root);
    expect(got.rewards).toEqual([[0.5], [1]]);
    expect(got.summary.rows).toBe(5);
  });

  test('acc decides about right, the score about the reward; a share is not right and said', async () => {
    const rows = [
      { input: 'a', output: 'x', score: 0.6, step: 1, acc: true },
      { input: 'a', output: 'y', score: 1, step: 1, acc: false },
      { input: 'a', output: 'z', score: 1, step: 1, acc: 0.5 },
      { input: 'b', output: 'z', score: 1, step: 1, acc: null },
    ];
    const root = folderOf({ '1.jsonl': rows });
    const got = await imported(root);
    expect(got.rewards).toEqual([[1 / 3], [null]]);
    expect(got.said).toContain('right by acc');
    expect(got.said).toContain('1 row neither right nor wrong by acc but a share');
    expect((await imported(root, { signal: 'reward' })).rewards).toEqual([[2.6 / 3], [1]]);
    expect((await imported(root, { reward: 'score' })).rewards).toEqual([[2 / 3], [1]]);
  });

  test('a column accuracy of shares is no verdict', async () => {
    const rows = [row('a', 1, 1, { accuracy: 0.9 }), row('a', 1, 0, { accuracy: 0.9 })];
    const got = await imported(folderOf({ 'r.jsonl': rows }));
    expect(got.rewards).toEqual([[0.5]]);
  });

  test('a weighted sum leaves out what abstained, and columns in objects can be named', async () => {
    const rows = [
      { prompt: 'a', completion: 'x', step: 1, right_reward: 1, style_reward: null },
      { prompt: 'a', completion: 'y', step: 1, right_reward: 0, style_reward: 0.5 },
      { prompt: 'b', completion: 'y', step: 1, right_reward: null, style_reward: null },
    ];
    const root = folderOf({ 'completions_00001.jsonl': rows });
    await expect(imported(root)).rejects.toThrow(
      /several columns may be the reward \(right_reward, style_reward\).*--reward right_reward=1,style_reward=1/,
    );
    const sum = { signal: 'reward', reward: 'right_reward=2, style_reward=0.5' } as const;
    const got = await imported(root, sum);
    expect(got.rewards).toEqual([[1.125], [null]]);
    expect(got.said).toContain('2 x right_reward + 0.5 x style_reward');
    await expect(imported(root, { reward: 'nothing' })).rejects.toThrow(
      'line 1: no column nothing; there are prompt, completion, step, right_reward, style_reward',
    );
    await expect(imported(root, { reward: 'a=x' })).rejects.toThrow("'a=x' must be a column and");
    const nested = folderOf({ 'r.jsonl': [row('a', 1, 0, { parts: { format: 1 } })] });
    expect((await imported(nested, { reward: 'parts.format' })).rewards).toEqual([[1]]);
  });

  test('a weighted sum that is 1 in float32 is 1', async () => {
    const parts = (a: number) => ({ prompt: `p${a}`, response: 'r', reward: 9, a, b: 1, c: a });
    const root = folderOf({ 'r.jsonl': [parts(1), parts(0)] });
    const got = await imported(root, { reward: 'a=0.7,b=0.2,c=0.1' });
    expect(got.rewards).toEqual([[1], [0]]);
  });

  test('one column of several is the reward where it is called so', async () => {
    const bytes = await writeParquet([
      { step: 1, prompt: 'a', completion: 'x', format_reward: 0, reward: 1, advantage: 0 },
      { step: 1, prompt: 'a', completion: 'y', format_reward: 0, reward: null, advantage: 0 },
    ]);
    const got = await imported(folderOf({ 'completions_00001.parquet': bytes }));
    expect(got.rewards).toEqual([[1]]);
    expect(got.said).toContain('not used: format_reward (choose with --reward)');
  });

  test('a file in which a reward column holds nothing yet is read like the others', async () => {
    const table = (step: number, reward: number | null) =>
      writeParquet([
        { step, prompt: 'a', completion: `x${step}`, my_reward: reward, advantage: 0 },
      ]);
    const root = folderOf({
      'completions_00001.parquet': await table(1, 1),
      'completions_00002.parquet': await table(2, null),
    });
    expect((await imported(root)).rewards).toEqual([[1, null]]);
  });

  test('says where no reward is 1, where none is right, and where some are above 1', async () => {
    const never = await imported(folderOf({ 'r.jsonl': [row('a', 1, 0.9), row('b', 1, 2)] }));
    expect(never.said).toMatch(/no reward is 1 \(rewards run from 0\.9 to 2\).*--signal reward/);
    const reward = await imported(folderOf({ 'r.jsonl': [row('a', 1, 2)] }), { signal: 'reward' });
    expect(reward.said).not.toContain('no reward is 1');
    const wrong = await imported(folderOf({ 'r.jsonl': [row('a', 1, 1, { correct: false })] }));
    expect(wrong.said).toContain('no row is right by correct');
    const above = await imported(folderOf({ 'r.jsonl': [row('a', 1, 1), row('a', 1, 1.5)] }));
    expect(above.said).toContain('1 reward above 1 count as not right (rewards run from 1 to 1.5)');
  });
});

describe('files', () => {
  test('a cut last line is refused by its number, and left out where that is allowed', async () => {
    const whole = JSON.stringify(row('a', 1, 1));
    for (const tail of [
      '{"prompt":"a","rew',
      '{"prompt":"a","reward":tr',
      '{"x":"\\u00',
      '{"x":"é',
    ]) {
      const bytes = new TextEncoder().encode(`${whole}\n${whole}\n${tail}`);
      const root = folderOf({ 'r.jsonl': tail.endsWith('é') ? bytes.slice(0, -1) : bytes });
      await expect(imported(root)).rejects.toThrow(/r\.jsonl line 3: not JSON.*cut while it was/);
      const got = await imported(root, { allowPartial: true });
      expect(got.rewards).toEqual([[1]]);
      expect(got.said).toMatch(/1 row left out that was cut while it was written: .*line 3/);
    }
    // A line end behind it, or an error inside, is no cut.
    for (const text of [
      `{"prompt":"a","rew\n${whole}\n`,
      `${whole}\n{"prompt":}`,
      `${whole}\n{"a"\n`,
    ]) {
      const root = folderOf({ 'r.jsonl': text });
      await expect(imported(root, { allowPartial: true })).rejects.toThrow('not JSON');
    }
  });

  test('of a cut array the whole rows are left, of a cut table nothing', async () => {
    const text = JSON.stringify([row('a', 1, 1), row('a', 1, 0), row('b', 1, 1)], null, 2);
    const root = folderOf({ 'step_1.json': text.slice(0, -20) });
    await expect(imported(root)).rejects.toThrow(/step_1\.json line \d+: not JSON.*cut while it/);
    const got = await imported(root, { allowPartial: true });
    expect(got.rewards).toEqual([[0.5]]);
    expect(got.said).toContain('step_1.json row 3');
    const table = await writeParquet([{ step: 1, prompt: 'a', completion: 'x', reward: 1 }]);
    const tables = folderOf({
      'completions_00001.parquet': table,
      'completions_00002.parquet': table.slice(0, -30),
    });
    await expect(imported(tables)).rejects.toThrow('completions_00002.parquet: not readable');
    expect((await imported(tables, { allowPartial: true })).rewards).toEqual([[1]]);
  });

  test('an empty file holds no rows wherever it stands; nothing but such files is refused', async () => {
    const rows = (step: number) => [row('a', step, 1), row('b', step, 0)];
    const root = folderOf({
      '1.jsonl': '',
      '2.jsonl': rows(2),
      '3.jsonl': '\n \n',
      '4.jsonl': rows(4),
    });
    const got = await imported(root);
    expect(got.rewards).toEqual([
      [1, 1],
      [0, 0],
    ]);
    expect(got.said).toContain('2 files without a row');
    const array = folderOf({ 'step_1.json': '[]', 'step_2.json': rows(2) });
    expect((await imported(array)).summary.emptyFiles).toBe(1);
    await expect(imported(folderOf({ '1.jsonl': '', '2.jsonl': '' }))).rejects.toThrow(
      'no rows in 2 files',
    );
  });

  test.each(['1.jsonl', 'completions_00001.parquet', 'rows.jsonl'])(
    'a Git LFS pointer in place of %s is named as one',
    async (name) => {
      const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12\n`;
      await expect(imported(folderOf({ [name]: pointer }))).rejects.toThrow(
        `${name}: a Git LFS pointer to 12 bytes`,
      );
    },
  );

  test('dumps are found below a folder, among other files', async () => {
    const root = folderOf({
      'config.json': '{"lr": 1}',
      'prompts.jsonl': [{ prompt: 'a', answer: '1' }],
      'logs/metrics.jsonl': [{ step: 1, loss: 2 }],
      'Qwen2.5-0.5B/train/1.jsonl': [row('a', 1, 1)],
      'Qwen2.5-0.5B/train/2.jsonl': [row('a', 2, 0)],
      'Qwen2.5-0.5B/val/1.jsonl': [row('a', 1, 0)],
      'checkpoints/step_1/model.safetensors': new Uint8Array(8),
    });
    const got = await imported(root);
    expect(got.rewards).toEqual([[1, 0]]);
    expect(got.summary.files).toBe(2);
    expect(got.said).toMatch(/5 files beside them not read: /);
  });

  test('folders that differ in their numbers are one dump; other folders are asked for', async () => {
    const steps = folderOf({
      'global_step_1/rows.jsonl': [row('a', 1, 1, { step: undefined })],
      'global_step_2/rows.jsonl': [row('a', 2, 0, { step: undefined })],
      'global_step_10/rows.jsonl': [row('a', 3, 1, { step: undefined })],
    });
    expect((await imported(steps)).rewards).toEqual([[1, 0, 1]]);
    const two = folderOf({ 'x/a.jsonl': [row('a', 1, 1)], 'y/b.jsonl': [row('a', 1, 1)] });
    await expect(imported(two)).rejects.toThrow(
      /rollouts of several kinds below it; name what is to be scored: x\/ .* y\/ /,
    );
    await expect(imported(folderOf({ 'a/notes.txt': 'x' }))).rejects.toThrow('no rollout files');
  });
});

describe('rows of other engines', () => {
  test("LIMR's test dumps: result says who is right", async () => {
    const rows = [
      { prompt: 'a', solution: '\\boxed{1}', result: true, source: 'math', answer: '1' },
      { prompt: 'a', solution: '\\boxed{2}', result: false, source: 'math', answer: '1' },
    ];
    const got = await imported(folderOf({ 'test/step_5.json': JSON.stringify(rows) }));
    expect(got.rewards).toEqual([[0.5]]);
    expect(got.prompts[0]?.answer).toBe('1');
  });

  test('tables of wandb, with steps as text', async () => {
    const table = {
      columns: ['step', 'prompt', 'completion', 'accuracy_reward', 'advantage'],
      data: [
        ['1', 'a', 'x', 1, 0],
        ['1', 'b', 'y', 'NaN', 0],
      ],
    };
    const text = JSON.stringify(table).replace('"NaN"', 'NaN');
    for (const form of [text, JSON.stringify(JSON.parse(text.replace('NaN', 'null')), null, 1)]) {
      const got = await imported(folderOf({ 'completions_1_ab12.table.json': form }));
      expect(got.rewards).toEqual([[1], [null]]);
    }
    const uneven = folderOf({ 'a.json': '{"columns":["prompt","reward"],"data":[["a"]]}' });
    await expect(imported(join(uneven, 'a.json'))).rejects.toThrow(
      'a.json row 1: has 1 values for 2 columns',
    );
  });

  test('open-instruct shards: prompts as token ids', async () => {
    const record = (step: number, tokens: number[], reward: number) => ({
      step,
      sample_idx: 0,
      prompt_idx: 0,
      prompt_tokens: tokens,
      response_tokens: [1],
      reward,
      advantage: 0,
      finish_reason: 'stop',
      dataset: 'math',
      ground_truth: [5],
    });
    const root = folderOf({
      'run_metadata.jsonl': [{ run_name: 'run', git_commit: 'x' }],
      'run_rollouts_000000.jsonl': [record(1, [7, 8], 1), record(1, [9], 0)],
      'run_rollouts_000001.jsonl': [record(2, [9], 1), record(2, [7, 8], 1)],
    });
    const got = await imported(root);
    expect(got.rewards).toEqual([
      [1, 1],
      [0, 1],
    ]);
    expect(got.said).toContain('4 rows with the prompt as token ids');
    const pool = join(folderOf({ 'p.jsonl': [{ prompt: 'q' }] }), 'p.jsonl');
    await expect(imported(root, { prompts: pool })).rejects.toThrow('--tokenizer');
  });

  test('the tokenizer of token ids finds their prompts', async () => {
    const model = join(import.meta.dirname, '../fixtures/models/qwen2-tied');
    const { TokenizerClient } = await import('../../src/formats/tokenizer-client.ts');
    const text = readFileSync(join(model, 'tokenizer.json'), 'utf8');
    const tokenizer = await TokenizerClient.open({ tokenizer: { name: 'tokenizer.json', text } });
    const chat = '<|im_start|>user\nWhat is 2?<|im_end|>\n<|im_start|>assistant\n';
    const [ids] = await tokenizer.encode([chat]);
    await tokenizer.close();
    const root = folderOf({
      'r.jsonl': [{ step: 1, prompt_tokens: ids, response_tokens: [1], reward: 1 }],
      'p/pool.jsonl': [{ prompt: 'What is 2?', id: 'x' }],
    });
    const got = await imported(join(root, 'r.jsonl'), {
      prompts: join(root, 'p/pool.jsonl'),
      tokenizer: model,
    });
    expect(got.rewards).toEqual([[1]]);
    expect(got.summary.templatedRows).toBe(1);
  });

  test('NeMo RL logs: batches of one, prompt and response in one text', async () => {
    const log = (question: string, reward: number, idx: number) => ({
      content: [
        `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\nwhat is 3?\nuser\nno<|im_end|>`,
      ],
      rewards: [reward],
      input_lengths: [12],
      idx,
    });
    const plain = (question: string, reward: number, idx: number) => ({
      content: `system\nHelp.\nuser\n${question}\nassistant\nIt is 5, as what is 3? is.`,
      rewards: reward,
      idx,
    });
    const root = folderOf({
      'exp/train_data_step1.jsonl': [log('what is 2?', 1, 0), plain('what is 3?', 0, 1)],
      'exp/train_data_step2.jsonl': [log('what is 2?', 0, 0), plain('what is 3?', 1, 1)],
      'exp/val_data_step2.jsonl': [log('what is 2?', 0, 0)],
      'pool.jsonl': [{ prompt: 'what is 2?' }, { prompt: 'what is 3?' }],
    });
    const got = await imported(join(root, 'exp'), { prompts: join(root, 'pool.jsonl') });
    expect(got.rewards).toEqual([
      [1, 0],
      [0, 1],
    ]);
    await expect(imported(join(root, 'exp'))).rejects.toThrow(
      'holds prompt and response in one text; name the prompts: --prompts pool.jsonl',
    );
  });

  test('NeMo Gym rollouts: the request holds the prompt', async () => {
    const input = [
      { role: 'system', content: 's' },
      { role: 'user', content: [{ type: 'input_text', text: 'q' }] },
    ];
    const gym = { responses_create_params: { input }, output: [{}], reward: 1, metadata: {} };
    const logged = { content: ['q and more'], rewards: [0], full_result: [gym], idx: 0 };
    const got = await imported(folderOf({ 'r.jsonl': [gym] }));
    expect(got.rewards).toEqual([[1]]);
    const both = await imported(folderOf({ 'train_data_step1.jsonl': [logged] }));
    expect(both.prompts[0]).toMatchObject({ prompt: 'q', messages: input });
  });

  test('messages and question are prompts; the response behind them is no part of one', async () => {
    const messages = (answer: string) => [
      { role: 'system', content: 's' },
      { role: 'user', content: 'q' },
      { role: 'assistant', content: answer },
    ];
    const got = await imported(
      folderOf({
        'r.jsonl': [
          { messages: messages('1'), reward: 1, step: 1 },
          { messages: messages('2'), reward: 0, step: 1 },
          { question: 'q', reward: 0, step: 1 },
        ],
      }),
    );
    expect(got.rewards).toEqual([[0.5], [0]]);
    expect(got.prompts.map(({ messages: kept }) => kept?.length)).toEqual([2, undefined]);
  });

  test('lists that differ in length are refused by row', async () => {
    const root = folderOf({ 'r.jsonl': [{ prompt: 'a', responses: ['x'], rewards: [1, 0] }] });
    await expect(imported(root)).rejects.toThrow('line 1: responses has 1 entries for 2 rewards');
  });

  test.each([
    [
      { responses: ['x', 'y', 'z'], rewards: [1, 0, 0], acc: [true, false] },
      'acc has 2 entries for 3',
    ],
    [{ responses: ['x', 'y'], reward: 1 }, 'responses has 2 entries for 1 reward'],
  ])('%j is refused by row', async (fields, why) => {
    const root = folderOf({ 'r.jsonl': [{ prompt: 'p', ...fields }] });
    await expect(imported(root)).rejects.toThrow(`r.jsonl line 1: ${why}`);
  });

  test('scores beside as many responses are rewards', async () => {
    const root = folderOf({ 'r.jsonl': [{ question: 'p', outputs: ['x', 'y'], scores: [1, 0] }] });
    expect((await imported(root)).rewards).toEqual([[0.5]]);
  });

  test('a prompt without a response stays in the matrix', async () => {
    const rows = [
      { prompt: 'p', responses: [], rewards: [] },
      { prompt: 'q', responses: ['x'], rewards: [1] },
    ];
    const got = await imported(folderOf({ 'r.jsonl': rows }));
    expect(got.rewards).toEqual([[null], [1]]);
    expect(got.said).toContain('1 row left out of the means: no reward');
  });

  test('a score file stays a curve', async () => {
    const rows = [{ prompt: 'a', score: 0.5, rewards: [0, null, 1] }];
    const got = await imported(folderOf({ 'scores.json': JSON.stringify(rows) }));
    expect(got.rewards).toEqual([[0, null, 1]]);
  });

  test('what is nested without end is refused by its row', async () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    const rows = [
      `{"prompt":"a","completion":${deep},"reward":1}`,
      `{"prompt":[{"role":"user","content":"a","x":${deep}}],"reward":1}`,
      `{"prompt":"a","answer":${deep},"reward":1}`,
    ];
    for (const text of rows) {
      await expect(imported(folderOf({ '1.jsonl': text }))).rejects.toThrow(
        /1\.jsonl line 1: .* is nested too deeply/,
      );
    }
    const unread = `{"prompt":"a","reward":1,"x":${deep}}`;
    expect((await imported(folderOf({ '1.jsonl': unread }))).rewards).toEqual([[1]]);
  });

  test('keys of any type that nobody reads stop nothing', async () => {
    const odd = { tags: [{}, [null]], uid: { a: 1 }, big: 1e300, gts: NaN, when: null, '': [] };
    const text = JSON.stringify(row('a', 1, 1, odd)).replace('"gts":null', '"gts":-Infinity');
    expect(text).toContain('-Infinity');
    expect((await imported(folderOf({ 'r.jsonl': text }))).rewards).toEqual([[1]]);
  });
});

describe('conversations', () => {
  const asked = (first: string) => [
    { role: 'user', content: first },
    { role: 'assistant', content: '12' },
    { role: 'user', content: 'Are you sure?' },
  ];
  const system = (text: string, content = 'q') => [
    { role: 'system', content: text },
    { role: 'user', content },
  ];

  test('are told apart by system text and by everything before the last turn', async () => {
    const got = await imported(
      folderOf({
        'r.jsonl': [
          row(asked('a'), 1, 1),
          row(asked('b'), 1, 0),
          row(system('s'), 1, 1),
          row(system('t'), 1, 0),
          row('q', 1, 1),
          row([{ role: 'user', content: ' q ' }], 1, 0),
        ],
      }),
    );
    expect(got.rewards).toEqual([[1], [0], [1], [0], [0.5]]);
  });

  test('match a prompt file of whole conversations, plain or rendered', async () => {
    const pool = [{ prompt: asked('How many legs?') }, { prompt: asked('How many arms?') }];
    const rendered = (first: string) =>
      `<|im_start|>user\n${first}<|im_end|>\n<|im_start|>assistant\n12<|im_end|>\n` +
      '<|im_start|>user\nAre you sure?<|im_end|>\n<|im_start|>assistant\n';
    const root = folderOf({
      'r.jsonl': [
        row(asked('How many legs?'), 1, 1),
        row(rendered('How many arms?'), 1, 0),
        row(asked('How many toes?'), 1, 1),
        row(rendered('How many toes?'), 1, 1),
      ],
      'p/pool.jsonl': pool,
    });
    const got = await imported(join(root, 'r.jsonl'), { prompts: join(root, 'p/pool.jsonl') });
    expect(got.rewards).toEqual([[1], [0]]);
    expect(got.summary.unmatchedRows).toBe(2);
  });

  test('match a prompt file that holds the question alone, and the other way round', async () => {
    const root = folderOf({
      'r.jsonl': [row(system('s'), 1, 1), row(system('t'), 1, 0)],
      'plain.jsonl': [row('q', 1, 1)],
      'p/pool.jsonl': [{ prompt: 'q' }],
      'p/whole.jsonl': [{ messages: system('s') }],
    });
    const got = await imported(join(root, 'r.jsonl'), { prompts: join(root, 'p/pool.jsonl') });
    expect(got.rewards).toEqual([[0.5]]);
    expect(got.said).toContain('2 rows matched by the last turn of their conversation');
    const back = await imported(join(root, 'plain.jsonl'), {
      prompts: join(root, 'p/whole.jsonl'),
    });
    expect(back.rewards).toEqual([[1]]);
    expect(back.prompts[0]?.messages).toEqual(system('s'));
  });

  test('match where only one side has a system text', async () => {
    const turns = (first: string) => [
      { role: 'user', content: first },
      { role: 'assistant', content: 'yes' },
      { role: 'user', content: 'sure?' },
    ];
    const under = (text: string, first: string) => [
      { role: 'system', content: text },
      ...turns(first),
    ];
    const root = folderOf({
      'plain/p.jsonl': [{ prompt: turns('b') }, { prompt: turns('a') }],
      'under/p.jsonl': [{ prompt: under('S', 'a') }, { prompt: under('T', 'a') }],
      'd/step_1.jsonl': [{ prompt: under('S', 'a'), completion: 'x', reward: 1 }],
      'e/step_1.jsonl': [{ prompt: turns('a'), completion: 'x', reward: 1 }],
    });
    const plain = { prompts: join(root, 'plain/p.jsonl') };
    const got = await imported(join(root, 'd'), plain);
    expect(got.rewards).toEqual([[null], [1]]);
    expect(got.said).toContain('1 row matched by their conversation without its system text');
    await expect(
      imported(join(root, 'e'), { prompts: join(root, 'under/p.jsonl') }),
    ).rejects.toThrow(
      'line 1: the prompt may be several of the prompt file that differ in their system text',
    );
  });

  test('that a plain row may be several of are refused by row', async () => {
    const root = folderOf({
      'r.jsonl': [row('q', 1, 1)],
      'p/pool.jsonl': [{ prompt: system('s') }, { prompt: system('t') }],
    });
    await expect(
      imported(join(root, 'r.jsonl'), { prompts: join(root, 'p/pool.jsonl') }),
    ).rejects.toThrow(/r\.jsonl line 1: .*several .*that end with the same turn/);
  });

  test('composed and decomposed accents are one text', async () => {
    const root = folderOf({
      'r.jsonl': [row('A caf\u00e9?', 1, 1), row('A cafe\u0301? ', 1, 0)],
    });
    expect((await imported(root)).rewards).toEqual([[0.5]]);
  });
});

describe('ids', () => {
  test('of which each comes once, though prompts repeat, are those of samples', async () => {
    const rows = [row('a', 1, 1), row('a', 1, 0), row('b', 1, 1), row('b', 1, 1)].map((one, i) => ({
      ...one,
      id: `sample-${i}`,
    }));
    const got = await imported(folderOf({ 'r.jsonl': rows }));
    expect(got.rewards).toEqual([[0.5], [1]]);
    expect(got.said).toContain('4 rows with an id of their own, though prompts repeat');
    const own = [
      row('a', 1, 1, { id: 'x' }),
      row('a', 1, 0, { id: 'y' }),
      row('a', 2, 1, { id: 'x' }),
    ];
    expect((await imported(folderOf({ 'r.jsonl': own }))).rewards).toHaveLength(2);
  });
});

describe('steps', () => {
  const logged = (step: number, samples: [string, string, number][]) =>
    samples.map(([prompt, completion, reward]) => ({
      step,
      prompt,
      completion,
      reward,
      advantage: 0,
    }));

  test.each([2, 3, 5])('a generation that is logged %i times counts once', async (iterations) => {
    const rows: object[] = [];
    for (let i = 0; i < 4; i++) {
      for (let use = 0; use < iterations; use++) {
        const prompt = i % 2 === 0 ? 'a' : 'b';
        const step = 1 + i * iterations + use;
        rows.push(
          ...logged(step, [
            [prompt, `x${i}`, 1],
            [prompt, `y${i}`, i < 2 ? 0 : 1],
          ]),
        );
      }
    }
    const got = await imported(folderOf({ 'r.jsonl': rows }));
    expect(got.rewards).toEqual([
      [0.5, 1],
      [0.5, 1],
    ]);
    expect([...got.matrix.samples]).toEqual([2, 2, 2, 2]);
    expect(got.summary).toMatchObject({ iterations, repeatedSteps: 4 * (iterations - 1) });
    expect(got.said).toContain(`(num_iterations ${iterations}?)`);
    const asked = await imported(folderOf({ 'r.jsonl': rows }), { stepsPerEpoch: 2 * iterations });
    expect(asked.rewards).toEqual(got.rewards);
  });

  test('a step of samples that are all alike counts as the others say', async () => {
    const rows = [
      ...logged(1, [
        ['a', 'x', 1],
        ['a', 'y', 0],
      ]),
      ...logged(2, [
        ['a', 'x', 1],
        ['a', 'y', 0],
      ]),
      ...logged(3, [
        ['a', 'z', 1],
        ['a', 'z', 1],
      ]),
      ...logged(4, [
        ['a', 'z', 1],
        ['a', 'z', 1],
      ]),
      ...logged(5, [
        ['a', 'z', 1],
        ['a', 'z', 1],
      ]),
      ...logged(6, [
        ['a', 'z', 1],
        ['a', 'z', 1],
      ]),
    ];
    const got = await imported(folderOf({ 'r.jsonl': rows }));
    expect(got.rewards).toEqual([[0.5, 1, 1]]);
  });

  test('equal rewards of other completions, or other rewards of equal ones, are no repeat', async () => {
    const rows = [
      ...logged(1, [
        ['a', 'x', 1],
        ['a', 'y', 0],
      ]),
      ...logged(2, [
        ['a', 'x', 1],
        ['a', 'z', 0],
      ]),
      ...logged(3, [
        ['a', 'x', 0],
        ['a', 'z', 0],
      ]),
    ];
    expect((await imported(folderOf({ 'r.jsonl': rows }))).rewards).toEqual([[0.5, 0.5, 0]]);
  });

  test('says how many steps a logging interval has lost', async () => {
    const rows = [10, 20, 30, 40].flatMap((step) =>
      logged(step, [
        ['a', `x${step}`, 1],
        ['a', 'y', 0],
      ]),
    );
    const got = await imported(folderOf({ 'r.jsonl': rows }), { stepsPerEpoch: 10 });
    expect(got.rewards).toEqual([[0.5, 0.5, 0.5, 0.5]]);
    expect(got.said).toContain(
      '36 steps not in the files, which have every 10th (logging_steps 10?)',
    );
    const loose = [1, 2, 5].flatMap((step) => logged(step, [['a', `x${step}`, 1]]));
    expect((await imported(folderOf({ 'r.jsonl': loose }))).said).toContain(
      '2 steps missing in the numbering',
    );
  });

  test('steps per epoch follow from the prompts where steps are lost', async () => {
    // Eight prompts, two a step, four steps an epoch; every second step was logged.
    const rows = [
      [2, 'a', 'b'],
      [4, 'c', 'd'],
      [6, 'e', 'f'],
      [8, 'g', 'h'],
      [10, 'e', 'g'],
      [12, 'a', 'c'],
    ].flatMap(([step, one, two]) =>
      [one, two].map((prompt) => ({ prompt, step, completion: `${step}${prompt}`, reward: 1 })),
    );
    const root = folderOf({
      'r.jsonl': rows,
      'p/pool.jsonl': Array.from('abcdefgh').map((prompt) => ({ prompt })),
    });
    const got = await imported(join(root, 'r.jsonl'), { prompts: join(root, 'p/pool.jsonl') });
    expect(got.summary).toMatchObject({ epochs: 3, stepsPerEpoch: 4, epochDoubt: null });
    expect(got.rewards[0]).toEqual([1, null, 1]);
    const alone = await imported(join(root, 'r.jsonl'));
    expect(alone.said).toMatch(/the epochs are a guess .*--steps-per-epoch/);
  });

  test.each([2, 3, 4])(
    'with %i uses of a generation and every second step logged, epochs are whole',
    async (iterations) => {
      const rows: object[] = [];
      for (let step = 2; step <= 4 * iterations; step += 2) {
        const i = Math.floor((step - 1) / iterations);
        const prompt = i % 2 === 0 ? 'a' : 'b';
        rows.push(
          ...logged(step, [
            [prompt, `x${i}`, 1],
            [prompt, `y${i}`, i < 2 ? 0 : 1],
          ]),
        );
      }
      const got = await imported(folderOf({ 'r.jsonl': rows }));
      expect(got.rewards).toEqual([
        [0.5, 1],
        [0.5, 1],
      ]);
      expect(got.said).toMatch(/a guess .*steps are missing/);
    },
  );

  test('rows without an epoch beside others, and rows of no known prompt, are named', async () => {
    const root = folderOf({
      'in/1.jsonl': [{ ...row('a', 1, 1), epoch: 0 }],
      'in/2.jsonl': [row('a', 2, 1)],
      'pool.jsonl': [{ prompt: 'b' }],
    });
    await expect(imported(join(root, 'in'))).rejects.toThrow(
      /2\.jsonl line 1: no field epoch, which other rows have; say --steps-per-epoch/,
    );
    await expect(imported(join(root, 'in'), { prompts: join(root, 'pool.jsonl') })).rejects.toThrow(
      /none of 2 rows is of a prompt of the prompt file: not .*1\.jsonl line 1/,
    );
  });

  test('epochs of uneven length are said to be a guess', async () => {
    const rows = [['a'], ['b'], ['a'], ['a'], ['b', 'c'], ['a']].flatMap((prompts, i) =>
      prompts.map((prompt) => row(prompt, i + 1, 1)),
    );
    const got = await imported(folderOf({ 'r.jsonl': rows }));
    expect(got.said).toContain('the epochs are a guess (they would hold 2, 1, 2, 1 steps)');
    const asked = await imported(folderOf({ 'r.jsonl': rows }), { stepsPerEpoch: 3 });
    expect(asked.summary.epochDoubt).toBeNull();
  });

  test('fractions of epochs order the rows where no step does', async () => {
    const rows = [0.5, 1, 1.5, 2].map((epoch) => ({
      prompt: epoch % 1 === 0 ? 'b' : 'a',
      response: 'r',
      reward: Number(epoch > 1),
      epoch,
    }));
    const got = await imported(folderOf({ 'rows.jsonl': rows }));
    expect(got.rewards).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(got.said).toContain('2 rows with an epoch that is no whole number');
  });
});
