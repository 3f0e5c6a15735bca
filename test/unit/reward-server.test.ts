import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { splitQuery } from '../../src/cli/query-response.ts';

const folder = mkdtempSync(join(tmpdir(), 'limr-serve-'));
const pool = join(folder, 'pool.jsonl');
const root = join(import.meta.dirname, '../..');

interface Service {
  readonly port: number;
  readonly child: ChildProcess;
  /** What it said on stderr so far. */
  readonly said: () => string;
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number | null>;
}

/** `limr reward --serve 0` in a process of its own. */
async function serve(...argv: string[]): Promise<Service> {
  const hooks = pathToFileURL(join(root, 'scripts/ts-hooks.mjs')).href;
  const script = join(root, 'test/support/limr-process.ts');
  const env = { ...process.env };
  delete env.npm_lifecycle_script;
  const child = spawn(
    process.execPath,
    ['--import', hooks, script, 'reward', '--serve', '0', ...argv],
    { env, stdio: ['ignore', 'inherit', 'pipe'] },
  );
  let text = '';
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const port = await new Promise<number>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const found = /http:\/\/127\.0\.0\.1:(\d+)\/get_reward/.exec(text);
      if (found) resolve(Number(found[1]));
    });
    void ended.then((code) => {
      reject(new Error(`ended with ${code}: ${text}`));
    });
  });
  return { port, child, ended, said: () => text };
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
}

/** A request whose body the caller writes, and its reply. */
function begin(
  port: number,
  options: { path?: string; method?: string; headers?: Record<string, string> } = {},
): { request: ClientRequest; reply: Promise<Reply> } {
  const request = httpRequest({
    ...{ host: '127.0.0.1', port, path: '/get_reward', method: 'POST', agent: false },
    ...options,
  });
  const reply = new Promise<Reply>((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.once('error', reject);
      response.once('end', () => {
        const body = JSON.parse(text) as Record<string, unknown>;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
  });
  return { request, reply };
}

async function ask(port: number, body: unknown, options = {}): Promise<Reply> {
  const { request, reply } = begin(port, options);
  request.end(typeof body === 'string' ? body : JSON.stringify(body));
  return reply;
}

/** How many requests the service has begun. */
const openRequests = async (port: number): Promise<unknown> =>
  (await ask(port, '', { path: '/health', method: 'GET' })).body.requests;

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

const qwen = (user: string, assistant: string): string =>
  `<|im_start|>system\nPlease reason.<|im_end|>\n<|im_start|>user\n${user}<|im_end|>\n` +
  `<|im_start|>assistant\n${assistant}`;

let service: Service;
beforeAll(async () => {
  writeFileSync(
    pool,
    '{"prompt":"What is two plus two, as a digit?","answer":"4"}\n' +
      '{"prompt":"How much is half of one, as a fraction?","answer":"\\\\frac{1}{2}"}\n',
  );
  service = await serve('--prompts', pool);
}, 120_000);
afterAll(async () => {
  service.child.kill('SIGTERM');
  await service.ended;
  rmSync(folder, { recursive: true });
});

describe('limr reward --serve', () => {
  test("answers LIMR's form by the prompt file", async () => {
    const two = 'What is two plus two, as a digit?';
    const half = 'How much is half of one, as a fraction?';
    const { status, body } = await ask(service.port, {
      query: [
        qwen(two, 'It is \\boxed{4}<|im_end|>'),
        qwen(half, 'It is \\boxed{0.5}<|endoftext|>'),
        qwen(two, 'It is \\boxed{5}<|im_end|>'),
        qwen(two, 'It is \\boxed{4}'),
        qwen('What is nobody asking?', 'It is \\boxed{4}<|im_end|>'),
        // Another turn that the response made up is not looked at.
        qwen(two, 'It is \\boxed{4}<|im_end|>\n<|im_start|>user\nThanks<|im_end|>'),
      ],
    });
    expect(status).toBe(200);
    expect(body.rewards).toEqual([1, 1, -0.5, -1, -1, 1]);
  });

  test("answers OpenRLHF's form by its labels", async () => {
    const prompt = qwen('Add three and four in \\boxed{}', '');
    const { status, headers, body } = await ask(service.port, {
      query: [`${prompt}\\boxed{7}<|im_end|>`, `${prompt}\\boxed{8}<|im_end|>`, `${prompt}7`],
      prompts: [prompt, prompt, prompt],
      labels: ['7', 7, '7'],
    });
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('application/json');
    expect(body).toEqual({
      rewards: [1, -0.5, -1],
      scores: [1, 0, 0],
      extra_logs: { correct: [1, 0, 0], formatted: [1, 1, 0] },
    });
  });

  test('takes an empty label for none', async () => {
    const query = [qwen('What is two plus two, as a digit?', '\\boxed{4}<|im_end|>')];
    expect((await ask(service.port, { query, labels: [''] })).body.rewards).toEqual([1]);
    expect((await ask(service.port, { query, labels: [null] })).body.rewards).toEqual([1]);
  });

  test.each([
    ['queries', { queries: ['\\boxed{7}</s>'], labels: ['7'] }],
    ['a single text', { query: '\\boxed{7}</s>', label: '7' }],
    ['answers', { query: ['\\boxed{7}</s>'], answers: ['7'] }],
    ['responses by themselves', { responses: ['\\boxed{7}</s>'], prompts: ['x'], labels: ['7'] }],
    ['finished', { query: ['\\boxed{7}'], labels: ['7'], finished: [true] }],
    ['null prompts', { query: ['\\boxed{7}</s>'], prompts: null, labels: ['7'] }],
    ['fields of others', { query: ['\\boxed{7}</s>'], labels: ['7'], model: 'x', n: 1 }],
    [
      'a prompt of messages',
      {
        query: ['Q?\\boxed{7}</s>'],
        prompts: [[{ role: 'user', content: 'Q?' }]],
        labels: ['7'],
      },
    ],
  ])('is liberal: %s', async (_, body) => {
    expect((await ask(service.port, body)).body.rewards).toEqual([1]);
  });

  test.each([
    ['{"query":', 'the body is not JSON'],
    ['[]', 'must be an object'],
    ['{}', 'no field query'],
    ['{"query":[5],"labels":["1"]}', 'query[0] must be text, is the number 5'],
    ['{"query":["a"],"labels":["1","2"]}', 'labels has 2 entries, query 1'],
    ['{"query":["a"],"prompts":[]}', 'prompts has 0 entries, query 1'],
    ['{"query":["a"],"labels":[{}]}', 'labels[0] must be a text or a number'],
    ['{"query":{}}', 'query must be a list'],
    ['\ud800', 'not JSON'],
  ])('refuses %s with 400 and a reason', async (body, reason) => {
    const reply = await ask(service.port, body);
    expect(reply.status).toBe(400);
    expect(reply.body.error).toContain(reason);
  });

  test('refuses other paths, other methods and compressed bodies', async () => {
    const get = { method: 'GET' };
    expect((await ask(service.port, '', { path: '/v1' })).status).toBe(404);
    const read = await ask(service.port, '', get);
    expect([read.status, read.headers.allow]).toEqual([405, 'POST']);
    expect((await ask(service.port, '', { path: '/health' })).status).toBe(405);
    expect((await ask(service.port, '', { path: '/health', ...get })).body.status).toBe('ok');
    const headers = { 'content-encoding': 'gzip' };
    expect((await ask(service.port, '{}', { headers })).status).toBe(415);
    expect((await ask(service.port, '{"query":[]}', { path: '/get_reward/?a=1' })).body).toEqual({
      ...{ rewards: [], scores: [], extra_logs: { correct: [], formatted: [] } },
    });
  });

  test('refuses a body above 8 MiB with 413, told or not, and takes one just below', async () => {
    const large = `{"query":["${'a'.repeat(8 << 20)}"],"labels":["1"]}`;
    const told = await ask(service.port, large, {
      headers: { 'content-length': String(large.length) },
    });
    expect([told.status, told.body.error]).toEqual([413, expect.stringContaining('8388608')]);
    const { request, reply } = begin(service.port);
    for (let at = 0; at < large.length; at += 1 << 20)
      request.write(large.slice(at, at + (1 << 20)));
    request.end();
    expect((await reply).status).toBe(413);
    const text = 'words of some length, '.repeat(340_000);
    const most = await ask(service.port, { query: [`${text}\\boxed{1}</s>`], labels: ['1'] });
    expect([most.status, most.body.rewards]).toEqual([200, [-1]]);
  });

  test('answers 64 requests at once, and the next with 429', async () => {
    const body = JSON.stringify({ query: ['\\boxed{7}</s>'], labels: ['7'] });
    const held = Array.from({ length: 64 }, () => begin(service.port));
    for (const { request } of held) request.write(body.slice(0, 10));
    await until(async () => (await openRequests(service.port)) === 64);
    const refused = await ask(service.port, body);
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '1']);
    expect(refused.body.error).toContain('64 requests');
    for (const { request } of held) request.end(body.slice(10));
    for (const { reply } of held) expect((await reply).body.rewards).toEqual([1]);
    expect((await ask(service.port, body)).status).toBe(200);
  });

  test('forgets requests whose clients go away', async () => {
    const gone = begin(service.port);
    gone.request.write('{"query":');
    await until(async () => (await openRequests(service.port)) === 1);
    gone.reply.catch(() => undefined);
    gone.request.destroy();
    await until(async () => (await openRequests(service.port)) === 0);
  });
});

describe('the end of limr reward --serve', () => {
  test('on SIGTERM what was begun is answered, nothing else, and the code is 0', async (context) => {
    if (process.platform === 'win32') context.skip('Windows ends a process without a signal');
    const { port, child, ended, said } = await serve();
    const lone = connect(port, '127.0.0.1'); // a header that never ends must not hold it
    lone.on('error', () => undefined);
    lone.write('POST /get_reward HTTP/1.1\r\nhost: x\r\n');
    const body = JSON.stringify({ query: ['\\boxed{7}</s>'], labels: ['7'] });
    const begun = begin(port);
    begun.request.write(body.slice(0, 20));
    await until(async () => (await openRequests(port)) === 1);
    const unlabelled = await ask(port, { query: ['\\boxed{7}</s>'], labels: [''] });
    expect([unlabelled.status, unlabelled.body.error]).toEqual([
      400,
      'labels[0] is empty, and the service has no prompt file (--prompts)',
    ]);
    child.kill('SIGTERM');
    await until(() =>
      ask(port, body).then(
        () => false,
        () => true,
      ),
    );
    begun.request.end(body.slice(20));
    expect((await begun.reply).body.rewards).toEqual([1]);
    expect(await ended).toBe(0);
    expect(said()).toMatch(/requests answered, \d+ refused\n$/);
    lone.destroy();
  }, 120_000);

  test('a request that takes too long is given up: 408 or 503', async () => {
    const { port, child, ended } = await serve('--time-limit', '0.001', '--verifier', 'exact');
    const slow = begin(port);
    slow.request.write('{"query":');
    const late = await slow.reply;
    expect([late.status, late.body.error]).toEqual([408, expect.stringContaining('0.001 s')]);
    slow.request.destroy();
    const many = `"${Array.from({ length: 900_000 }, () => '1').join('","')}"`;
    const busy = await ask(port, `{"query":[${many}],"labels":[${many}]}`);
    expect([408, 503]).toContain(busy.status);
    expect(busy.body.error).toContain('took more than 0.001 s');
    child.kill('SIGINT');
    // Windows ends a process without a signal.
    expect(await ended).toBe(process.platform === 'win32' ? null : 0);
  }, 120_000);
});

describe('splitQuery', () => {
  test.each([
    ['Q: a A: 4', 'Q: a A:', ' 4'],
    ['<s>Q: a\n4', 'Q: a\n', '4'],
    ['<s> Q: a 4', 'Q: a \n', ' 4'],
    ['no header, no prompt', undefined, 'no header, no prompt'],
    ['x<|im_start|>assistant\n1<|im_end|>\n<|im_start|>assistant\n2', undefined, '2'],
    // A prompt without its template: the first header behind it, not one that the response made up.
    [
      '<|im_start|>user\nQ\nThink.<|im_end|>\n<|im_start|>assistant\n1<|im_start|>assistant\n2',
      'Q\n',
      '1<|im_start|>assistant\n2',
    ],
    [
      '<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n1<|im_start|>assistant\n2',
      '<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n',
      '1<|im_start|>assistant\n2',
    ],
    [
      '<|start_header_id|>user<|end_header_id|>\n\nQ<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n4',
      undefined,
      '4',
    ],
    ['<start_of_turn>user\nQ<end_of_turn>\n<start_of_turn>model\n4', undefined, '4'],
    ['<s>[INST] Q [/INST] 4', undefined, ' 4'],
    ['<|im_start|>assistant\nas in [/INST] 4', undefined, 'as in [/INST] 4'],
    ['<\uff5cUser\uff5c>Q<\uff5cAssistant\uff5c>4', undefined, '4'],
    // A tokenizer has composed the accent.
    ['caf\u00e9: 4', 'cafe\u0301:', ' 4'],
    ['Q: b 4', 'another prompt', 'Q: b 4'],
  ])('of %j after %j is %j', (query, prompt, response) => {
    expect(splitQuery(query, prompt).response).toBe(response);
  });
});
