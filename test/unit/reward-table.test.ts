import { describe, expect, test } from 'vitest';
import { rowOf } from '../../src/lim/matrix.ts';
import { RewardTable } from '../../src/lim/reward-table.ts';
import { RandomStream } from '../../src/random.ts';

const row = (
  prompt: string,
  step: number,
  reward = 1,
  more: { epoch?: number; id?: string } = {},
) => ({
  prompt,
  id: more.id,
  reward,
  step,
  epoch: more.epoch,
});

describe('RewardTable', () => {
  test('cuts steps into epochs by their numbers', () => {
    const table = new RewardTable();
    for (const step of [1, 2, 3, 4]) {
      table.add(row(step % 2 === 1 ? 'a' : 'b', step, step > 2 ? 1 : -0.5));
    }
    const { matrix, summary } = table.matrix('accuracy', { stepsPerEpoch: 2 });
    expect([...rowOf(matrix, 0)]).toEqual([0, 1]);
    expect([...rowOf(matrix, 1)]).toEqual([0, 1]);
    expect(summary).toMatchObject({ epochs: 2, steps: 4, rows: 4, missingEntries: 0 });
    const byEpochs = table.matrix('reward', { epochs: 2 });
    expect([...rowOf(byEpochs.matrix, 0)]).toEqual([-0.5, 1]);
  });

  test('a missing step file moves no other step to another epoch', () => {
    const table = new RewardTable();
    for (const step of [2, 3, 4]) table.add(row(`p${step % 2}`, step));
    const { matrix, summary } = table.matrix('accuracy', { stepsPerEpoch: 2 });
    expect(summary).toMatchObject({ epochs: 2, missingEntries: 1, missingSteps: 0 });
    expect([...rowOf(matrix, 0)]).toEqual([1, 1]);
    expect([...rowOf(matrix, 1)]).toEqual([NaN, 1]);
  });

  test('finds the epochs where every prompt comes once in each', () => {
    const table = new RewardTable();
    for (let epoch = 0; epoch < 3; epoch++) {
      for (const p of [0, 1, 2, 3]) {
        for (let sample = 0; sample < 8; sample++) table.add(row(`p${p}`, epoch * 2 + (p >> 1)));
      }
    }
    const { summary } = table.matrix('accuracy', {});
    expect(summary).toMatchObject({ epochs: 3, grouping: 'every prompt once', samplesPerEntry: 8 });
  });

  test('follows the epoch field, whatever it counts from', () => {
    const table = new RewardTable();
    table.add(row('a', 0, 1, { epoch: 5 }));
    table.add(row('a', 0, 0, { epoch: 6 }));
    const { matrix } = table.matrix('accuracy', {});
    expect([...rowOf(matrix, 0)]).toEqual([1, 0]);
    table.add(row('a', 0, 0));
    expect(() => table.matrix('accuracy', {})).toThrow(
      /^row \d: no field epoch, which other rows have/,
    );
  });

  test('reports what does not fit: unmatched, merged, never rolled out, duplicate, partial', () => {
    const table = new RewardTable([
      { prompt: ' a ', id: undefined },
      { prompt: 'b', id: undefined },
      { prompt: 'b', id: undefined },
      { prompt: 'c', id: undefined },
    ]);
    for (let sample = 0; sample < 4; sample++) {
      table.add(row('a', 1));
      table.add(row('b', 1));
      table.add(row('a', 2));
      table.add(row('a', 3));
    }
    table.add(row('b', 3));
    table.add(row('unknown', 1));
    table.add(row('a', 5));
    const { matrix, summary } = table.matrix('accuracy', { stepsPerEpoch: 2, epochs: 2 });
    expect(summary).toMatchObject({
      prompts: 3,
      unmatchedRows: 1,
      mergedPrompts: 1,
      neverRolledOut: 1,
      duplicateEntries: 1,
      partialEntries: 1,
      rowsPastEnd: 1,
      missingSteps: 1,
    });
    expect([...matrix.samples]).toEqual([8, 4, 4, 1, 0, 0]);
  });

  test('ids come before texts', () => {
    const table = new RewardTable([
      { prompt: 'same', id: '1' },
      { prompt: 'same', id: '2' },
    ]);
    table.add(row('same', 1, 1, { id: '2' }));
    table.add(row('SAME, decoded otherwise', 1, 1, { id: '1' }));
    table.add(row('same', 1, 1, { id: '3' }));
    const { matrix, summary } = table.matrix('accuracy', {});
    expect([...matrix.samples]).toEqual([1, 1]);
    expect(summary.unmatchedRows).toBe(1);
  });

  const pool = [
    'What is 12 + 7?',
    'Find the sum of all positive integers n with n^2 < 50.\n\nGive it in lowest terms.',
    '  Find the sum of all positive integers n with n^2 < 50.',
    '5',
  ].map((prompt) => ({ prompt, id: undefined }));
  const system = 'Please reason step by step, and put your final answer within \\boxed{}.';
  const templates: Record<string, (prompt: string) => string> = {
    'the template of Qwen': (prompt) =>
      `<|im_start|>system\n${system}<|im_end|>\n<|im_start|>user\n${prompt}<|im_end|>\n` +
      '<|im_start|>assistant\n',
    'the template of Qwen without special tokens': (prompt) =>
      `system\n${system}\nuser\n${prompt}\nassistant\n`,
    'the template of Llama 3': (prompt) =>
      '<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: ' +
      'December 2023\nToday Date: 26 Jul 2024\n\n<|eot_id|><|start_header_id|>user' +
      `<|end_header_id|>\n\n${prompt}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n`,
    'the template of Llama 3 without special tokens': (prompt) =>
      'system\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\nuser\n\n' +
      `${prompt}assistant\n\n`,
    'the template of Mistral': (prompt) => `<s>[INST] ${prompt} [/INST]`,
  };

  test.each(Object.entries(templates))('finds a prompt inside %s', (_, render) => {
    const table = new RewardTable(pool);
    for (const { prompt } of pool) table.add(row(render(prompt.trim()), 1));
    table.add(row(render('What is 12 + 71?'), 1));
    const { matrix, summary } = table.matrix('accuracy', {});
    expect([...matrix.samples]).toEqual([1, 1, 1, 1]);
    expect(summary).toMatchObject({ templatedRows: 4, containedRows: 0, unmatchedRows: 1 });
  });

  test('counts exact rows, templated ones and those that hold a prompt and more', () => {
    const table = new RewardTable(pool);
    const render = templates['the template of Qwen'];
    const [, long = '', , five = ''] = pool.map(({ prompt }) => prompt);
    for (let sample = 0; sample < 3; sample++) table.add(row(five, 1));
    for (let sample = 0; sample < 2; sample++) table.add(row(render(five), 2));
    // An instruction behind the question; the third prompt is a part of the second.
    for (let sample = 0; sample < 4; sample++) table.add(row(render(`${long} Think first.`), 3));
    // A short prompt counts as a whole line only.
    table.add(row('Question:\n5\nAnswer:', 4));
    table.add(row('There are 5 apples', 4));
    const { matrix, summary } = table.matrix('accuracy', { stepsPerEpoch: 4 });
    expect([...matrix.samples]).toEqual([0, 4, 0, 6]);
    expect(summary).toMatchObject({ rows: 11, templatedRows: 2, containedRows: 5 });
    expect(summary.unmatchedRows).toBe(1);
  });

  test('takes the last turn: examples before it may be prompts too', () => {
    const table = new RewardTable(pool);
    const render = templates['the template of Qwen'];
    table.add(row(`${render('5')}Five.<|im_end|>\n${render('What is 12 + 7?')}`, 1));
    expect([...table.matrix('accuracy', {}).matrix.samples]).toEqual([1, 0, 0, 0]);
  });

  test('refuses a row that holds several prompts', () => {
    const table = new RewardTable([...pool, { prompt: 'How many primes are below 100?', id: 'x' }]);
    const both = 'What is 12 + 7?\nHow many primes are below 100?';
    expect(() => table.add({ ...row(both, 1), where: 'dump.jsonl line 7' })).toThrow(
      "dump.jsonl line 7: the text holds several prompts of the prompt file, 'What is 12 + 7?' " +
        "and 'How many primes are below 100?'; give rows and prompts an id",
    );
  });

  test('the order of the rows does not matter', () => {
    const stream = new RandomStream(3, 'test');
    const rows = Array.from({ length: 500 }, () =>
      row(`p${stream.below(9)}`, 1 + stream.below(12), stream.below(2)),
    );
    const nine = Array.from({ length: 9 }, (_, p) => ({ prompt: `p${p}`, id: undefined }));
    const matrixOf = (order: typeof rows) => {
      const table = new RewardTable(nine);
      for (const entry of order) table.add(entry);
      return table.matrix('reward', { stepsPerEpoch: 3 });
    };
    expect(matrixOf(stream.shuffle([...rows]))).toEqual(matrixOf(rows));
  });

  test('refuses steps that do not divide, an absurd epoch, and nothing at all', () => {
    const table = new RewardTable();
    expect(() => table.matrix('accuracy', {})).toThrow(
      'none of 0 rows is of a prompt of the prompt file',
    );
    for (const step of [1, 2, 3]) table.add(row('a', step));
    expect(() => table.matrix('accuracy', { epochs: 2 })).toThrow('3 steps do not divide into 2');
    const absurd = new RewardTable();
    absurd.add(row('a', 1, 1, { epoch: 0 }));
    absurd.add(row('a', 1, 1, { epoch: 2 ** 31 }));
    expect(() => absurd.matrix('accuracy', {})).toThrow('more than the 268435456 entries allowed');
  });
});
