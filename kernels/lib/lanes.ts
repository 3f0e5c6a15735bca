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
