import { transfer } from 'comlink';
import { openVerifier } from '../tasks/registry.ts';
import type { TaskVerifier } from '../tasks/task.ts';
import { exposeWorker } from '../threads/expose.ts';
import type { RewardApi, VerifyFailure } from './protocol.ts';

let verifier: TaskVerifier | undefined;

const api: RewardApi = {
  async load(config) {
    verifier = await openVerifier(config);
  },
  async verify({ prompts, keys, promptOf, responses, finished, tier }) {
    if (!verifier) throw new Error('reward worker: no task is loaded');
    const judge = (tier === undefined ? undefined : verifier.ofTier?.(tier)) ?? verifier;
    const count = promptOf.length;
    const rewards = new Float32Array(count);
    const correct = new Uint8Array(count);
    const formatted = new Uint8Array(count);
    const extracted: (string | null)[] = [];
    const failures: VerifyFailure[] = [];
    for (let i = 0; i < count; i++) {
      const prompt = promptOf[i] ?? 0;
      try {
        const verdict = await judge.verify(
          prompts[prompt] ?? '',
          keys[prompt] ?? '',
          responses[i] ?? '',
          { finished: finished[i] === 1 },
        );
        rewards[i] = verdict.reward;
        correct[i] = Number(verdict.correct);
        formatted[i] = Number(verdict.formatted);
        extracted.push(verdict.extracted);
      } catch (error) {
        rewards[i] = -1;
        extracted.push(null);
        failures.push({ response: i, reason: String(error) });
      }
    }
    const reply = { rewards, correct, formatted, extracted, failures };
    return transfer(reply, [rewards.buffer, correct.buffer, formatted.buffer]);
  },
  dispose() {
    verifier = undefined;
  },
};

exposeWorker(api);
