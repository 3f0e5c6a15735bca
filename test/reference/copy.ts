/** A copy of the numbers. */
export const copyReference = (x: ArrayLike<number>): Float64Array => Float64Array.from(x);
