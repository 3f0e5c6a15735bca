// Which curves are shown, and the update that they and the other views are at.
import { computed, signal } from '@preact/signals';
import { poolPromptsOf, type ExperimentConfig } from '../../src/index.ts';
import { updateEnding } from '../cursor.ts';
import { curveKeys, curvesOf, usualCurves, type CurveKey } from '../plots/curve-keys.ts';
import { kept, keep } from '../preferences.ts';
import { described } from '../rooms/data/settings.ts';
import { pointed } from './pointing.ts';
import { pinned, shownRun } from './stage.ts';

const CURVES = 'limr-curves';

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
