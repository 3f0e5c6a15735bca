/** The same numbers, in a new array. */
export const copyReference = (x: ArrayLike<number>): Float64Array => Float64Array.from(x);
