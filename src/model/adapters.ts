import type { AdapterSpec } from '../vocabulary/adapters.ts';
import type { ModelConfig } from './config.ts';

/** An adapter of one matrix, or of one part of a fused matrix: `scale * B A`. */
export interface PartAdapter {
  /** Rows of A and columns of B. */
  readonly rank: number;
  readonly scale: number;
}

/** Adapters by the layout's names of the parts that they change, such as `layers.0.q`. */
export type AdapterPlan = ReadonlyMap<string, PartAdapter>;

/** The adapters that a config asks for: the same rank and scale in each target of each layer. */
export function planOf(spec: AdapterSpec, config: Pick<ModelConfig, 'layers'>): AdapterPlan {
  const { rank, alpha, rslora = false, targets } = spec;
  const scale = alpha / (rslora ? Math.sqrt(rank) : rank);
  const plan = new Map<string, PartAdapter>();
  for (let layer = 0; layer < config.layers; layer++) {
    for (const target of targets) plan.set(`layers.${layer}.${target}`, { rank, scale });
  }
  return plan;
}
