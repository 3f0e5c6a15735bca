// The process of a verifier module, in Node. The module's thread may loop or use up its memory; this
// thread stays free, and ends the process when the other side is gone.
import { Worker } from 'node:worker_threads';

process.on('disconnect', () => process.exit());

/** @param {{ readonly harness: string, readonly memoryMb: number }} start */
const begin = ({ harness, memoryMb }) => {
  const code = new URL(`data:text/javascript,${encodeURIComponent(harness)}`);
  const worker = new Worker(code, { resourceLimits: { maxOldGenerationSizeMb: memoryMb } });
  worker.on('message', (reply) => process.send?.(reply));
  worker.on('error', (error) => {
    const reason = error instanceof Error ? error.message : String(error);
    process.send?.({ died: reason }, () => process.exit(1));
  });
  worker.on('exit', (code) =>
    process.send?.({ died: `it exited with code ${code}` }, () => process.exit(1)),
  );
  process.on('message', (call) => worker.postMessage(call));
};

process.once('message', (start) => begin(/** @type {never} */ (start)));
