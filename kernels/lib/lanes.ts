/**
 * How a row-wise kernel splits its work: `lanes` threads share a row, and `rows` rows share a
 * workgroup. One lane needs no barrier, which suits software adapters; GPUs want 32 or 64 lanes.
 */
export interface Lanes {
  readonly lanes: 1 | 2 | 4 | 8 | 16 | 32 | 64 | 128 | 256;
  readonly rows: number;
}

export const serialLanes: Lanes = { lanes: 1, rows: 64 };
export const parallelLanes: Lanes = { lanes: 32, rows: 4 };

/** The override constants of the LANES/ROWS pattern. */
export const laneConstants = ({ lanes, rows }: Lanes): Record<string, number> => ({
  LANES: lanes,
  ROWS: rows,
});

/**
 * Numbers that a kernel moves at once along a row: four where the width is a multiple of 4, else
 * one.
 */
export const cellSize = (width: number): 1 | 4 => (width % 4 === 0 ? 4 : 1);

/** The header of a shader that moves rows in cells of `cellSize(width)` numbers. */
export const cellHeader = (width: number): string =>
  `alias Cell = ${cellSize(width) === 4 ? 'vec4f' : 'f32'};`;

/** A header's line for shaders that also compute with the numbers in a cell. */
export const cellConstant = (width: number): string => `const CELL = ${cellSize(width)};`;

/**
 * Fewer lanes in a workgroup of the same size, for rows of only `cells` cells. Halves the lanes as
 * long as half of them still cover a row.
 */
export function fewerLanes({ lanes, rows }: Lanes, cells: number): Lanes {
  let fewer = lanes;
  while (fewer / 2 >= cells) fewer = (fewer / 2) as Lanes['lanes'];
  return { lanes: fewer, rows: (rows * lanes) / fewer };
}
