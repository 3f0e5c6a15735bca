// Runs our training step or generation and a peer's in turn, on any host, for
// scripts/bench-peer.mjs.
import { referenceGeneration } from '../src/bench/rollout.ts';
import { referenceShape, referenceTraining } from '../src/bench/train.ts';
import { openGpu } from '../src/gpu/device.ts';
import { hostName } from '../src/host-name.ts';
import { median } from '../src/median.ts';

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
 * Times our step and the peer's in alternation. A step is forward, backward, optimizer and the loss
 * read back. Our side has SwiGLU width 344 and tied embeddings.
 *
 * @param options.rounds Measured rounds, after two rounds that are not measured: drivers compile in
 *   the first.
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

  const { first, times } = await inTurn(ours, theirs, options.rounds, say);
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
    ratio: ratioOf(times),
  };
}

interface Times {
  readonly ours: number[];
  readonly peer: number[];
}

/**
 * The median of the rounds' ratios, which tolerates a machine whose speed changes between rounds.
 */
const ratioOf = ({ ours, peer }: Times): number =>
  median(ours.map((ms, round) => (peer[round] ?? Number.NaN) / ms));

/** Milliseconds of the first runs, in which drivers compile, and of the rounds after the second. */
async function inTurn(
  ours: () => Promise<unknown>,
  theirs: () => Promise<unknown>,
  rounds: number,
  say: (line: string) => void,
) {
  const timed = async (step: () => Promise<unknown>) => {
    // Threads of the engine that ran before may spin for a while.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const started = performance.now();
    await step();
    return performance.now() - started;
  };
  const first = { ours: await timed(ours), peer: await timed(theirs) };
  say(`first runs: ${Math.round(first.ours)} and ${Math.round(first.peer)} ms`);
  // The second run still differs from later runs.
  await ours();
  await theirs();
  const times: Times = { ours: [], peer: [] };
  for (let round = 0; round < rounds; round++) {
    const [own, peer] = [await timed(ours), await timed(theirs)];
    times.ours.push(own);
    times.peer.push(peer);
    say(`round ${round + 1}: ${Math.round(own)} against ${Math.round(peer)} ms`);
  }
  return { first, times };
}

interface OrtTensor {
  readonly data: unknown;
}

/** The part of onnxruntime-web that is used here. */
export interface Ort {
  readonly Tensor: new (type: string, data: object, shape: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: object,
    ): Promise<{
      run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
    }>;
  };
  readonly env: { logLevel?: string; readonly wasm: { numThreads?: number; wasmPaths?: string } };
}

/** New tokens per response. */
const NEW_TOKENS = 64;

/**
 * Times the greedy generation of 64 tokens after a first one: our decoder against a decode step in
 * onnxruntime-web's wasm, whose loop takes the largest logits.
 *
 * @param model ONNX, one decode step of the reference shape: ids (B, 1) and for each layer l a past
 *   pk<l>, pv<l> (B, H, P, D) to logits (B, 1, V) and nk<l>, nv<l>.
 * @param options.sequences Rows of the batch.
 * @param options.threads Threads of the wasm; more than one needs a cross-origin isolated page.
 */
export async function compareGeneration(
  ort: Ort,
  model: Uint8Array,
  options: {
    readonly rounds: number;
    readonly sequences: number;
    readonly threads: number;
    readonly wasmPaths?: string;
  },
  say: (line: string) => void,
) {
  const { rounds, sequences: B, threads } = options;
  const { C, L, H, V } = referenceShape;
  const gpu = await openGpu({ limits: 'max' });
  const { generate } = referenceGeneration(gpu, B);
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = threads;
  if (options.wasmPaths !== undefined) ort.env.wasm.wasmPaths = options.wasmPaths;
  const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] });
  const names = Array.from({ length: L }, (_, l) => [`k${l}`, `v${l}`]).flat();
  const empty = [B, H, 0, C / H];
  const theirs = async () => {
    let past = names.map((name): [string, OrtTensor] => [
      `p${name}`,
      new ort.Tensor('float32', new Float32Array(0), empty),
    ]);
    let ids = BigInt64Array.from({ length: B }, (_, b) => BigInt((b * 5) % V));
    for (let token = 0; token < NEW_TOKENS; token++) {
      const feeds = { ids: new ort.Tensor('int64', ids, [B, 1]), ...Object.fromEntries(past) };
      const found = await session.run(feeds);
      ids = largest(found['logits']?.data as Float32Array, B, V);
      past = names.map((name) => [`p${name}`, found[`n${name}`] as OrtTensor]);
    }
  };
  const { first, times } = await inTurn(generate, theirs, rounds, say);
  const [own, peer] = [median(times.ours), median(times.peer)];
  const tokens = B * NEW_TOKENS * 1000;
  return {
    adapter: gpu.name,
    host: hostName(),
    shape: { B, newTokens: NEW_TOKENS, C, L, H, V },
    threads,
    firstMs: first,
    medianMs: { ours: own, peer },
    tokensPerSecond: { ours: tokens / own, peer: tokens / peer },
    rounds: { ours: times.ours.map(Math.round), peer: times.peer.map(Math.round) },
    ratio: ratioOf(times),
  };
}

/** The id of the largest logit of each row. */
function largest(logits: Float32Array, rows: number, vocabulary: number) {
  const ids = new BigInt64Array(rows);
  for (let row = 0; row < rows; row++) {
    let best = 0;
    const start = row * vocabulary;
    for (let id = 1; id < vocabulary; id++) {
      if ((logits[start + id] ?? 0) > (logits[start + best] ?? 0)) best = id;
    }
    ids[row] = BigInt(best);
  }
  return ids;
}
