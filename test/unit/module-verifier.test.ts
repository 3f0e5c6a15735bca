import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { noFiles } from '../../src/formats/input-files.ts';
import type { VerifyRequest } from '../../src/tasks/verification.ts';
import {
  type ModuleItem,
  moduleNotice,
  ModuleVerifier,
} from '../../src/workers/module-verifier.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'limr-module-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;
async function open(
  code: string,
  options: { threads?: number; timeLimitMs?: number } = {},
  onEnd: (close: () => void) => void = onTestFinished,
) {
  const path = join(folder, `m${files++}.mjs`);
  writeFileSync(path, code);
  const verifier = await ModuleVerifier.open(path, { files: noFiles, threads: 2, ...options });
  onEnd(() => verifier.close());
  return verifier;
}

const item = (response: string, change: Partial<ModuleItem> = {}): ModuleItem => ({
  prompt: 'p',
  answer: 'a',
  response,
  finished: true,
  ...change,
});

const echo = `export default (prompt, answer, response, { finished }) => ({
  reward: response.length, correct: finished, formatted: Array.isArray(prompt),
  extracted: JSON.stringify([prompt, answer, response]),
});`;

describe("a user's verifier module", () => {
  test('gets prompt and answer as in the row, and its verdicts come in order', async () => {
    const verifier = await open(echo);
    const chat = [{ role: 'user', content: 'hi' }];
    const request: VerifyRequest = {
      prompts: ['hi', 'two'],
      keys: ['{"a":1}', '2'],
      rows: [
        { prompt: chat, answer: { a: 1 } },
        { prompt: 'two', answer: 2 },
      ],
      promptOf: Uint32Array.of(0, 0, 1),
      responses: ['x', 'yy', ''],
      finished: Uint8Array.of(1, 0, 1),
    };
    const { rewards, correct, formatted, extracted, failures } = await verifier.verify(request);
    expect([...rewards]).toEqual([1, 2, 0]);
    expect([...correct]).toEqual([1, 0, 1]);
    expect([...formatted]).toEqual([1, 1, 0]);
    expect(extracted.map((text) => JSON.parse(text!) as unknown)).toEqual([
      [chat, { a: 1 }, 'x'],
      [chat, { a: 1 }, 'yy'],
      ['two', 2, ''],
    ]);
    expect(failures).toEqual([]);
  });

  test('may return a promise', async () => {
    const verifier = await open(
      `export default async (p, a, response) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return { reward: 1, correct: true, formatted: true, extracted: null };
      };`,
    );
    expect(await verifier.judge(item('x'))).toEqual({
      reward: 1,
      correct: true,
      formatted: true,
      extracted: null,
    });
  });

  test.each([
    ['7', 'it returned 7'],
    ['undefined', 'it returned missing'],
    [
      '{ correct: true, formatted: true, extracted: null }',
      'reward must be a finite number in float32, is missing',
    ],
    [
      '{ reward: "1", correct: true, formatted: true, extracted: null }',
      'reward must be a finite number in float32, is "1"',
    ],
    [
      '{ reward: NaN, correct: true, formatted: true, extracted: null }',
      'reward must be a finite number in float32, is ',
    ],
    [
      '{ reward: 1e300, correct: true, formatted: true, extracted: null }',
      'reward must be a finite number in float32, is 1e+300',
    ],
    [
      '{ reward: 1, correct: 1, formatted: true, extracted: null }',
      'correct must be true or false, is 1',
    ],
    [
      '{ reward: 1, correct: true, extracted: null }',
      'formatted must be true or false, is missing',
    ],
    [
      '{ reward: 1, correct: true, formatted: true }',
      'extracted must be a text or null, is missing',
    ],
    [
      '{ reward: 1, correct: true, formatted: true, extracted: ["a"] }',
      'extracted must be a text or null, is an array',
    ],
    [
      '{ reward: () => 1, correct: true, formatted: true, extracted: null }',
      'reward must be a finite number in float32, is function',
    ],
  ])('that returns %s is refused', async (returned, message) => {
    const verifier = await open(`export default () => (${returned});`);
    await expect(verifier.judge(item('x', { prompt: 'What?' }))).rejects.toMatchObject({
      name: 'VerifierError',
      message: expect.stringContaining(message) as string,
    });
    await expect(verifier.judge(item('x', { prompt: 'What?' }))).rejects.toThrow(
      'for a response to the prompt "What?"',
    );
  });

  // Beside each other: most of the time is waiting.
  describe.concurrent('costs the one response', () => {
    const late = 'it ran longer than 4000 ms';
    test.for<[string, string, RegExp]>([
      ['throws', "throw new TypeError('no such thing')", /^TypeError: no such thing$/],
      ['exits', 'process.exit(3)', /3/],
      ['never answers', 'return new Promise(() => {})', new RegExp(`^${late}$`)],
      ['hangs', 'for (;;);', new RegExp(`^${late}$`)],
      [
        'fills its memory',
        'const all = []; for (;;) all.push(new Array(1e6).fill(all.length));',
        /./,
      ],
    ])('that %s', async ([, fault, reason], context) => {
      const verifier = await open(
        `export default (p, a, response) => {
          if (response === 'fault') { ${fault} }
          return { reward: 1, correct: true, formatted: true, extracted: response };
        };`,
        { threads: 1, timeLimitMs: 4000 },
        context.onTestFinished,
      );
      const responses = ['a', 'fault', 'b'];
      const { rewards, failures } = await verifier.verify({
        prompts: ['p'],
        keys: ['k'],
        promptOf: new Uint32Array(responses.length),
        responses,
        finished: new Uint8Array(responses.length).fill(1),
      });
      expect([...rewards]).toEqual([1, -1, 1]);
      expect(failures).toEqual([
        expect.objectContaining({ response: 1, reason: expect.stringMatching(reason) as string }),
      ]);
    });
  });

  test.each([
    ['export const judge = 1;', 'it has no default function'],
    ['export default {};', 'it has no default function'],
    ['export default (', 'SyntaxError'],
    ['throw new Error("at once"); export default () => 1;', 'Error: at once'],
  ])('that cannot be used is refused before anything runs: %s', async (code, message) => {
    await expect(open(code)).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(
        new RegExp(`^verifier .*m\\d+\\.mjs: .*${message.replace(/[()]/g, '\\$&')}`),
      ) as string,
    });
  });

  test('that is not there is refused', async () => {
    const path = join(folder, 'none.mjs');
    await expect(ModuleVerifier.open(path, { files: noFiles })).rejects.toThrow(
      `verifier ${path}: no such file`,
    );
  });

  test('runs in another process, and says so', async () => {
    const verifier = await open(
      'export default () => ({ reward: process.pid, correct: true, formatted: true, extracted: null });',
      { threads: 1 },
    );
    const verdict = await verifier.judge(item('x'));
    expect((verdict as { reward: number }).reward).not.toBe(process.pid);
    expect(moduleNotice('./mine.js')).toBe(
      './mine.js runs as your own code, in processes of its own with your rights; limits: 30 s a response, 1024 MiB',
    );
  });

  test('cannot answer for another call', async () => {
    const verifier = await open(
      `import { parentPort } from 'node:worker_threads';
      export default (p, a, response) => {
        const forged = { value: 9 };
        for (let id = 0; id < 50; id++) {
          if (response === 'forge') parentPort.postMessage({ id: -id, reward: forged });
        }
        return { reward: 1, correct: true, formatted: true, extracted: null };
      };`,
      { threads: 1 },
    );
    expect(await verifier.judge(item('forge'))).toMatchObject({ reward: 1 });
    expect(await verifier.judge(item('x'))).toMatchObject({ reward: 1 });
  });
});
