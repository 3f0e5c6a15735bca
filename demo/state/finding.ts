// The comparison of LIM with the others at the read-out that was fixed before the run.
import {
  differenceOf,
  iterationsOf,
  passShare,
  seedsCaveat,
  tierPrompts,
  wrongKeysCaveat,
  type Evaluation,
  type ExperimentConfig,
  type MethodName,
  type RunView,
} from '../../src/index.ts';
import { lineLook } from '../../src/look/tokens.ts';
import { counted, percent } from '../../src/look/wording.ts';

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

/** What stands beside the numbers of LIM and FULL where they say less than they seem to. */
export function apartText(model: RunView): string {
  const difference = limAgainst(model.config, model, 'full');
  return difference && difference.low <= 0 && difference.high >= 0 ? 'Not told apart.' : '';
}

/**
 * A sentence that compares LIM with FULL and RAND, in either direction; empty before there are
 * numbers.
 */
export function findingOf(config: ExperimentConfig, model: RunView): string {
  if (model.atReadout('lim').length === 0) {
    return model.lim?.kept === 0
      ? 'LIM kept no prompt at this cut: there is nothing to compare.'
      : '';
  }
  const parts = (['full', 'rand'] as const).flatMap((name) => {
    const difference = limAgainst(config, model, name);
    if (!difference) return [];
    const { mean, low, high, over } = difference;
    const sure = low > 0 || high < 0;
    const side = mean > 0 ? 'above' : mean < 0 ? 'below' : 'level with';
    const range = `95 % interval ${points(low)} to ${points(high)} over ${over}`;
    return [
      `${(100 * Math.abs(mean)).toFixed(1)} points ${side} ${lineLook(name).label} ` +
        `(${range}${sure ? '' : ': not told apart'})`,
    ];
  });
  return parts.length === 0 ? '' : `At ${model.fixedReadout.text}, LIM is ${parts.join(' and ')}.`;
}

/** The limits of the finding. */
export function caveatsOf(model: RunView): string {
  const read = (method: MethodName) => model.atReadout(method).length > 0;
  const seeds = new Set(model.atReadout('lim').map(({ seed }) => seed)).size;
  if (seeds === 0) return '';
  return [
    seedsCaveat(seeds),
    read('rand')
      ? wrongKeysCaveat({ lim: wrongKeys(model, 'lim'), rand: wrongKeys(model, 'rand') })
      : '',
  ]
    .filter((text) => text !== undefined)
    .join(' ');
}

/** Number of wrong keys: over all seeds after a run, of the current seed during it. */
const wrongKeys = ({ results, makeup }: RunView, method: MethodName): number =>
  results?.seeds.reduce((sum, { selections }) => sum + (selections[method]?.wrongKeys ?? 0), 0) ??
  makeup[method]?.wrongKeys ??
  0;

/** Why there is no finding: not yet, or never. */
export function noFindingOf({ experiment }: ExperimentConfig, model: RunView): string {
  const readout = model.fixedReadout.text;
  if (!experiment.methods.includes('lim')) return 'This run trains nothing on what LIM keeps.';
  return model.running
    ? `Comes when LIM, too, has been read at ${readout}.`
    : `The run ended before LIM was read at ${readout}.`;
}

const points = (share: number): string =>
  `${share > 0 ? '+' : share < 0 ? '−' : ''}${Math.abs(100 * share).toFixed(1)}`;

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
  return (
    `Knowing these prompts took FULL’s ${counted(pass, 'update')} first. With them charged, LIM’s ` +
    `${percent(own.mean, 1)} cost ${counted(total, 'update')}; FULL alone had ${percent(full.mean, 1)} ` +
    `after ${full.update}.`
  );
}
