// The lesson about less and more: curves of methods over a budget, with or without the scoring pass.
import {
  accuracyOf,
  inTableOrder,
  iterationsOf,
  passShare,
  type Estimate,
  type MethodName,
  type RunView,
} from '../../../src/index.ts';
import type { StudyCondition } from '../../../src/lessons/study.ts';
import { sizesOf } from '../../state/finding.ts';

/** Accuracy after so much training. */
export interface BudgetPoint {
  /** Updates in all, those of the scoring pass among them where they are charged. */
  readonly budget: number;
  /** Updates of the method itself. */
  readonly update: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export interface BudgetCurve {
  readonly method: MethodName;
  /** Prompts that it trains on; undefined before they are chosen. */
  readonly prompts: number | undefined;
  /** Updates that choosing its prompts took. */
  readonly pass: number;
  /** In order of budget. */
  readonly points: readonly BudgetPoint[];
}

/** Updates of FULL that a method needs before it can choose. */
const passOf = (run: RunView, method: MethodName): number =>
  run.pool.length === 0
    ? 0
    : Math.round(
        iterationsOf(run.config, 'full', run.pool.length) *
          passShare(method, run.config.experiment.epochs),
      );

/**
 * Curves of a run, over held-out problems: the seeds that were read at an update, together.
 *
 * @param charged Whether what choosing took counts as a part of the budget.
 */
export function curvesOf(run: RunView, charged: boolean): BudgetCurve[] {
  const sizes = sizesOf(run.config, run);
  return inTableOrder(run.config.experiment.methods).flatMap((method): BudgetCurve[] => {
    const read = run.evaluations[method] ?? [];
    const updates = [...new Set(read.map(({ update }) => update))].sort((a, b) => a - b);
    const most = Math.max(
      0,
      ...updates.map((update) => read.filter((one) => one.update === update).length),
    );
    const pass = passOf(run, method);
    const points = updates.flatMap((update): BudgetPoint[] => {
      const own = read.filter((one) => one.update === update);
      // While several seeds are under way, means over unequal seeds would be compared.
      const estimate: Estimate | undefined =
        own.length === most ? accuracyOf(own, sizes) : undefined;
      if (!estimate) return [];
      const { mean, low, high } = estimate;
      return [{ budget: update + (charged ? pass : 0), update, mean, low, high }];
    });
    const sizesNow = run.sizesOf(method);
    const prompts =
      sizesNow.length === 0
        ? undefined
        : Math.round(sizesNow.reduce((sum, size) => sum + size, 0) / sizesNow.length);
    return points.length === 0 ? [] : [{ method, prompts, pass, points }];
  });
}

/** Curves of a condition of a study, at equal updates. */
export const studyCurves = ({ curves }: StudyCondition): BudgetCurve[] =>
  curves.map(({ method, prompts, points }) => ({
    method,
    prompts,
    pass: 0,
    points: points.map(({ update, mean, interval: [low, high] = [mean, mean] }) => ({
      ...{ budget: update, update, mean },
      ...{ low, high },
    })),
  }));

/** The last reading within a budget; undefined if there is none. */
export const within = ({ points }: BudgetCurve, budget: number): BudgetPoint | undefined =>
  points.findLast((point) => point.budget <= budget);

/** The largest budget of some curves at which more than one can be read, else the largest of all. */
export function longestBudget(curves: readonly BudgetCurve[]): number {
  const ends = curves.map(({ points }) => points.at(-1)?.budget ?? 0).sort((a, b) => b - a);
  return ends[1] ?? ends[0] ?? 1;
}
