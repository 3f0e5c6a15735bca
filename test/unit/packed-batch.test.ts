import { describe, expect, test } from 'vitest';
import {
  expectTokens,
  packedSizes,
  packGroups,
  type PromptGroup,
} from '../../src/model/packed-batch.ts';
import { RandomStream } from '../../src/random.ts';

/** Rows of six numbers. */
const rowsOfSix = (spans: Uint32Array): number[][] =>
  Array.from({ length: spans.length / 6 }, (_, i) => [...spans.subarray(6 * i, 6 * i + 6)]);

// Two samples of a prompt of two, one of them a single token, and another prompt.
const groups: PromptGroup[] = [
  { prompt: [7, 8], responses: [[1, 2, 3], [4]] },
  { prompt: [8], responses: [[5, 7]] },
];

describe('expectTokens', () => {
  test('names the place of an id out of the vocabulary, and takes the last one in it', () => {
    expect(() => expectTokens(groups, 9)).not.toThrow();
    expect(() => expectTokens(groups, 8)).toThrow(
      'token 1 of the prompt of group 0 is 8, must be an id below 8',
    );
    expect(() => expectTokens([groups[0], { prompt: [1], responses: [[2], [3, -1]] }], 9)).toThrow(
      'token 1 of response 1 of group 1 is -1, must be an id below 9',
    );
    expect(() => expectTokens([{ prompt: [0.5], responses: [] }], 9)).toThrow('is 0.5');
  });
});

describe('packGroups', () => {
  test('puts a shared prompt once, before the responses that read it', () => {
    const packed = packGroups(groups, true);
    expect(packed).toMatchObject({ rows: 6, actions: 6, sequences: 3 });
    // The last token of each response predicts nothing and has no row: 3, 4 and 7 are missing.
    expect([...packed.tokenIds]).toEqual([7, 8, 1, 2, 8, 5]);
    expect([...packed.positions]).toEqual([0, 1, 2, 3, 0, 1]);
    expect(rowsOfSix(packed.spans)).toEqual([
      [0, 2, 0, 0, 2, 4],
      [0, 2, 0, 0, 2, 4],
      [2, 4, 0, 2, 0, 0],
      [2, 4, 0, 2, 0, 0],
      [4, 5, 0, 0, 5, 6],
      [5, 6, 4, 5, 0, 0],
    ]);
    // The first action of each response is predicted by the last row of its prompt.
    expect([...packed.actionRows]).toEqual([1, 2, 3, 1, 4, 5]);
    expect([...packed.actionTargets]).toEqual([1, 2, 3, 4, 5, 7]);
    expect([...packed.sequenceActions]).toEqual([0, 3, 3, 1, 4, 2]);
  });

  test('gives each sample its own copy of the prompt when prompts are not shared', () => {
    const packed = packGroups(groups, false);
    expect(packed).toMatchObject({ rows: 8, actions: 6, sequences: 3 });
    expect([...packed.tokenIds]).toEqual([7, 8, 1, 2, 7, 8, 8, 5]);
    expect([...packed.positions]).toEqual([0, 1, 2, 3, 0, 1, 0, 1]);
    expect(rowsOfSix(packed.spans)).toEqual([
      [0, 2, 0, 0, 2, 4],
      [0, 2, 0, 0, 2, 4],
      [2, 4, 0, 2, 0, 0],
      [2, 4, 0, 2, 0, 0],
      [4, 6, 0, 0, 6, 6],
      [4, 6, 0, 0, 6, 6],
      [6, 7, 0, 0, 7, 8],
      [7, 8, 6, 7, 0, 0],
    ]);
    expect([...packed.actionRows]).toEqual([1, 2, 3, 5, 6, 7]);
    expect([...packed.actionTargets]).toEqual([1, 2, 3, 4, 5, 7]);
    expect([...packed.sequenceActions]).toEqual([0, 3, 3, 1, 4, 2]);
  });

  test('lists the actions of each row and the rows of each token', () => {
    const packed = packGroups(groups, true);
    // Row 1 predicts actions 0 and 3, rows 2, 3, 4, 5 one each, row 0 none.
    expect([...packed.rowActionStarts]).toEqual([0, 0, 2, 3, 4, 5, 6]);
    expect([...packed.rowActions]).toEqual([0, 3, 1, 2, 4, 5]);
    // Tokens 7 8 1 2 8 5: in order of id, rows ascending.
    expect(packed.uniques).toBe(5);
    expect([...packed.uniqueIds.subarray(0, 5)]).toEqual([1, 2, 5, 7, 8]);
    expect([...packed.uniqueStarts.subarray(0, 6)]).toEqual([0, 1, 2, 3, 4, 6]);
    expect([...packed.uniqueOrder]).toEqual([2, 3, 5, 0, 1, 4]);
  });

  test('numbers actions and weighs them alike unless told otherwise', () => {
    const plain = packGroups(groups, true);
    expect([...plain.actionSource]).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...plain.actionWeights]).toEqual(new Array(6).fill(Math.fround(1 / 6)));
    const [first, second] = groups;
    const told = packGroups(
      [
        { ...first, firstActions: [40, 10], weights: [0.5, 0.25] },
        { ...second, firstActions: [90], weights: [2] },
      ],
      true,
    );
    expect([...told.actionSource]).toEqual([40, 41, 42, 10, 90, 91]);
    expect([...told.actionWeights]).toEqual([0.5, 0.5, 0.5, 0.25, 2, 2]);
  });

  test('takes empty responses and prompts without any', () => {
    const odd = [
      { prompt: [3, 4], responses: [[], [5, 6], []] },
      { prompt: [9], responses: [] },
    ];
    const shared = packGroups(odd, true);
    expect(shared).toMatchObject({ rows: 4, actions: 2, sequences: 3 });
    expect([...shared.tokenIds]).toEqual([3, 4, 5, 9]);
    expect([...shared.sequenceActions]).toEqual([0, 0, 0, 2, 2, 0]);
    expect([...shared.actionRows]).toEqual([1, 2]);
    expect(rowsOfSix(shared.spans)).toEqual([
      [0, 2, 0, 0, 2, 3],
      [0, 2, 0, 0, 2, 3],
      [2, 3, 0, 2, 0, 0],
      [3, 4, 0, 0, 4, 4],
    ]);
    // Copies: a prompt for each response, empty or not, and none for a group without responses.
    const copied = packGroups(odd, false);
    expect(copied).toMatchObject({ rows: 7, actions: 2, sequences: 3 });
    expect([...copied.tokenIds]).toEqual([3, 4, 3, 4, 5, 3, 4]);
    expect([...copied.actionRows]).toEqual([3, 4]);
  });

  test('takes nothing at all', () => {
    const none = packGroups([], true);
    expect(none).toMatchObject({ rows: 0, actions: 0, sequences: 0, uniques: 0 });
    expect([...none.rowActionStarts]).toEqual([0]);
  });

  test('refuses an empty prompt, which would leave the first action unpredicted', () => {
    for (const share of [true, false]) {
      expect(() => packGroups([{ prompt: [], responses: [[1, 2]] }], share)).toThrow(
        new RangeError('a prompt needs at least one token'),
      );
    }
  });

  test('lets each row see, shared or copied, exactly the tokens before it in its sequence', () => {
    const stream = new RandomStream(3, 'test');
    const draw = (length: number) => Array.from({ length }, () => stream.below(9));
    const random: PromptGroup[] = Array.from({ length: 7 }, () => ({
      prompt: draw(1 + stream.below(5)),
      responses: Array.from({ length: stream.below(4) }, () => draw(stream.below(6))),
    }));
    const sequences = random.flatMap(({ prompt, responses }) =>
      responses.map(
        (response) => [[...(prompt as number[])], [...(response as number[])]] as const,
      ),
    );
    for (const share of [true, false]) {
      const packed = packGroups(random, share);
      expect(packed).toMatchObject(packedSizes(random, share));
      const spans = rowsOfSix(packed.spans);
      const seenBy = (row: number): number[] => {
        const [selfStart, , prefixStart, prefixEnd] = spans[row];
        const keys: number[] = [];
        for (let key = prefixStart; key < prefixEnd; key++) keys.push(key);
        for (let key = selfStart; key <= row; key++) keys.push(key);
        return keys;
      };
      for (const [s, [prompt, response]] of sequences.entries()) {
        const [first, count] = packed.sequenceActions.subarray(2 * s, 2 * s + 2);
        expect(count).toBe(response.length);
        for (let i = 0; i < count; i++) {
          const seen = seenBy(packed.actionRows[first + i]);
          expect(seen.map((key) => packed.tokenIds[key])).toEqual([
            ...prompt,
            ...response.slice(0, i),
          ]);
          expect(seen.map((key) => packed.positions[key])).toEqual(seen.map((_, at) => at));
        }
      }
      // The rows that the backward pass walks for a key are the rows that see it.
      for (let key = 0; key < packed.rows; key++) {
        const [, selfEnd, , , suffixStart, suffixEnd] = spans[key];
        const walked: number[] = [];
        for (let row = key; row < selfEnd; row++) walked.push(row);
        for (let row = suffixStart; row < suffixEnd; row++) walked.push(row);
        const seeing = spans.flatMap((_, row) => (seenBy(row).includes(key) ? [row] : []));
        expect(walked).toEqual(seeing);
      }
    }
  });
});
