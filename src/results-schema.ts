import * as v from 'valibot';
import { methodName } from './selection/name-schema.ts';
import { missingRules, signals } from './vocabulary/signals.ts';

// Schemas for the parts of `ExperimentResults` in files: checkpoints and `results.json`.

export const finite = v.pipe(v.number(), v.finite());
export const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const share = v.pipe(finite, v.minValue(0), v.maxValue(1));
/** A number. JSON has no NaN, so NaN is null in the file. */
export const orNaN = v.pipe(
  v.nullable(finite),
  v.transform((value) => value ?? NaN),
);
/** An accuracy; NaN over no prompts. */
const shareOrNaN = v.pipe(
  v.nullable(share),
  v.transform((value) => value ?? NaN),
);

const means = {
  mean: shareOrNaN,
  tiers: v.record(v.string(), share),
  outOfDistribution: v.exactOptional(v.record(v.string(), share)),
};
const hex = v.pipe(v.string(), v.regex(/^[0-9a-f]*$/));
/** In the order in which an evaluator tells: a run that was stopped ends with the same bytes. */
export const accuracy = {
  ...means,
  correct: v.exactOptional(v.record(v.string(), hex)),
  counts: v.exactOptional(v.record(v.string(), v.pipe(v.array(whole), v.readonly()))),
  prompts: v.exactOptional(v.record(v.string(), whole)),
  sampled: v.exactOptional(v.object(means)),
};
export const evaluation = v.object({
  seed: whole,
  update: whole,
  epochs: v.exactOptional(whole),
  samples: whole,
  samplesTrained: v.exactOptional(whole),
  ...accuracy,
});

export const probe = v.object({
  prompts: whole,
  samples: whole,
  accuracy: share,
  reward: finite,
  neverSolved: share,
  alwaysSolved: share,
  theta: v.exactOptional(
    v.object({ level: finite, requiredLevel: finite, rejectsNeverSolved: v.boolean() }),
  ),
});
const counts = v.array(whole);
export const baseAnswers = v.object({ samples: whole, right: counts, formatted: counts });
export const selection = v.object({
  prompts: whole,
  byOrigin: v.exactOptional(v.object({ easy: whole, learnable: whole, hard: whole })),
  wrongKeys: v.exactOptional(whole),
  byColumn: v.exactOptional(v.record(v.string(), v.record(v.string(), whole))),
});
export const limSummary = v.nullable(
  v.object({
    signal: v.picklist(signals),
    compat: v.picklist(missingRules),
    theta: finite,
    count: v.exactOptional(whole),
    lowestKept: v.exactOptional(finite),
    kept: whole,
    meanCurve: v.array(orNaN),
    neverSolved: orNaN,
    alwaysSolved: orNaN,
    warning: v.string(),
  }),
);
export const seedResults = v.object({
  seed: whole,
  lim: limSummary,
  pool: selection,
  selections: v.record(methodName, selection),
  scoreQuantiles: v.array(finite),
});
