import { geluTanh } from './geglu-forward.ts';

/**
 * RMSNorm, linear layer, bias, and residual or gate of rows, in float64, one output after another.
 */
export function matvecForwardReference(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  [rows, inner, columns]: readonly [number, number, number],
  extra: {
    readonly norm?: ArrayLike<number>;
    readonly epsilon?: number;
    readonly bias?: ArrayLike<number>;
    readonly residual?: ArrayLike<number>;
    readonly gate?: 'silu' | 'gelu-tanh';
    /** What an adapter adds, (rows, columns), before the gate. */
    readonly adapter?: ArrayLike<number>;
  } = {},
): Float64Array {
  const { norm, epsilon = 0, bias, residual, gate, adapter } = extra;
  const width = gate ? columns / 2 : columns;
  const linear = (row: number, column: number): number => {
    let sum = (bias?.[column] ?? 0) + (adapter?.[row * columns + column] ?? 0);
    let squares = 0;
    for (let k = inner - 1; k >= 0; k--) squares += x[row * inner + k] ** 2;
    const factor = norm ? 1 / Math.sqrt(squares / inner + epsilon) : 1;
    for (let k = inner - 1; k >= 0; k--) {
      sum += x[row * inner + k] * factor * (norm?.[k] ?? 1) * weight[column * inner + k];
    }
    return sum;
  };
  return Float64Array.from({ length: rows * width }, (_, at) => {
    const row = Math.floor(at / width);
    const column = at % width;
    const value = linear(row, column);
    const opened = { silu: 1 / (1 + Math.exp(-value)), 'gelu-tanh': (1 + geluTanh(value)) / 2 };
    const factor = gate ? linear(row, width + column) * opened[gate] : 1;
    return value * factor + (residual?.[at] ?? 0);
  });
}
