import type { LossAggregation } from '../vocabulary/losses.ts';

/**
 * The weights of an update's actions: one weight per sequence, which all its actions share. Over
 * all actions the weights sum to 1.
 *
 * - `token-mean-microbatch`: plain mean over the actions of `microBatchSequences` consecutive
 * sequences, then the mean over these micro-batches, whatever their token counts. LIMR's run
 * computed this. An action counts for less beside long neighbours.
 * - `token-mean-step`: plain mean over all actions of the update.
 * - `sequence-mean`: mean over each sequence's actions, then over sequences.
 *
 * The weights follow from the arguments alone: the engine may cut the update in any way to fit
 * memory.
 *
 * @param actionCounts Actions of each sequence, in the update's order.
 * @param microBatchSequences Sequences of a micro-batch in the sense of the rule. The last
 *   micro-batch may be short.
 * @throws RangeError when a sequence has no action, or the micro-batch no sequence.
 */
export function sequenceWeights(
  aggregation: LossAggregation,
  actionCounts: readonly number[],
  microBatchSequences: number,
): Float64Array {
  const empty = actionCounts.findIndex((count) => !(count >= 1));
  if (empty >= 0) throw new RangeError(`aggregation: sequence ${empty} has no action`);
  if (!(Number.isInteger(microBatchSequences) && microBatchSequences >= 1)) {
    throw new RangeError(`aggregation: micro-batches of ${microBatchSequences} sequences`);
  }
  const sequences = actionCounts.length;
  if (aggregation === 'sequence-mean') {
    return Float64Array.from(actionCounts, (count) => 1 / (sequences * count));
  }
  const size = aggregation === 'token-mean-step' ? sequences : microBatchSequences;
  const microBatches = Math.ceil(sequences / size);
  const tokens = new Float64Array(microBatches);
  for (const [i, count] of actionCounts.entries()) {
    const batch = Math.floor(i / size);
    tokens[batch] = (tokens[batch] ?? 0) + count;
  }
  return Float64Array.from(
    actionCounts,
    (_, i) => 1 / (microBatches * (tokens[Math.floor(i / size)] ?? 1)),
  );
}
