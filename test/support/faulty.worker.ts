// A verifier that misbehaves on chosen responses. 1 keeps it busy for three seconds. 2 ends its
// thread by an uncaught error before it answers. 3 throws. 4 keeps it busy for ever. All other
// responses are right.
import { exposeWorker } from '../../src/threads/expose.ts';
import type { RewardApi, VerifyFailure } from '../../src/workers/protocol.ts';

const api: RewardApi = {
  load() {},
  verify({ promptOf, responses }) {
    const failures: VerifyFailure[] = [];
    const rewards = new Float32Array(promptOf.length).fill(1);
    for (let i = 0; i < promptOf.length; i++) {
      const response = responses[i];
      const started = performance.now();
      while (response === '4' || (response === '1' && performance.now() - started < 3000));
      if (response === '2') {
        void Promise.reject(new TypeError('planted'));
        return new Promise(() => {});
      }
      if (response === '3') throw new RangeError('planted');
    }
    return {
      rewards,
      correct: new Uint8Array(promptOf.length).fill(1),
      formatted: new Uint8Array(promptOf.length).fill(1),
      extracted: rewards.length === 0 ? [] : Array.from(rewards, () => 'x'),
      failures,
    };
  },
  dispose() {},
};

exposeWorker(api);
