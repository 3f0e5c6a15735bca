import { afterEach, describe, expect, test } from 'vitest';
import { arithmeticVariants, arithmeticVerifier } from '../../src/tasks/arithmetic-config.ts';
import { ArithmeticTask } from '../../src/tasks/arithmetic-task.ts';
import type { BanditConfig } from '../../src/tasks/bandit.ts';
import { banditDefaults } from '../support/bandit.ts';
import { yieldToMessages } from '../../src/scheduler/run-control.ts';
import { verifyRequest } from '../../src/tasks/verification.ts';
import { connect, type StartWorker } from '../../src/threads/connect.ts';
import type { RewardApi, VerifyRequest } from '../../src/workers/protocol.ts';
import type { GpuWorkerApi } from '../support/gpu.worker.ts';
import { RewardPool, type RewardPoolOptions } from '../../src/workers/reward-pool.ts';

const task = { ...arithmeticVariants.E, poolPrompts: 40 };
const startFaulty: StartWorker = (Worker) =>
  new Worker(new URL('../support/faulty.worker.ts', import.meta.url), { type: 'module' });

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});
async function open(options: RewardPoolOptions = {}): Promise<RewardPool> {
  const pool = await RewardPool.open(task, { workers: 2, ...options });
  opened.push(pool);
  return pool;
}

/** Eight responses to each of 40 prompts: right ones, wrong ones, cut ones. */
function requestOf(): VerifyRequest {
  const pool = new ArithmeticTask(task).pool(1);
  const responses = pool.flatMap(({ key }, i) =>
    Array.from({ length: 8 }, (_, k) => {
      const answer = k < 4 ? key : String((Number(key) + k) % 10);
      return `${Array.from('1234567')
        .slice(0, (i + k) % 6)
        .join(',')}#${answer}${k === 3 ? '' : ';'}`;
    }),
  );
  return verifyRequest(
    pool,
    8,
    responses,
    responses.map((text) => Number(text.endsWith(';'))),
  );
}

/** Responses to one prompt. */
const responsesOnly = (responses: readonly string[]): VerifyRequest => ({
  prompts: ['a='],
  keys: ['0'],
  promptOf: new Uint32Array(responses.length),
  responses,
  finished: new Uint8Array(responses.length),
});

describe('the pool of verifiers', () => {
  test('gives the verdicts of the task in the order of the request, for any number of workers', async () => {
    const request = requestOf();
    const want = Array.from(request.promptOf, (prompt, i) =>
      arithmeticVerifier.verify(
        request.prompts[prompt],
        request.keys[prompt],
        request.responses[i],
      ),
    );
    expect(new Set(want.map(({ reward }) => reward))).toEqual(new Set([1, -0.5, -1]));
    for (const workers of [1, 3]) {
      const pool = await open({ workers });
      const got = await pool.verify(request);
      expect(Array.from(got.rewards)).toEqual(want.map(({ reward }) => reward));
      expect(Array.from(got.correct)).toEqual(want.map(({ correct }) => Number(correct)));
      expect(Array.from(got.formatted)).toEqual(want.map(({ formatted }) => Number(formatted)));
      expect(got.extracted).toEqual(want.map(({ extracted }) => extracted));
      expect(got.failures).toEqual([]);
    }
    // The caller's arrays were not given away.
    expect(request.finished.length).toBeGreaterThan(0);
  });

  test('serves overlapping calls, and one without responses', async () => {
    const pool = await open();
    const request = requestOf();
    const [first, second, none] = await Promise.all([
      pool.verify(request),
      pool.verify(request),
      pool.verify(responsesOnly([])),
    ]);
    expect(second).toEqual(first);
    expect(none.rewards).toHaveLength(0);
  });

  test('gives -1 to what a check cannot take for a response, and says why', async () => {
    const pool = await open();
    const { rewards, failures } = await pool.verify(
      responsesOnly(['*', 99 as unknown as string, '*']),
    );
    expect(Array.from(rewards)).toEqual([-1, -1, -1]);
    expect(failures.map(({ response }) => response)).toEqual([1]);
    expect(failures[0].reason).toContain('TypeError');
  });

  test('passes on what a task finds wrong with its config', async () => {
    const config: BanditConfig = { ...banditDefaults, arms: 1 };
    await expect(RewardPool.open(config, { workers: 2 })).rejects.toMatchObject({
      name: 'ConfigError',
      message: 'task.arms: must be at least 2, is the number 1',
    });
  });

  test('gives up the one check that outlasts the limit and judges the others', async () => {
    const pool = await open({ start: startFaulty, timeLimitMs: 2000 });
    const { rewards, failures } = await pool.verify(
      responsesOnly(['0', '0', '4', '0', '0', '0', '0', '0']),
    );
    expect(Array.from(rewards)).toEqual([1, 1, -1, 1, 1, 1, 1, 1]);
    expect(failures).toEqual([
      { response: 2, reason: 'reward worker: a check ran longer than 2000 ms' },
    ]);
    // The pool goes on.
    expect(Array.from((await pool.verify(responsesOnly(['0', '0']))).rewards)).toEqual([1, 1]);
  });

  test('waits for a check that a busy machine makes slow, unless told otherwise', async () => {
    const pool = await open({ start: startFaulty });
    // Three seconds, past the reference's limit of two.
    const { rewards, failures } = await pool.verify(responsesOnly(['0', '1']));
    expect(Array.from(rewards)).toEqual([1, 1]);
    expect(failures).toEqual([]);
  });

  test('gives up the one check that kills its worker and judges the others', async () => {
    const pool = await open({ start: startFaulty });
    const { rewards, failures } = await pool.verify(responsesOnly(['0', '0', '0', '2']));
    expect(Array.from(rewards)).toEqual([1, 1, 1, -1]);
    expect(failures.map(({ response }) => response)).toEqual([3]);
    expect(failures[0].reason).toContain('planted');
  });

  test('rejects calls once it is closed', async () => {
    const pool = await open();
    await pool.close();
    await expect(pool.verify(responsesOnly(['0']))).rejects.toMatchObject({ name: 'WorkerError' });
  });
});

describe('a worker connection', () => {
  const connectFaulty = () => connect<RewardApi>('faulty', startFaulty);

  test('keeps the name and message of what a call throws', async () => {
    const connection = await connectFaulty();
    opened.push(connection);
    await expect(connection.api.verify(responsesOnly(['3']))).rejects.toMatchObject({
      name: 'RangeError',
      message: 'planted',
    });
    // A call that throws does not end the worker.
    expect((await connection.api.verify(responsesOnly(['0']))).rewards[0]).toBe(1);
  });

  test('rejects calls under way when it is killed, and every later one', async () => {
    const connection = await connectFaulty();
    const call = connection.api.verify(responsesOnly(['4']));
    const outcome = expect(call).rejects.toMatchObject({ name: 'WorkerError' });
    await connection.kill('enough');
    await outcome;
    await expect(connection.api.verify(responsesOnly(['0']))).rejects.toThrow(
      'faulty worker: enough',
    );
    expect((await connection.ended)?.message).toBe('faulty worker: enough');
  });

  test('notices an error that nobody caught, with its message', async () => {
    const connection = await connectFaulty();
    await expect(connection.api.verify(responsesOnly(['2']))).rejects.toThrow('planted');
    const error = await connection.ended;
    expect(error?.name).toBe('WorkerError');
    expect(error?.message).toContain('planted');
  });

  test('refuses to start what cannot be loaded', async () => {
    const start: StartWorker = (Worker) =>
      new Worker(new URL('./nowhere/nothing.js', import.meta.url), { type: 'module' });
    await expect(connect('missing', start)).rejects.toMatchObject({ name: 'WorkerError' });
  });

  test('ends without an error when it is closed', async () => {
    const connection = await connectFaulty();
    await connection.close();
    expect(await connection.ended).toBeUndefined();
    await expect(connection.api.verify(responsesOnly(['0']))).rejects.toThrow('it was closed');
  });

  test('can be awaited without a call being made', async () => {
    const connection = await connectFaulty();
    opened.push(connection);
    expect(await Promise.resolve(connection.api)).toBe(connection.api);
  });
});

describe('a worker that owns a device', () => {
  const startGpu: StartWorker = (Worker) =>
    new Worker(new URL('../support/gpu.worker.ts', import.meta.url), { type: 'module' });

  test('computes what the same kernel computes elsewhere', async () => {
    const connection = await connect<GpuWorkerApi>('gpu', startGpu);
    opened.push(connection);
    expect((await connection.api.open()).length).toBeGreaterThan(0);
    // lambda 1/2, values 0: an advantage is the reward ahead, halved for each token between.
    const got = await connection.api.advantages(Float32Array.of(0, 0, 1), new Float32Array(3));
    expect(Array.from(got)).toEqual([0.25, 0.5, 1]);
  });

  test('is closed in the middle of its work without taking the process along', async () => {
    const connection = await connect<GpuWorkerApi>('gpu', startGpu);
    await connection.api.open();
    const work = connection.api.work();
    await connection.api.advantages(Float32Array.of(1), new Float32Array(1));
    await connection.close();
    // The loop ended of itself: its count came back before the worker went.
    expect(await work).toBeGreaterThan(0);
    expect(await connection.ended).toBeUndefined();
  });
});

test('yielding lets messages in', async () => {
  const { port1, port2 } = new MessageChannel();
  let heard = false;
  port1.onmessage = () => {
    heard = true;
  };
  port2.postMessage(1);
  for (let i = 0; i < 1000 && !heard; i++) await yieldToMessages();
  port1.close();
  expect(heard).toBe(true);
});
