import { packGroups } from '../../src/model/packed-batch.ts';

/** Numbers of token rows: of one prompt, and of each response that has it as its prefix. */
export interface GroupRows {
  readonly prompt: number;
  readonly responses: readonly number[];
}

/**
 * Windows to test a variant of attention at: within a block of its rows, across blocks, and beyond short
 * segments. A window is compiled in, which takes software adapters ten seconds for `tiles`.
 */
export const windowsOf = (variant: string): number[] => (variant === 'tiles' ? [9] : [1, 9, 50]);

/**
 * The rows that each row of packed groups attends to: as the kernels' spans, and as lists.
 *
 * @param window Most rows of a list, the newest. Spans know no window.
 */
export function packedAttention(
  groups: readonly GroupRows[],
  window = Infinity,
): {
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
      visible.push([...before, ...own].slice(-window));
    }
    return own;
  };
  for (const { prompt, responses } of groups) {
    const prefix = addRows(prompt, []);
    for (const rows of responses) addRows(rows, prefix);
  }
  return { rows: packed.rows, spans: packed.spans, visible };
}
