/** Position of each row's newest token: its index in prompt and response together. */
export const decodeAdvanceReference = (
  promptLengths: readonly number[],
  lengths: readonly number[],
): number[] => promptLengths.map((prompt, row) => prompt + lengths[row] - 1);
