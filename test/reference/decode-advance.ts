/** Position of each row's newest token: its index in the sequence of prompt and response. */
export const decodeAdvanceReference = (
  promptLengths: readonly number[],
  lengths: readonly number[],
): number[] => promptLengths.map((prompt, row) => prompt + lengths[row] - 1);
