/**
 * How a row-wise kernel splits its work: `lanes` threads share a row, `rows` rows a workgroup. One
 * lane needs no barrier, which is what software adapters like; real GPUs want 32 or 64.
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

/** Numbers that a kernel moves at once along rows of a width: four where they fill the row. */
export const cellSize = (width: number): 1 | 4 => (width % 4 === 0 ? 4 : 1);

/** The header of a shader whose rows hold cells of that many numbers. */
export const cellHeader = (width: number): string =>
  `alias Cell = ${cellSize(width) === 4 ? 'vec4f' : 'f32'};`;

/**
 * Other lanes of the same workgroup size, for rows that are only `cells` long: no more lanes than
 * that, but for a power of two.
 */
export function fewerLanes({ lanes, rows }: Lanes, cells: number): Lanes {
  let fewer = lanes;
  while (fewer / 2 >= cells) fewer = (fewer / 2) as Lanes['lanes'];
  return { lanes: fewer, rows: (rows * lanes) / fewer };
}
