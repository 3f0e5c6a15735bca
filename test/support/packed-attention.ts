import { packGroups } from '../../src/model/packed-batch.ts';

/** Numbers of token rows: of one prompt, and of each response that has it as its prefix. */
export interface GroupRows {
  readonly prompt: number;
  readonly responses: readonly number[];
}

/** The rows that each row of packed groups attends to: as the kernels' spans, and as lists. */
export function packedAttention(groups: readonly GroupRows[]): {
  rows: number;
  spans: Uint32Array;
  visible: readonly (readonly number[])[];
} {
  const blank = (length: number): number[] => Array.from({ length }, () => 0);
  const packed = packGroups(
    groups.map(({ prompt, responses }) => ({
      prompt: blank(prompt),
      // The last token of a response has no row.
      responses: responses.map((rows) => blank(rows + 1)),
    })),
    true,
  );
  const visible: number[][] = [];
  const addRows = (count: number, before: readonly number[]): number[] => {
    const own: number[] = [];
    for (let i = 0; i < count; i++) {
      own.push(visible.length);
      visible.push([...before, ...own]);
    }
    return own;
  };
  for (const { prompt, responses } of groups) {
    const prefix = addRows(prompt, []);
    for (const rows of responses) addRows(rows, prefix);
  }
  return { rows: packed.rows, spans: packed.spans, visible };
}
