// Our training step and a peer's in turn, on any host: what scripts/bench-peer.mjs runs.
import { referenceShape, referenceTraining } from '../src/bench/train.ts';
import { openGpu } from '../src/gpu/device.ts';
import { median } from '../src/gpu/tuning.ts';
import { hostName } from '../src/workers/host-name.ts';

interface Peer {
  readonly numParams: number;
  readonly trainStep: (
    inputs: Uint32Array,
    targets: Uint32Array,
    readLoss: boolean,
  ) => Promise<unknown>;
}

/** The model class of tabgpt's src/engine/model.ts. */
export type PeerModel = new (device: GPUDevice, config: object) => Peer;

/**
 * Times both steps, forward, backward, optimizer and the loss read back, one after the other in every
 * round. SwiGLU width 344 and tied embeddings on our side.
 *
 * @param options.rounds Measured rounds, after two that are not: drivers compile in the first.
 * @param options.sequences Rows of the batch (B); the rest of the shape is `referenceShape`.
 */
export async function comparePeer(
  GPT: PeerModel,
  options: { readonly rounds: number; readonly sequences: number },
  say: (line: string) => void,
) {
  const shape = { ...referenceShape, B: options.sequences };
  const { B, T, C, L, H, V } = shape;
  const gpu = await openGpu({ limits: 'max' });
  const { trainer, groups } = referenceTraining({ gpu }, shape);
  const ours = async () => {
    await trainer.step(groups);
    return trainer.loss();
  };

  const { device } = await openGpu({ limits: 'max' });
  const model = new GPT(device, { B, T, C, L, NH: H, V, lr: 1e-3, warmup: 20, f16: false });
  const inputs = Uint32Array.from({ length: B * T }, (_, i) => i % V);
  const targets = inputs.map((token) => (token + 1) % V);
  const theirs = () => model.trainStep(inputs, targets, true);

  const timed = async (step: () => Promise<unknown>) => {
    const started = performance.now();
    await step();
    return performance.now() - started;
  };
  // Drivers compile in the first step; the second one is still not like the others.
  const first = { ours: await timed(ours), peer: await timed(theirs) };
  say(`first steps: ${Math.round(first.ours)} and ${Math.round(first.peer)} ms`);
  await ours();
  await theirs();
  const times: { ours: number[]; peer: number[] } = { ours: [], peer: [] };
  for (let round = 0; round < options.rounds; round++) {
    const [own, peer] = [await timed(ours), await timed(theirs)];
    times.ours.push(own);
    times.peer.push(peer);
    say(`round ${round + 1}: ${Math.round(own)} against ${Math.round(peer)} ms`);
  }
  const [own, peer] = [median(times.ours), median(times.peer)];
  return {
    adapter: gpu.name,
    host: hostName(),
    shape,
    parameters: { ours: trainer.model.weights.layout.count, peer: model.numParams },
    firstMs: first,
    medianMs: { ours: own, peer },
    tokensPerSecond: { ours: (B * T * 1000) / own, peer: (B * T * 1000) / peer },
    rounds: { ours: times.ours.map(Math.round), peer: times.peer.map(Math.round) },
    // Medians of the pairs' ratios bear a machine that changes its speed between rounds.
    ratio: median(times.ours.map((ms, round) => (times.peer[round] ?? Number.NaN) / ms)),
  };
}
