export interface QkNormCase {
  readonly heads: number;
  readonly kvHeads: number;
  readonly epsilon: number;
}

/** The weight of each head of a row: query heads, then key heads; none for values. */
export function headWeights(
  query: ArrayLike<number>,
  key: ArrayLike<number>,
  { heads, kvHeads }: QkNormCase,
): (ArrayLike<number> | undefined)[] {
  const repeat = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);
  return [...repeat(heads, query), ...repeat(kvHeads, key), ...repeat(kvHeads, undefined)];
}

/** RMSNorm of each query and key head in float64, values copied. */
export function qkNormForwardReference(
  x: ArrayLike<number>,
  query: ArrayLike<number>,
  key: ArrayLike<number>,
  sizes: QkNormCase,
): Float64Array {
  const dim = query.length;
  const weights = headWeights(query, key, sizes);
  const out = Float64Array.from(x);
  for (const [head, weight] of weights.entries()) {
    if (!weight) continue;
    for (let start = head * dim; start < x.length; start += weights.length * dim) {
      let square = 0;
      for (let d = dim - 1; d >= 0; d--) square += x[start + d] ** 2;
      const rms = Math.sqrt(square / dim + sizes.epsilon);
      for (let d = 0; d < dim; d++) out[start + d] = (x[start + d] / rms) * weight[d];
    }
  }
  return out;
}
