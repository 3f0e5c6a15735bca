import type { ExperimentConfig } from '../config.ts';
import { counted, duration } from '../look/wording.ts';
import { costOf } from '../scheduler/cost.ts';
import type { ExperimentSizes } from './experiment-sizes.ts';

/** Rates that graphics cards reach in matrix products of f32, in operations a second. */
const rates = [5e12, 20e12] as const;

/** Shorter times are those of overhead, which is not predicted. */
const LEAST_SECONDS = 60;

/** A sentence on what a run will cost; undefined if its model is drawn, which costs little. */
export function costText(
  config: ExperimentConfig,
  { task, model }: ExperimentSizes,
  seeds: number,
): string | undefined {
  if (!model) return undefined;
  const { updates, responseTokens, operations } = costOf(config, task, model, seeds);
  const work =
    `cost: ${counted(updates, 'update')} with at most ${large(responseTokens)} response tokens, ` +
    `${operations.toExponential(1).replace('e+', 'e')} operations`;
  if (operations / rates[0] < LEAST_SECONDS) return work;
  const times = rates.map((rate) => `${duration(operations / rate)} at ${rate / 1e12} Tflop/s`);
  return (
    `${work}: ${times.join(', ')} ` +
    '(predicted from the arithmetic alone; decoding is bound by memory and takes longer)'
  );
}

/** `950`, `12 thousand`, `3.9 million`. */
function large(count: number): string {
  const digits = (value: number): string => String(Number(value.toPrecision(2)));
  if (count < 1e4) return String(count);
  return count < 1e6 ? `${digits(count / 1e3)} thousand` : `${digits(count / 1e6)} million`;
}
