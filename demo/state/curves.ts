// Which curves are shown, and the update that they and the other views are at.
import { computed, signal } from '@preact/signals';
import { metrics, poolPromptsOf, type ExperimentConfig, type MetricKey } from '../../src/index.ts';
import { updateEnding } from '../cursor.ts';
import { kept, keep } from '../preferences.ts';
import { described } from '../rooms/data/settings.ts';
import { pointed } from './pointing.ts';
import { pinned, shownRun } from './stage.ts';

/** A scalar that every update logs, or the held-out accuracy. */
export type CurveKey = MetricKey | 'held';

/** All that there are, in their order on the page. */
export const curveKeys: readonly CurveKey[] = metrics.flatMap(({ key }): CurveKey[] =>
  key === 'reward_mean' ? [key, 'held'] : [key],
);

/** What is shown until something else is chosen. */
export const usualCurves: readonly CurveKey[] = [
  'reward_mean',
  'held',
  'response_length_mean',
  'kl_mean',
];

const CURVES = 'limr-curves';

/** Curves from what a browser keeps; undefined where that names none. */
export function curvesOf(text: string | null): readonly CurveKey[] | undefined {
  const names = new Set(text?.split(' '));
  const found = curveKeys.filter((key) => names.has(key));
  return found.length > 0 ? found : undefined;
}

const choice = signal(curvesOf(kept(CURVES)) ?? usualCurves);

/** The curves that are shown, in their order on the page. */
export const shownCurves = computed(() => choice.value);

/** Shows these curves, at this visit and at later ones. */
export function chooseCurves(keys: readonly CurveKey[]): void {
  choice.value = curveKeys.filter((key) => keys.includes(key));
  keep(CURVES, keys === usualCurves ? undefined : choice.value.join(' '));
}

/** The update that the pointer is at on a curve; undefined while it is over none. */
export const pointedUpdate = signal<number | undefined>(undefined);

/** Config of the run that is shown, else of the one that the controls describe. */
export const shownConfig = (): ExperimentConfig | undefined =>
  shownRun()?.config ?? described.value.choice?.config;

/** Prompts of the pool that is shown, else of the one that the controls describe. */
export function shownPool(): number | undefined {
  const config = shownConfig();
  const shown = shownRun()?.pool.length ?? 0;
  if (shown > 0) return shown;
  return (config && poolPromptsOf(config.task)) ?? described.value.choice?.given?.prompts;
}

/** The update that all views show: under the pointer, else the slider's; undefined for the fixed read-out. */
export function updateNow(): number | undefined {
  if (pointedUpdate.value !== undefined) return pointedUpdate.value;
  const [config, pool, at] = [shownConfig(), shownPool(), pointed.value];
  if (at && config && pool) return updateEnding(config, pool, at.epoch);
  return pinned.value;
}
