import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { writeParquet } from '../../src/formats/parquet.ts';
import type { ChatMessage } from '../../src/formats/tokenizer.ts';
import type { DatasetConfig } from '../../src/tasks/dataset-config.ts';
import { checkTask, filesOf, openTask, openVerifier, withPaths } from '../../src/tasks/registry.ts';
import { noResources, type Task, type TaskResources } from '../../src/tasks/task.ts';
import { datasetConfig, modelOf, resourcesOf } from '../support/dataset-rig.ts';

/** Opens a dataset, and closes its text after use. */
async function withTask<Result>(
  config: Partial<DatasetConfig>,
  resources: TaskResources,
  use: (task: Task) => Result | Promise<Result>,
): Promise<Result> {
  const task = await openTask(datasetConfig(config), resources);
  try {
    return await use(task);
  } finally {
    await task.text.close();
  }
}

const refusal = (config: Partial<DatasetConfig>, resources: TaskResources): Promise<unknown> =>
  withTask(config, resources, () => 'it opened').catch((error: unknown) => String(error));

const chat = JSON.parse(readFileSync('test/fixtures/chat/chat.json', 'utf8')) as {
  families: string[];
  rows: {
    family: string;
    name: string;
    messages: ChatMessage[];
    add_generation_prompt: boolean;
    variables: Record<string, unknown>;
    ids?: number[];
    text?: string;
  }[];
};

describe('a typed prompt', () => {
  test('is the turn of a user, as a row of the same text is', async () => {
    const model = modelOf('test/fixtures/chat/qwen25');
    const pool = [{ prompt: 'How many?', answer: '1' }];
    const settings = { system: 'Be brief.' };
    await withTask(settings, resourcesOf({ 'pool.jsonl': pool }, model), async (task) => {
      const [row] = task.pool(1);
      const typed = await task.typed?.('How many?');
      expect(typed).toEqual({
        text: 'How many?',
        given: row.given,
        row: { prompt: 'How many?', answer: null },
      });
      expect(typed?.given).toContain('Be brief.');
    });
  });
});

describe('a dataset', () => {
  test.each(chat.families)('puts prompts into the template of %s, with one bos', async (family) => {
    const rows = chat.rows.filter(
      ({ add_generation_prompt: asks, variables, ids, messages, ...row }) =>
        row.family === family &&
        asks &&
        ids !== undefined &&
        Object.keys(variables).length === 0 &&
        messages.some(({ role }) => role === 'user'),
    );
    expect(rows.length).toBeGreaterThan(3);
    const pool = rows.map(({ name, messages }) => ({ id: name, prompt: messages, answer: '1' }));
    const model = modelOf(`test/fixtures/chat/${family}`);
    await withTask({}, resourcesOf({ 'pool.jsonl': pool }, model), async (task) => {
      const prompts = new Map(task.pool(1).map((prompt) => [prompt.id, prompt]));
      const repeated = (task.leftOut ?? []).map(({ id }) => id);
      for (const { name, ids, text = '' } of rows) {
        const prompt = prompts.get(name);
        if (!prompt) {
          expect(repeated, name).toContain(name);
          continue;
        }
        // Templates that print the date: the dataset's does not change from day to day.
        const want = text.replace(/(?<=\nDay: )\d\d \w+ \d+/, '26 Jul 2024');
        expect(prompt.given ?? prompt.text, name).toBe(want);
        if (want === text) expect([...(prompt.tokens ?? [])], name).toEqual(ids);
      }
      const dated = rows.some(({ text = '' }) => text.includes('\nDay: '));
      expect(task.notes?.some((note) => note.includes('26 Jul 2024'))).toBe(dated);
      expect(dated).toBe(family === 'llama3');
    });
  });

  test('reads rows of every format alike', async () => {
    const rows = [
      { id: 'a', prompt: 'one and two', answer: '3', level: 'easy' },
      { id: 'b', prompt: 'two and two', answer: '4', level: 'hard' },
    ];
    const files = {
      'rows.jsonl': rows,
      'rows.json': JSON.stringify(rows),
      'rows.parquet': await writeParquet(rows),
    };
    for (const prompts of Object.keys(files)) {
      await withTask({ prompts, template: 'none' }, resourcesOf(files), (task) => {
        const found = task.pool(7);
        expect(found.map(({ text, key, id }) => [text, key, id])).toEqual([
          ['one and two', '3', 'a'],
          ['two and two', '4', 'b'],
        ]);
        expect(found.map(({ columns }) => columns)).toEqual([{ level: 'easy' }, { level: 'hard' }]);
        expect(found.some((prompt) => 'given' in prompt)).toBe(false);
        expect(task.poolPrompts).toBe(2);
        expect(task.pool(8)).toBe(found);
      });
    }
  });

  test('puts a system text before conversations that have none', async () => {
    const pool = [
      { prompt: 'plain', answer: '1' },
      { prompt: [{ role: 'user', content: 'listed' }], answer: '2' },
      {
        prompt: [
          { role: 'system', content: 'own' },
          { role: 'user', content: 'kept' },
        ],
        answer: '3',
      },
    ];
    await withTask({ system: 'given' }, resourcesOf({ 'pool.jsonl': pool }), (task) => {
      const given = task.pool(1).map((prompt) => prompt.given ?? '');
      expect(given[0]).toContain('<|im_start|>system\ngiven<|im_end|>');
      expect(given[1]).toContain('<|im_start|>system\ngiven<|im_end|>');
      expect(given[2]).toContain('<|im_start|>system\nown<|im_end|>');
      expect(given[2]).not.toContain('given');
      expect(task.pool(1).map(({ row }) => row?.prompt)).toEqual([
        'plain',
        'listed',
        pool[2].prompt,
      ]);
    });
    const bare = modelOf('test/fixtures/chat/qwen25', {
      tokenizerTexts: async () => ({
        ...(await modelOf('test/fixtures/chat/qwen25').tokenizerTexts())!,
        chatTemplate: undefined,
      }),
    });
    const short = resourcesOf({ 'pool.jsonl': pool.slice(0, 1) }, bare);
    expect(await refusal({ system: 'x' }, short)).toMatch(
      'ConfigError: task.system: there is no chat template to put it into',
    );
    expect(await refusal({ system: 'x', template: 'none' }, short)).toMatch('template is none');
    expect(await refusal({ template: 'none' }, resourcesOf({ 'pool.jsonl': pool }))).toMatch(
      'pool.jsonl line 3: 2 messages are no plain text',
    );
  });

  test('takes the template of a file', async () => {
    const files = {
      'pool.jsonl': [{ prompt: 'hi', answer: '1' }],
      'mine.jinja': 'Q: {{ messages[0].content }} A:',
      'bad.jinja': '{{ messages[0].content.nothing() }}',
    };
    await withTask({ template: 'mine.jinja' }, resourcesOf(files), (task) => {
      expect(task.pool(1)[0].given).toBe('Q: hi A:');
    });
    expect(await refusal({ template: 'bad.jinja' }, resourcesOf(files))).toMatch(
      /^FormatError: pool\.jsonl line 1: .*chat template/,
    );
    expect(await refusal({ template: 'no.jinja' }, resourcesOf(files))).toBe(
      'ConfigError: task.template: no.jinja: no such file',
    );
  });

  test('leaves out prompts that are too long and repeated rows, and tells', async () => {
    const pool = [
      { prompt: 'a b', answer: '1', id: 'first' },
      { prompt: 'word '.repeat(60), answer: '2', id: 'long' },
      { prompt: ' a b ', answer: '1' },
      { prompt: 'c', answer: '' },
    ];
    const config = { template: 'none', maxPromptTokens: 40 };
    await withTask(config, resourcesOf({ 'pool.jsonl': pool }), (task) => {
      expect(task.pool(1).map(({ text }) => text)).toEqual(['a b', 'c']);
      expect(task.poolPrompts).toBe(2);
      expect(task.leftOut).toEqual([
        {
          where: 'pool.jsonl line 3',
          prompt: ' a b ',
          reason: 'the same prompt and answer as pool.jsonl line 1',
        },
        {
          where: 'pool.jsonl line 2',
          id: 'long',
          prompt: expect.stringMatching(/^word word .*\.\.\.$/) as string,
          reason: expect.stringMatching(/^\d+ tokens, more than 40$/) as string,
        },
      ]);
      expect(task.notes).toContain(
        'pool.jsonl: left out 1 prompt with more than 40 tokens and 1 repeated row',
      );
    });
    expect(
      await refusal(
        { ...config, maxPromptTokens: 1 },
        resourcesOf({ 'pool.jsonl': pool.slice(1, 2) }),
      ),
    ).toBe(
      'ConfigError: task.prompts: no prompt of pool.jsonl is left: all 1 have more than 1 tokens (task.maxPromptTokens)',
    );
    const other = [pool[0], { prompt: 'a b', answer: '7' }];
    expect(await refusal(config, resourcesOf({ 'pool.jsonl': other }))).toBe(
      "FormatError: pool.jsonl line 2: has the prompt of pool.jsonl line 1 and another answer ('7', there '1')",
    );
  });

  test.each<[string, Partial<DatasetConfig>, unknown[], string]>([
    ['an empty file', {}, [], 'FormatError: pool.jsonl: no rows'],
    [
      'a row without an answer',
      {},
      [{ prompt: 'a' }],
      'FormatError: pool.jsonl line 1: no text in answer',
    ],
    [
      'a row without a prompt',
      {},
      [{ prompt: 'a', answer: '1' }, { answer: '1' }],
      'FormatError: pool.jsonl line 2: no field prompt',
    ],
    [
      'a file that is not there',
      { prompts: 'x' },
      [],
      'ConfigError: task.prompts: x: no such file',
    ],
    [
      'a tier that is not there',
      { tiers: [{ file: 'y' }] },
      [{ prompt: 'a', answer: '1' }],
      'ConfigError: task.tiers[0].file: y: no such file',
    ],
    [
      'an unknown verifier',
      { verifier: 'maths' },
      [],
      "ConfigError: task.verifier must be math, math-eval, exact or a module such as ./mine.js, got 'maths'",
    ],
    [
      'too many positions',
      { maxResponseTokens: 4000 },
      [],
      'ConfigError: task.maxResponseTokens: 1024 tokens of a prompt and 4000 of a response are 5024, test/fixtures/chat/qwen25 reads 4096',
    ],
    ['an empty stop string', { stopStrings: [''] }, [], 'ConfigError: task.stopStrings'],
    ['another end of epochs', { lastBatch: 'keep' as 'drop' }, [], 'ConfigError: task.lastBatch'],
  ])('refuses %s', async (_, config, rows, message) => {
    const found = await refusal(config, resourcesOf({ 'pool.jsonl': rows }));
    expect(found).toContain(message);
  });

  test('needs a model with a tokenizer', async () => {
    expect(await refusal({}, noResources)).toMatch('ConfigError: task: a dataset needs a model');
    const none = modelOf('test/fixtures/chat/qwen25', {
      tokenizerTexts: () => Promise.resolve(undefined),
    });
    expect(await refusal({}, resourcesOf({ 'pool.jsonl': [] }, none))).toBe(
      'ConfigError: task: test/fixtures/chat/qwen25 has no tokenizer.json',
    );
    const small = modelOf('test/fixtures/chat/qwen25', { vocabularySize: 4 });
    const rows = [{ prompt: 'hello', answer: '1' }];
    expect(await refusal({}, resourcesOf({ 'pool.jsonl': rows }, small))).toMatch(
      /^FormatError: pool\.jsonl line 1: the tokenizer gives the id \d+, the model's ids are below 4$/,
    );
  });

  test('ends responses by the ids of model and tokenizer, which are no part of an answer', async () => {
    const rows = [{ prompt: 'hello', answer: '1' }];
    const model = modelOf('test/fixtures/chat/qwen25', { stopIds: [3] });
    await withTask({}, resourcesOf({ 'pool.jsonl': rows }, model), async (task) => {
      const [, own] = task.stopIds;
      expect(task.stopIds[0]).toBe(3);
      expect(task.stopIds).toHaveLength(2);
      const [ids] = await task.text.encode(['so it is']);
      const ended = Uint32Array.of(...ids, own);
      expect(await task.text.decode([ids, ended, [3], [511]])).toEqual([
        'so it is',
        'so it is',
        '',
        '\uFFFD',
      ]);
      expect(task.notes).toHaveLength(1);
    });
    await withTask(
      { stopStrings: ['\nuser\n'] },
      resourcesOf({ 'pool.jsonl': rows }),
      ({ stopStrings }) => {
        expect(stopStrings).toEqual(['\nuser\n']);
      },
    );
  });

  test('has tiers of other files, each with its sampling and verifier', async () => {
    const rows = (texts: string[]) => texts.map((prompt) => ({ question: prompt, answer: '7' }));
    const files = {
      'pool.jsonl': rows(['a', 'b']),
      'sets/math500.jsonl': rows(['c', 'b']),
      'sets/aime24.jsonl': rows(['d']),
    };
    const tiers = [
      { file: 'sets/math500.jsonl' },
      { file: 'sets/aime24.jsonl', samples: 4, temperature: 0.4, topP: 0.95, verifier: 'exact' },
      { file: 'sets/aime24.jsonl' },
    ];
    await withTask({ tiers }, resourcesOf(files), (task) => {
      expect(task.tiers().map(({ name, sampling }) => [name, sampling])).toEqual([
        ['math500', { samples: 1, temperature: 0, topP: 1 }],
        ['aime24', { samples: 4, temperature: 0.4, topP: 0.95 }],
        ['aime24 (2)', { samples: 1, temperature: 0, topP: 1 }],
      ]);
      expect(task.notes).toContain(
        '1 prompt of the held-out sets/math500.jsonl is in the pool too',
      );
    });
    const verifier = await openVerifier(datasetConfig({ tiers }));
    const end = { finished: true };
    expect(await verifier.verify('a', '7', '\\boxed{7.0}', end)).toMatchObject({ reward: 1 });
    const exact = verifier.ofTier?.('aime24');
    expect(await exact?.verify('a', '7', ' 7\n', end)).toMatchObject({ reward: 1, extracted: '7' });
    expect(await exact?.verify('a', '7', '7', { finished: false })).toMatchObject({ reward: -1 });
    expect(await verifier.ofTier?.('math500')?.verify('a', '7', '7', end)).toMatchObject({
      reward: -1,
    });
  });

  test('names its files, which may be moved', () => {
    const config = datasetConfig({
      verifier: './mine.js',
      template: 'own.jinja',
      tiers: [{ file: 't.jsonl', verifier: 'math-eval' }],
    });
    expect(filesOf(config)).toEqual(['pool.jsonl', './mine.js', 'own.jinja', 't.jsonl']);
    expect(withPaths(config, (path) => `/x/${path}`)).toMatchObject({
      prompts: '/x/pool.jsonl',
      template: '/x/own.jinja',
      tiers: [{ file: '/x/t.jsonl', verifier: 'math-eval' }],
    });
    expect(filesOf(datasetConfig({ template: 'auto' }))).toEqual(['pool.jsonl']);
    expect(() => checkTask(config)).not.toThrow();
  });

  test("reads LIMR's own prompts", async (context) => {
    const folder = '../shared/data/limr';
    if (!existsSync(folder)) context.skip(`${folder} is not here`);
    const read = (name: string) => readFileSync(`${folder}/${name}`);
    const files = {
      'math.8k.json': read('math.8k.json'),
      'limr-train.arrow': read('limr-train.arrow'),
      'math500.jsonl': read('math500.jsonl'),
    };
    const sizes = { maxPromptTokens: 4096 - 16, maxResponseTokens: 16 };
    await withTask({ ...sizes, prompts: 'math.8k.json' }, resourcesOf(files), (task) => {
      // One prompt stands there twice, with one answer.
      expect(task.leftOut?.map(({ where, reason }) => [where, reason])).toEqual([
        ['math.8k.json row 4008', 'the same prompt and answer as math.8k.json row 1770'],
      ]);
      expect(task.poolPrompts).toBe(8522);
      expect(task.pool(1)[0]).toMatchObject({ key: '118', columns: { source: 'math' } });
    });
    const tiers = [{ file: 'math500.jsonl' }];
    await withTask({ ...sizes, prompts: 'limr-train.arrow', tiers }, resourcesOf(files), (task) => {
      expect(task.poolPrompts).toBe(1389);
      expect(task.pool(1)[0].given).toMatch(/^<\|im_start\|>system\n/);
      expect(task.tiers()[0].prompts).toHaveLength(500);
      expect(task.tiers()[0].prompts[0].text).toMatch(/^Convert the point \$\(0,3\)\$/);
    });
  });
});
