import { type Selection, SelectionError } from './method.ts';

/** f32 LIM scores differ from the float64 scores by at most this times max(1, |score|). */
export const scoreTolerance = 1e-5;

/** The same of debiased scores, in which a noise of up to 8 times the score is added. */
export const debiasTolerance = 1e-4;

/** Whether an f32 score may lie on the other side of a threshold than its float64 score. */
export const isClose = (score: number, threshold: number, tolerance = scoreTolerance): boolean =>
  Math.abs(score - threshold) <= tolerance * Math.max(1, Math.abs(score));

/**
 * Keeps prompts that score at least `threshold`, or the `count` highest. Ties: the first prompts
 * win.
 */
export type Cut = { readonly threshold: number } | { readonly count: number };

/** The number to keep. @throws SelectionError for a threshold, where a method has no scores. */
export function countIn(cut: Cut, method: string): number {
  if ('count' in cut) return cut.count;
  throw new SelectionError(`${method} has no scores for a threshold to cut: it needs a count`);
}

/** Scores to cut, and a way to settle scores that rounding might decide. */
export interface Scored {
  /** NaN if a prompt has no score. Such a prompt is never kept. */
  readonly scores: ArrayLike<number>;
  /** Computes float64 scores of some prompts. Left out if `scores` are already exact. */
  readonly exact?: (prompts: readonly number[]) => Promise<Float64Array>;
  /**
   * `scores` differ from the exact scores by at most this times max(1, |score|). Default
   * `scoreTolerance`.
   */
  readonly tolerance?: number;
}

/** The name of a method's scores, and the prompts that its definition excludes. */
export interface ScoreRule {
  readonly method: string;
  /** The name of the score, for a sentence. */
  readonly label: string;
  /**
   * A score that is never kept, wherever the cut lies. The reasons complete a sentence: `others`
   * after "none" or "no other", `own` after the score.
   */
  readonly out?: { readonly score: number; readonly others: string; readonly own: string };
}

/**
 * Selects prompts by a cut on their scores. Scores that rounding may put on the wrong side are
 * settled first.
 *
 * @throws SelectionError if `count` exceeds the number of prompts with a score.
 */
export async function cutScores(
  { method, label, out }: ScoreRule,
  { scores: given, exact, tolerance = scoreTolerance }: Scored,
  cut: Cut,
): Promise<Selection> {
  const scores = Float64Array.from(given);
  const settle = async (isOpen: (score: number) => boolean): Promise<void> => {
    if (!exact) return;
    const open: number[] = [];
    for (const [prompt, score] of scores.entries()) if (isOpen(score)) open.push(prompt);
    const settled = await exact(open);
    for (const [i, prompt] of open.entries()) scores[prompt] = settled[i] ?? NaN;
  };
  /** Whether the method's definition excludes a prompt, wherever the cut lies. */
  const isOut = (score: number): boolean => score === out?.score;
  let indices: number[];
  let rule: string;
  let shortfall: string | undefined;
  if ('threshold' in cut) {
    await settle((score) => isClose(score, cut.threshold, tolerance));
    indices = [];
    for (const [prompt, score] of scores.entries())
      if (score >= cut.threshold && !isOut(score)) indices.push(prompt);
    rule = `${label} >= ${cut.threshold}`;
  } else {
    const scored = scores.reduce((sum, score) => sum + Number(!Number.isNaN(score)), 0);
    if (cut.count > scored) {
      throw new SelectionError(
        `${method}: ${cut.count} prompts asked for, ${scored} of ${scores.length} have a score`,
      );
    }
    const ranked = () =>
      [...scores.keys()]
        .filter((prompt) => !Number.isNaN(scores[prompt]) && !isOut(scores[prompt] ?? NaN))
        .sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
    const before = ranked();
    const count = Math.min(cut.count, before.length);
    const last = scores[before[count - 1] ?? -1] ?? NaN;
    // Both the score and the cut may be wrong by the tolerance.
    await settle((score) => Math.abs(score - last) <= 2 * tolerance * Math.max(1, Math.abs(last)));
    indices = ranked()
      .slice(0, count)
      .sort((a, b) => a - b);
    rule = `the ${count} highest by ${label}, ties in the input's order`;
    if (count < cut.count) {
      shortfall = `${count === 0 ? 'none' : 'no other'} ${out?.others ?? 'has a score'}`;
      rule += `; ${cut.count} were asked for, but ${shortfall}`;
    }
  }
  const kept = new Set(indices);
  return {
    method,
    indices,
    rule,
    scores,
    ...(shortfall === undefined ? {} : { shortfall }),
    reason(prompt) {
      const score = scores[prompt] ?? NaN;
      if (Number.isNaN(score)) return `no ${label}: not rolled out, or dropped`;
      if (isOut(score)) return `${label} ${score}: ${out?.own ?? 'left out'}`;
      if ('count' in cut) return `${label} ${score}${kept.has(prompt) ? '' : ', below the cut'}`;
      return `${label} ${score} ${kept.has(prompt) ? '>=' : '<'} ${cut.threshold}`;
    },
  };
}
