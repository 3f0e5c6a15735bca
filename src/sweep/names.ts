// The names of a sweep's files, as paths relative to its folder, with `/` between parts.

/** The grid, and which folder holds which cell. */
export const SWEEP = 'sweep.json';
/** A row for each cell, method and read-out. */
export const ROWS = 'runs.csv';
export const SWEEP_REPORT = 'sweep.html';
/** What was decided before the first seed, with its hash; absent if nothing was. */
export const PREREGISTRATION = 'preregistration.json';
export const CELLS = 'cells';
export const PASSES = 'passes';

/** The folder of a cell: a run of one seed. */
export const cellFolder = (hash: string): string => `${CELLS}/${hash}`;

/** The folder of a FULL pass that cells share: a run of one seed and no other method. */
export const passFolder = (hash: string): string => `${PASSES}/${hash}`;

/** What a report needs of a cell, in one file; in a collected sweep it takes the folder's place. */
export const cellFile = (hash: string): string => `${CELLS}/${hash}.json`;
