// Our training step and a peer's in turn, in one process, under Deno:
//
//   deno run -A --no-lock --node-modules-dir=manual scripts/bench-peer.mjs PEER.mjs [rounds]
//
// PEER.mjs is a bundle that exports a `GPT` as tabgpt's src/engine/model.ts does (esbuild --bundle
// --format=esm). Nothing of the peer is kept here. B16 T64 C128 L4 H4 V512 f32, SwiGLU width 344 and
// tied embeddings on our side; a step is forward, backward, optimizer and the loss read back.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [bundle, rounds = '5'] = process.argv.slice(2);
if (bundle === undefined) {
  process.stderr.write('usage: deno run -A scripts/bench-peer.mjs PEER.mjs [rounds]\n');
  process.exit(2);
}
/** @param {string} path Below dist/src, which `npm run build` makes. */
const built = (path) => import(new URL(`../dist/src/${path}`, import.meta.url).href);
/** @type {typeof import('../src/gpu/device.ts')} */
const { openGpu } = await built('gpu/device.js');
/** @type {typeof import('../src/bench/train.ts')} */
const { referenceShape, referenceTraining } = await built('bench/train.js');
/** @type {typeof import('../src/gpu/tuning.ts')} */
const { median } = await built('gpu/tuning.js');
/** @type {typeof import('../src/workers/host-name.ts')} */
const { hostName } = await built('workers/host-name.js');

/**
 * @typedef {object} Peer
 * @property {number} numParams
 * @property {(x: Uint32Array, y: Uint32Array, readLoss: boolean) => Promise<unknown>} trainStep
 */
/** @type {{ GPT: new (device: GPUDevice, config: object) => Peer }} */
const { GPT } = await import(pathToFileURL(resolve(bundle)).href);

const { B, T, C, L, H, V } = referenceShape;
const gpu = await openGpu({ limits: 'max' });
const { trainer, groups } = referenceTraining({ gpu });
const ours = async () => {
  await trainer.step(groups);
  return trainer.loss();
};

const adapter = await navigator.gpu.requestAdapter();
if (!adapter) throw new Error('no adapter');
const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
const device = await adapter.requestDevice({
  requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
});
const model = new GPT(device, { B, T, C, L, NH: H, V, lr: 1e-3, warmup: 20, f16: false });
const inputs = Uint32Array.from({ length: B * T }, (_, i) => i % V);
const targets = inputs.map((token) => (token + 1) % V);
const theirs = () => model.trainStep(inputs, targets, true);

/** @param {() => Promise<unknown>} step */
const timed = async (step) => {
  const started = performance.now();
  await step();
  return performance.now() - started;
};
// Drivers compile in the first step; the second one is still not like the others.
const first = [await timed(ours)];
process.stderr.write(`our first step took ${Math.round(first[0] ?? 0)} ms\n`);
first.push(await timed(theirs));
process.stderr.write(`the peer's took ${Math.round(first[1] ?? 0)} ms\n`);
await ours();
await theirs();
/** @type {number[]} */
const ownTimes = [];
/** @type {number[]} */
const peerTimes = [];
for (let round = 0; round < Number(rounds); round++) {
  ownTimes.push(await timed(ours));
  peerTimes.push(await timed(theirs));
  process.stderr.write(`round ${round + 1}: ${ownTimes.at(-1)} against ${peerTimes.at(-1)} ms\n`);
}
const own = median(ownTimes);
const peer = median(peerTimes);
const result = {
  adapter: gpu.name,
  host: hostName(),
  shape: referenceShape,
  parameters: { ours: trainer.model.weights.layout.count, peer: model.numParams },
  firstMs: { ours: first[0], peer: first[1] },
  medianMs: { ours: own, peer },
  tokensPerSecond: { ours: (B * T * 1000) / own, peer: (B * T * 1000) / peer },
  rounds: { ours: ownTimes.map(Math.round), peer: peerTimes.map(Math.round) },
  ratio: peer / own,
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
process.exit(0);
