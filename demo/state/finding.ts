// The comparison of LIM with the others at the read-out that was fixed before the run.
import {
  differenceOf,
  iterationsOf,
  passShare,
  tierPrompts,
  type Evaluation,
  type ExperimentConfig,
  type MethodName,
  type RunView,
} from '../../src/index.ts';
import { lineLook } from '../../src/look/tokens.ts';
import { actsText } from '../strings/acts.ts';
import { engineText } from '../strings/engine.ts';

/** Evaluated prompts by tier: as the config tells, else as the first evaluation does. */
export const sizesOf = (
  config: ExperimentConfig,
  model: RunView | undefined,
): ReadonlyMap<string, number> => tierPrompts(config, model?.evaluations.base?.[0]);

const bySeed = (list: readonly Evaluation[]): ReadonlyMap<number, Evaluation> =>
  new Map(list.map((one) => [one.seed, one]));

/** LIM less another method at the fixed read-out; undefined before both were read there. */
export const limAgainst = (config: ExperimentConfig, model: RunView, name: MethodName) =>
  differenceOf(
    bySeed(model.atReadout('lim')),
    bySeed(model.atReadout(name)),
    sizesOf(config, model),
  );

/** The read-out that was fixed before a run, as `update 12`. */
export const readoutText = ({ experiment }: ExperimentConfig): string =>
  engineText.value.readout(experiment.tableReadout, experiment.budget);

/** What stands beside the numbers of LIM and FULL where they say less than they seem to. */
export function apartText(model: RunView): string {
  const difference = limAgainst(model.config, model, 'full');
  return difference && difference.low <= 0 && difference.high >= 0 ? actsText.value.notApart : '';
}

/**
 * A sentence that compares LIM with FULL and RAND, in either direction; empty before there are
 * numbers.
 */
export function findingOf(config: ExperimentConfig, model: RunView): string {
  const text = actsText.value;
  if (model.atReadout('lim').length === 0) return model.lim?.kept === 0 ? text.keptNone : '';
  const gaps = (['full', 'rand'] as const).flatMap((name) => {
    const difference = limAgainst(config, model, name);
    return difference ? [{ name: lineLook(name).label, ...difference }] : [];
  });
  return gaps.length === 0 ? '' : text.finding(readoutText(config), gaps);
}

/** The limits of the finding. */
export function caveatsOf(model: RunView): string {
  const text = engineText.value;
  const seeds = new Set(model.atReadout('lim').map(({ seed }) => seed)).size;
  if (seeds === 0) return '';
  return [
    text.fewSeeds(seeds),
    model.atReadout('rand').length > 0
      ? text.wrongKeys({ lim: wrongKeys(model, 'lim'), rand: wrongKeys(model, 'rand') })
      : '',
  ]
    .filter((one) => one !== '')
    .join(' ');
}

/** Number of wrong keys: over all seeds after a run, of the current seed during it. */
const wrongKeys = ({ results, makeup }: RunView, method: MethodName): number =>
  results?.seeds.reduce((sum, { selections }) => sum + (selections[method]?.wrongKeys ?? 0), 0) ??
  makeup[method]?.wrongKeys ??
  0;

/** Why there is no finding: not yet, or never. */
export function noFindingOf(config: ExperimentConfig, model: RunView): string {
  const text = actsText.value;
  if (!config.experiment.methods.includes('lim')) return text.noLim;
  const readout = readoutText(config);
  return model.running ? text.comes(readout) : text.endedBefore(readout);
}

/**
 * What knowing LIM's prompts cost, with FULL's accuracy for as much training or less; empty before
 * there are numbers, or where LIM costs nothing beforehand.
 */
export function chargedText(model: RunView): string {
  const { config, pool, seed } = model;
  const own = model.atReadout('lim').find((one) => one.seed === seed);
  const pass =
    iterationsOf(config, 'full', pool.length) * passShare('lim', config.experiment.epochs);
  if (!own || pool.length === 0 || pass === 0) return '';
  const total = own.update + pass;
  const full = (model.evaluations.full ?? []).findLast(
    (one) => one.seed === seed && one.update <= total,
  );
  if (!full) return '';
  return actsText.value.charged(pass, own.mean, total, full.mean, full.update);
}
