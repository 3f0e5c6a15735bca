import { attentionWeights } from '../../kernels/attention-weights.ts';
import { rmsnormBackwardWeight } from '../../kernels/rmsnorm-backward-weight.ts';
import { rmsnormBackward } from '../../kernels/rmsnorm-backward.ts';
import { rmsnormForward } from '../../kernels/rmsnorm-forward.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Step } from '../gpu/plan.ts';
import type { Activations } from './activations.ts';
import { backwardSteps, forwardSteps, LayerScope, normsOf } from './block-steps.ts';
import { opsBeforeNext } from './block.ts';
import type { Gradients, Pass } from './linear.ts';
import type { PackedBatch } from './packed-batch.ts';
import type { Weights } from './weights.ts';

/** The parts of a batch that the trunk reads. */
export type TrunkInput = Pick<PackedBatch, 'rows' | 'tokenIds' | 'positions' | 'spans'>;

/**
 * The steps from token ids to `activations.hidden`: embedding, layers, final norm.
 *
 * @param batch Its row capacity must not exceed the row capacity of the activations.
 */
export function trunkForward(
  weights: Weights,
  batch: TrunkInput,
  activations: Activations,
): Step[] {
  const { config, block } = activations;
  const pass = activations.pass(batch.rows);
  const steps = weights.embedding.lookup(batch.tokenIds, activations.inputOf(0), pass);
  for (let i = 0; i < config.layers; i++) {
    const layer = new LayerScope(weights, activations, i);
    for (const op of block.ops) steps.push(...forwardSteps(op, layer, pass, batch));
  }
  steps.push(finalNorm(weights, activations, pass));
  return steps;
}

/**
 * The steps from token ids to what the rows that predict actions attend to in one layer, of all its heads.
 *
 * @param layer From 0.
 * @param into f32 (heads * actions, keys).
 */
export function attentionOf(
  weights: Weights,
  batch: TrunkInput & Pick<PackedBatch, 'actionRows'>,
  activations: Activations,
  layer: number,
  into: Tensor,
): Step[] {
  const { config, block } = activations;
  const pass = activations.pass(batch.rows);
  const steps = weights.embedding.lookup(batch.tokenIds, activations.inputOf(0), pass);
  for (let i = 0; i <= layer; i++) {
    const scope = new LayerScope(weights, activations, i);
    for (const op of block.ops) {
      steps.push(...forwardSteps(op, scope, pass, batch));
      if (i < layer || op.op !== 'attention') continue;
      const [qkv, lse] = [scope.value(op.from), scope.value(op.lse)];
      const { spans, actionRows } = batch;
      const tensors = { spans, action_rows: actionRows, qkv, lse, weights: into };
      return [...steps, attentionWeights(tensors, scope.attention)];
    }
  }
  throw new RangeError(`no attention in layer ${layer} of ${config.layers}`);
}

/** The step from `activations.output` to `activations.hidden`. */
export function finalNorm(weights: Weights, activations: Activations, pass: Pass): Step {
  const { config, block, output: x, hidden: out, hiddenRstd: rstd } = activations;
  const { rows, lanes } = pass;
  const weight = weights.tensor(block.finalNorm.weight);
  return rmsnormForward({ x, weight, out, rstd }, { rows, lanes, ...normsOf(config) });
}

/**
 * The steps from the gradient of `activations.hidden`, which lies in its place, to the gradients of
 * all trunk parameters that are not frozen, which are added to `gradients`. The steps run once after each forward pass,
 * because gradients overwrite activations. Where only inputs were kept, a layer's own forward steps
 * run again first, so the numbers are the same to the last bit.
 */
export function trunkBackward(
  weights: Weights,
  gradients: Gradients,
  batch: PackedBatch,
  activations: Activations,
): Step[] {
  const { config, block, output: x, hidden: dy, hiddenRstd: rstd } = activations;
  const { stream } = activations.gradients;
  const pass = activations.backwardPass(batch.rows, gradients);
  const { rows, lanes } = pass;
  const { weight: name } = block.finalNorm;
  const dweight = gradients.tensor(name);
  const partials = pass.partials(config.hiddenSize);
  const steps: Step[] = [
    ...(dweight ? rmsnormBackwardWeight({ x, rstd, dy, partials, dweight }, { rows }) : []),
    rmsnormBackward(
      { x, weight: weights.tensor(name), rstd, dy, dx: stream },
      { rows, accumulate: false, lanes, unitOffset: config.unitOffset },
    ),
  ];
  const backwards = [...block.ops].reverse();
  for (let i = config.layers - 1; i >= 0; i--) {
    const layer = new LayerScope(weights, activations, i);
    // The last layer's values are still there from the forward pass.
    if (activations.keep === 'inputs' && i < config.layers - 1) {
      for (const op of opsBeforeNext(block)) steps.push(...forwardSteps(op, layer, pass, batch));
    }
    for (const op of backwards) steps.push(...backwardSteps(op, layer, pass, batch));
  }
  steps.push(...weights.embedding.lookupBackward(batch, stream, gradients));
  return steps;
}
