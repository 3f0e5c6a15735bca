export interface ReferenceFilter {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
}

export const noFilter: ReferenceFilter = { temperature: 1, topK: 0, topP: 1, minP: 0 };

const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, value) => Math.max(most, value), -Infinity);

/**
 * The distribution of one row in float64, computed as Hugging Face's warpers do: sort ascending
 * (stable), remove, take the softmax again after each step. Banned ids count as -Infinity.
 */
export function samplingDistributionReference(
  logits: ArrayLike<number>,
  { temperature, topK, topP, minP }: ReferenceFilter,
  banned: readonly number[] = [],
): Float64Array {
  let scores = Float64Array.from(logits, (logit, id) => (banned.includes(id) ? -Infinity : logit));
  if (temperature === 0) {
    const best = scores.indexOf(largest(scores));
    return scores.map((_, id) => (id === best ? 1 : 0));
  }
  scores = scores.map((score) => score / temperature);
  const ascending = [...scores.keys()].sort((a, b) => scores[a] - scores[b] || a - b);
  if (topK > 0) {
    const kth = scores[ascending[Math.max(0, ascending.length - topK)]];
    scores = scores.map((score) => (score < kth ? -Infinity : score));
  }
  if (topP < 1) {
    const probabilities = softmax(scores);
    let cumulative = 0;
    for (const id of ascending.slice(0, -1)) {
      cumulative += probabilities[id];
      if (cumulative <= 1 - topP) scores[id] = -Infinity;
    }
  }
  if (minP > 0) {
    const probabilities = softmax(scores);
    const least = minP * largest(probabilities);
    scores = scores.map((score, id) => (probabilities[id] < least ? -Infinity : score));
  }
  return softmax(scores);
}

function softmax(scores: Float64Array): Float64Array {
  const top = largest(scores);
  const weights = scores.map((score) => Math.exp(score - top));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
