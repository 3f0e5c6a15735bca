import { describe, expect, test } from 'vitest';
import { collectedCellText, parseCollectedCell } from '../../src/sweep/collected-cell.ts';
import type { SweepCell, SweepPass } from '../../src/sweep/folder.ts';
import { makeSweep } from '../support/made-sweep.ts';

const [made] = makeSweep({ seeds: [1], factors: {} }).cells;
const cellOf = (pass: Partial<SweepPass>): SweepCell => {
  const whole: SweepPass = {
    prompts: 4,
    epochs: 2,
    accuracy: Float32Array.of(0, 0.125, 1, NaN, 0.5, 0.25, 0.875, 0.375),
    scores: Float64Array.of(-7.873394966125488, NaN, 0.976803183555603, 0),
    origins: ['easy', 'hard', 'learnable', 'easy'],
    wrongKeys: [false, true, false, false],
    selections: { lim: [0, 2], rand: [3, 1] },
    ...pass,
  };
  return { ...made, factors: {}, pass: () => Promise.resolve(whole) };
};

describe('a collected cell', () => {
  test.each([
    ['of few values', {}],
    // Prompts times epochs that no three divide, and one value alone.
    [
      'of one number',
      {
        prompts: 1,
        epochs: 1,
        accuracy: Float32Array.of(0.5),
        scores: Float64Array.of(1),
        origins: ['hard'] as const,
        wrongKeys: [true],
        selections: {},
      },
    ],
    [
      'of many values',
      {
        prompts: 100,
        epochs: 1,
        accuracy: Float32Array.from({ length: 100 }, (_, i) => i / 99),
        scores: Float64Array.from({ length: 100 }, (_, i) => Math.fround(Math.sin(i))),
        origins: Array.from({ length: 100 }, () => 'easy' as const),
        wrongKeys: Array.from({ length: 100 }, (_, i) => i % 7 === 0),
        selections: { hvar: [99, 0] },
      },
    ],
    // Scores near a cut are of 64 bits.
    ['with scores of 64 bits', { scores: Float64Array.of(0.6 + 1e-12, 0.1, 1 / 3, -2) }],
    ['without keys', { origins: undefined, wrongKeys: undefined }],
  ])('%s is read as it was', async (_name, pass) => {
    const cell = cellOf(pass as Partial<SweepPass>);
    const text = await collectedCellText(cell);
    const read = parseCollectedCell(text, 'cell.json');
    expect(read.results).toEqual(JSON.parse(JSON.stringify(cell.results)));
    const wanted = Object.entries(await cell.pass()).filter(([, value]) => value !== undefined);
    expect(read.pass()).toEqual(Object.fromEntries(wanted));
    // The same cell gives the same bytes.
    expect(await collectedCellText(cell)).toBe(text);
  });

  test('is small: two thirds of a character an entry, and f32 scores in few digits', async () => {
    const text = await collectedCellText(cellOf({}));
    const { pass } = JSON.parse(text) as { pass: { accuracy: object; scores: object } };
    expect(pass.accuracy).toMatchObject({
      width: '2/3',
      places: expect.stringMatching(/^.{6}$/) as string,
    });
    expect(pass.scores).toMatchObject({ single: true, values: [-7.873395, 0, 0.9768032, null] });
  });

  test('of schema 1 is read, with its rewards left out', async () => {
    const { pass, ...rest } = JSON.parse(await collectedCellText(cellOf({}))) as { pass: object };
    const old = {
      ...rest,
      schema: 1,
      pass: {
        ...pass,
        accuracy: {
          values: [0, 0.125, 0.25, 0.375, 0.5, 0.875, 1, null],
          width: 1,
          places: 'ABGHECFD',
        },
        reward: { values: [1], width: 1, places: 'AAAAAAAA' },
        scores: {
          values: [-7.873394966125488, 0, 0.976803183555603, null],
          width: 1,
          places: 'ADCB',
        },
      },
    };
    expect(parseCollectedCell(JSON.stringify(old), 'cell.json').pass()).toEqual(
      await cellOf({}).pass(),
    );
  });

  test.each<[RegExp, (text: string) => string]>([
    [/^cell\.json: schema: only 1 and 2/, (text) => text.replace('"schema":2', '"schema":3')],
    [
      /pass\.accuracy: holds 7 digits, not 6 of 8 numbers/,
      (text) => text.replace('"places":"', '"places":"A'),
    ],
    [/pass\.accuracy: number 0 has no value/, (text) => text.replace(/"places":"./, '"places":"/')],
    [/pass: accuracy\.width/, (text) => text.replace('"width":"2/3"', '"width":3')],
    [/pass\.selections\.lim: prompt \d+ of 4/, (text) => text.replace('"lim":"a"', '"lim":"a1"')],
    [/pass\.selections\.best: is no method/, (text) => text.replace('"lim":"a"', '"best":"a"')],
  ])('that is damaged is refused: %s', async (why, change) => {
    const text = await collectedCellText(cellOf({}));
    const changed = change(text);
    expect(changed).not.toBe(text);
    expect(() => parseCollectedCell(changed, 'cell.json').pass()).toThrow(why);
  });
});
