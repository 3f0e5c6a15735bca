import { transfer } from 'comlink';
import { createTask } from '../tasks/registry.ts';
import type { Task } from '../tasks/task.ts';
import { exposeWorker } from '../threads/expose.ts';
import type { RewardApi, VerifyFailure } from './protocol.ts';

let task: Task | undefined;

const api: RewardApi = {
  load(config) {
    task = createTask(config);
  },
  verify({ prompts, keys, promptOf, tokens, offsets }) {
    if (!task) throw new Error('reward worker: no task is loaded');
    const count = promptOf.length;
    const rewards = new Float32Array(count);
    const correct = new Uint8Array(count);
    const formatted = new Uint8Array(count);
    const extracted: (string | null)[] = [];
    const failures: VerifyFailure[] = [];
    for (let i = 0; i < count; i++) {
      const prompt = promptOf[i] ?? 0;
      try {
        const response = tokens.subarray(offsets[i], offsets[i + 1]);
        const verdict = task.verify(prompts[prompt] ?? '', keys[prompt] ?? '', response);
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
    task = undefined;
  },
};

exposeWorker(api);
