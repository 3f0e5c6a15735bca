import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { chosenConfig } from '../../src/cli/chosen-config.ts';
import { lockFolder } from '../../src/cli/folder-lock.ts';
import { hubFolder } from '../../src/cli/hub-cache.ts';
import { Hub, retryAfter } from '../../src/hub/hub.ts';
import { parseModelId } from '../../src/hub/model-id.ts';
import { limr } from '../support/command-line.ts';
import { COMMIT, FakeHub } from '../support/fake-hub.ts';

// Nothing is waited for between two tries.
vi.mock('node:timers/promises', async (original) => ({
  ...(await original<object>()),
  setTimeout: () => Promise.resolve(),
}));

const fixture = join(import.meta.dirname, '../fixtures/models/qwen2-tied');
const modelFiles = new Map(
  readdirSync(fixture)
    .filter((name) => !name.startsWith('fixture'))
    .map((name) => [name, new Uint8Array(readFileSync(join(fixture, name)))]),
);
const REPO = 'some-org/Some-Model';
const ID = `hf:${REPO}`;
const WEIGHTS = 'model.safetensors';
const weights = modelFiles.get(WEIGHTS)!;

const scratch = mkdtempSync(join(tmpdir(), 'limr-hub-'));
afterAll(() => rmSync(scratch, { recursive: true }));

let count = 0;
let cache = '';
let hub: FakeHub;
beforeEach(async () => {
  cache = join(scratch, `${++count}`);
  // What is not for us: code, weights that run code, a folder, another model's weights.
  const others = [
    'modeling.py',
    'pytorch_model.bin',
    'onnx/model.json',
    'consolidated.safetensors',
  ];
  hub = new FakeHub(
    REPO,
    new Map([...modelFiles, ...others.map((name) => [name, Buffer.from('x')] as const)]),
  );
  vi.stubEnv('HF_ENDPOINT', await hub.open());
  vi.stubEnv('LIMR_CACHE', cache);
  vi.stubEnv('HF_HOME', join(cache, 'hf'));
  for (const name of ['HF_TOKEN', 'HF_HUB_CACHE', 'HF_HUB_OFFLINE']) vi.stubEnv(name, '');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.close();
});

const modelAt = (): string => join(cache, 'hub', `models--${REPO.replace('/', '--')}`);
const snapshotAt = (): string => join(modelAt(), 'snapshots', COMMIT);
const wanted = [...modelFiles.keys()].sort();

/** Answers the first requests for a file's bytes; each answer once. */
const onFile = (
  name: string,
  ...answers: ((range: string | undefined, response: ServerResponse) => void)[]
): void => {
  hub.instead.push(({ path, headers }, response) => {
    if (!path.endsWith(`/${name}`)) return false;
    const answer = answers.shift();
    answer?.(headers.range, response);
    return answer !== undefined;
  });
};

/** Sends the beginning of the weights, then breaks the connection. */
const broken =
  (bytes: number) =>
  (_: string | undefined, response: ServerResponse): void => {
    response.writeHead(200, { 'content-length': weights.length });
    response.write(weights.subarray(0, bytes), () => setTimeout(() => response.destroy(), 20));
  };

/** A model is whole: nothing else lies beside its files. */
function expectWhole(): void {
  expect(readdirSync(snapshotAt()).sort()).toEqual([...wanted, 'limr-hub.json'].sort());
  for (const [name, bytes] of modelFiles) {
    expect(readFileSync(join(snapshotAt(), name)).equals(bytes), name).toBe(true);
  }
  expect(readdirSync(modelAt()).sort()).toEqual(['refs', 'snapshots']);
}

/** Nothing is under the name of the weights. */
const expectNoWeights = (): void => expect(existsSync(join(snapshotAt(), WEIGHTS))).toBe(false);

describe('the name of a model', () => {
  test.each([
    ['hf:org/name', 'org/name', 'main'],
    ['hf:Qwen/Qwen2.5-0.5B@v1.0', 'Qwen/Qwen2.5-0.5B', 'v1.0'],
    ['hf:a/b@refs/pr/1', 'a/b', 'refs/pr/1'],
  ])('%s', (text, repo, revision) => {
    expect(parseModelId(text)).toEqual({ repo, revision });
  });

  test.each([
    ...['hf:', 'hf:name', 'hf:/name', 'hf:org/', 'hf:a/b/c', 'hf:../b', 'hf:a/..', 'hf:a/.b'],
    ...['hf:a/b c', 'hf:a/b%2f', 'hf:a\\b/c', 'hf:a/b--c', 'hf:a/b@', 'hf:a/b@../x', 'hf:a/b@x@y'],
    ...['hf:a/b?x=1', 'hf:https://x/y', 'hf:a/b@-x', `hf:a/${'b'.repeat(97)}`],
  ])('%s is none', async (text) => {
    expect(() => parseModelId(text)).toThrow('hf:');
    const { code, stderr, stdout } = await limr('pull', text);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(text);
    expect(hub.asked).toEqual([]);
  });
});

describe('limr pull', () => {
  test('downloads what loads the model, once, and says its licence', async () => {
    const first = await limr('pull', ID);
    expect(first).toMatchObject({ code: 0, stdout: `${snapshotAt()}\n` });
    expect(first.stderr).toMatch(
      new RegExp(
        `^model: ${ID} at commit ${COMMIT.slice(0, 12)}, licence: apache-2.0; .* to download\n`,
      ),
    );
    expectWhole();
    expect(hub.downloads.sort()).toEqual(wanted);
    // A branch may move: the hub is asked for its commit, and for nothing that is there.
    const again = await limr('pull', ID, '--json');
    expect(JSON.parse(again.stdout)).toEqual({ folder: snapshotAt() });
    expect(hub.downloads).toHaveLength(wanted.length);
    // Other commands ask nobody.
    const before = hub.asked.length;
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    const fit = await limr('fit', ID, '--json');
    expect(fit.code).toBe(0);
    expect(fit.stderr).toContain(`model: ${ID} at ${snapshotAt()}\n`);
    expect(hub.asked).toHaveLength(before);
  });

  test('limr fit needs no weights, and what comes later is the rest', async () => {
    expect((await limr('fit', ID, '--json')).code).toBe(0);
    expectNoWeights();
    expect(hub.downloads).not.toContain(WEIGHTS);
    const small = hub.downloads.length;
    expect((await limr('pull', `${ID}@${COMMIT}`)).code).toBe(0);
    expectWhole();
    expect(hub.downloads.slice(small)).toEqual([WEIGHTS]);
  });

  test('goes on where the connection broke', async () => {
    onFile(WEIGHTS, broken(1000));
    const { code, stderr } = await limr('pull', ID);
    expect(code).toBe(0);
    expect(stderr).toContain(`${ID}: ${WEIGHTS}: `);
    expect(hub.downloads.filter((one) => one.startsWith(WEIGHTS))).toEqual([
      WEIGHTS,
      `${WEIGHTS} bytes=1000-`,
    ]);
    expectWhole();
  });

  test('goes on where an earlier command was killed', async () => {
    mkdirSync(snapshotAt(), { recursive: true });
    writeFileSync(join(snapshotAt(), `${WEIGHTS}.part`), weights.subarray(0, 777));
    expect((await limr('pull', ID)).code).toBe(0);
    expect(hub.downloads).toContain(`${WEIGHTS} bytes=777-`);
    expectWhole();
  });

  test.each([
    ['wrong bytes', Buffer.alloc(500, 1)],
    ['more than there are', Buffer.alloc(weights.length + 1)],
  ])('begins anew where an earlier command left %s', async (_, left) => {
    mkdirSync(snapshotAt(), { recursive: true });
    writeFileSync(join(snapshotAt(), `${WEIGHTS}.part`), left);
    expect((await limr('pull', ID)).code).toBe(0);
    expectWhole();
  });

  test('begins anew where the content has changed meanwhile', async () => {
    const tagged =
      (tag: string, status: number, from: number) => (_: unknown, response: ServerResponse) => {
        response.writeHead(status, {
          'x-linked-etag': tag,
          'content-length': weights.length - from,
          ...(status === 206 ? { 'content-range': `bytes ${from}-/${weights.length}` } : {}),
        });
        const part = weights.subarray(from, from + 400);
        response.write(part, () => setTimeout(() => response.destroy(), 20));
      };
    onFile(WEIGHTS, tagged('"a"', 200, 0), tagged('"b"', 206, 400));
    expect((await limr('pull', ID)).code).toBe(0);
    expect(hub.downloads.filter((one) => one.startsWith(WEIGHTS))).toEqual([
      WEIGHTS,
      `${WEIGHTS} bytes=400-`,
      WEIGHTS,
    ]);
    expectWhole();
  });

  test.each([
    ['416', (_: unknown, response: ServerResponse) => response.writeHead(416).end()],
    [
      'the whole file',
      (_: unknown, response: ServerResponse) => hub.send(weights, undefined, response),
    ],
    [
      'another part',
      (_: unknown, response: ServerResponse) =>
        response
          .writeHead(206, { 'content-range': `bytes 5-/${weights.length}` })
          .end(weights.subarray(5)),
    ],
  ])('begins anew where the hub answers a range with %s', async (_, answer) => {
    onFile(WEIGHTS, broken(1000), answer);
    expect((await limr('pull', ID)).code).toBe(0);
    expectWhole();
  });

  test('waits while the hub is busy', async () => {
    const busy = (status: number) => (_: unknown, response: ServerResponse) =>
      response.writeHead(status, { 'retry-after': '0' }).end();
    onFile(WEIGHTS, busy(429), busy(503));
    const { code, stderr } = await limr('pull', ID);
    expect(code).toBe(0);
    expect(stderr).toContain(`${ID}: ${WEIGHTS}: the hub answers 429; again in 0 s\n`);
    expectWhole();
  });

  test('sends its token to the hub alone, and keeps it nowhere', async () => {
    const other = new FakeHub(REPO, modelFiles);
    await other.open();
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    hub.instead.push(({ path }, response) => {
      if (!path.endsWith(WEIGHTS)) return false;
      response.writeHead(302, { location: `${other.endpoint}${path}` }).end();
      return true;
    });
    try {
      const { code, stdout, stderr } = await limr('pull', ID);
      expect(code).toBe(0);
      expect(hub.asked.every(({ headers }) => headers.authorization === 'Bearer hf_secret')).toBe(
        true,
      );
      expect(other.asked.map(({ headers }) => headers.authorization)).toEqual([undefined]);
      expectWhole();
      expect(stdout + stderr).not.toContain('hf_secret');
      const notes = readFileSync(join(snapshotAt(), 'limr-hub.json'), 'utf8');
      expect(notes).not.toContain('hf_secret');
    } finally {
      await other.close();
    }
  });

  test.each([
    ['ftp://127.0.0.1/x', 'which is not https'],
    ['file:///etc/passwd', 'which is not https'],
    ['http://[', 'which is not https'],
  ])('follows no redirect to %s', async (location, why) => {
    onFile(WEIGHTS, (_, response) => response.writeHead(302, { location }).end());
    const { code, stderr } = await limr('pull', ID);
    expect(code).toBe(1);
    expect(stderr).toContain(why);
    expectNoWeights();
  });

  test('follows no circle of redirects', async () => {
    hub.instead.push(({ path }, response) => {
      if (!path.endsWith(WEIGHTS)) return false;
      response.writeHead(307, { location: path }).end();
      return true;
    });
    expect((await limr('pull', ID)).stderr).toContain('redirected without an end');
  });

  test.each([WEIGHTS, 'config.json'])('takes no %s that is not the one listed', async (name) => {
    const bytes = Uint8Array.from(hub.files.get(name)!);
    bytes[bytes.length - 1] ^= 1;
    hub.instead.push(({ path, headers }, response) => {
      if (!path.endsWith(`/${name}`)) return false;
      hub.send(bytes, headers.range, response);
      return true;
    });
    const { code, stdout, stderr } = await limr('pull', ID);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      new RegExp(`${ID}: ${name}: its SHA-(256|1) is not the one that the hub lists`),
    );
    expect(readdirSync(snapshotAt()).filter((one) => one.startsWith(name))).toEqual([]);
  });

  test('takes no more bytes than are listed', async () => {
    onFile(WEIGHTS, (_, response) => response.end(Buffer.alloc(weights.length + 1)));
    const { code, stderr } = await limr('pull', ID);
    expect(code).toBe(1);
    expect(stderr).toContain(`it has more than the ${weights.length} bytes that the hub lists`);
    expectNoWeights();
  });

  test.each([
    [401, 2, 'without a token (HF_TOKEN)'],
    [403, 2, 'without a token (HF_TOKEN)'],
    [404, 2, 'the hub has no such model, revision or file'],
    [418, 1, 'the hub answers 418'],
  ])('says what an answer of %i means', async (status, code, words) => {
    hub.instead.push((_, response) => Boolean(response.writeHead(status).end()));
    const found = await limr('pull', ID);
    expect(found.code).toBe(code);
    expect(found.stderr).toContain(`${ID}: `);
    expect(found.stderr).toContain(words);
    expect(existsSync(modelAt())).toBe(false);
  });

  test.each([
    [{ sha: 'main' }, 'sha'],
    [{ siblings: [{ rfilename: 'config.json', size: -1, blobId: COMMIT }] }, 'siblings.0.size'],
    [{ siblings: 7 }, 'siblings'],
    [{ siblings: [] }, 'it has no config.json'],
    [{ siblings: [{ rfilename: 'config.json' }] }, 'no size or no digest of config.json'],
    [
      {
        siblings: [
          { rfilename: 'config.json', size: 2, blobId: COMMIT },
          { rfilename: 'pytorch_model.bin', size: 2, blobId: COMMIT },
        ],
      },
      'it has no model.safetensors; pytorch_model.bin is not read',
    ],
    [
      {
        siblings: [
          { rfilename: 'config.json', size: 2 ** 30, blobId: COMMIT },
          { rfilename: WEIGHTS, lfs: { sha256: '0'.repeat(64), size: 1 } },
        ],
      },
      'config.json has 1073741824 bytes, more than',
    ],
    [
      {
        siblings: [
          { rfilename: 'config.json', size: 2, blobId: COMMIT },
          { rfilename: WEIGHTS, lfs: { sha256: '0'.repeat(64), size: 2 ** 44 } },
        ],
      },
      'LIMR_CACHE names another folder',
    ],
  ])('writes nothing where the listing is %o', async (listing, words) => {
    hub.listing = listing;
    const { code, stderr } = await limr('pull', ID);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain(words);
    expect(existsSync(snapshotAt())).toBe(false);
  });

  test('is the only one in the folder of a model', async () => {
    const lock = await lockFolder(modelAt());
    const { code, stderr } = await limr('pull', ID);
    await lock.release();
    expect(code).toBe(2);
    expect(stderr).toContain('another run works there');
  });

  test('refuses an endpoint that is none, and a folder', async () => {
    vi.stubEnv('HF_ENDPOINT', 'huggingface.co');
    expect((await limr('pull', ID)).stderr).toContain(
      "HF_ENDPOINT: 'huggingface.co' is no address",
    );
    expect(await limr('pull', fixture)).toMatchObject({ code: 2, stdout: '' });
  });
});

test('a config may name a model of the hub, and gets its folder', async () => {
  const file = join(cache, 'c.json');
  const write = (model: object): void => {
    mkdirSync(cache, { recursive: true });
    const task = { name: 'dataset', prompts: 'p.jsonl', maxPromptTokens: 8, maxResponseTokens: 8 };
    writeFileSync(file, JSON.stringify({ model: { kind: 'folder', ...model }, task }));
  };
  write({ hf: REPO });
  expect((await chosenConfig('test', file)).model).toEqual({
    kind: 'folder',
    path: realpathSync(snapshotAt()),
  });
  expectWhole();
  for (const model of [{ hf: 7 }, { hf: REPO, path: 'm' }]) {
    write(model);
    await expect(chosenConfig('test', file)).rejects.toThrow('model.hf: must be ORG/NAME');
  }
});

describe('the cache of other tools', () => {
  const theirs = (): string => join(cache, 'hf/hub', `models--${REPO.replace('/', '--')}`);
  const plant = (files: Iterable<readonly [string, Uint8Array]>): void => {
    const snapshot = join(theirs(), 'snapshots', COMMIT);
    for (const folder of [snapshot, join(theirs(), 'refs')]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(theirs(), 'refs/main'), COMMIT);
    for (const [name, bytes] of files) writeFileSync(join(snapshot, name), bytes);
  };

  test('is read first, and nobody is asked', async () => {
    plant(modelFiles);
    const { code, stderr } = await limr('fit', ID, '--json');
    expect(code).toBe(0);
    expect(stderr).toContain(`model: ${ID} at ${join(theirs(), 'snapshots', COMMIT)}\n`);
    expect(hub.asked).toEqual([]);
  });

  test('is not taken where it has no weights and they are wanted', async () => {
    plant([...modelFiles].filter(([name]) => name !== WEIGHTS));
    await hubFolder(ID, { weights: true });
    expectWhole();
  });

  test('offline, what no cache has is said', async () => {
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    const { code, stderr } = await limr('fit', ID);
    expect(code).toBe(1);
    expect(stderr).toContain('no cache has it, and HF_HUB_OFFLINE is set');
    expect(hub.asked).toEqual([]);
  });
});

describe('a hub', () => {
  const open = (more: object = {}) => {
    const waited: number[] = [];
    const told: string[] = [];
    const client = new Hub({
      endpoint: hub.endpoint,
      wait: (ms) => Promise.resolve(void waited.push(ms)),
      note: (text) => void told.push(text),
      ...more,
    });
    return { client, waited, told };
  };

  test('is tried five times in a row, longer and longer apart, or as long as it says', async () => {
    const { client, waited } = open();
    hub.instead.push((_, response) => Boolean(response.writeHead(500).end()));
    await expect(client.model(parseModelId(ID))).rejects.toThrow(
      'the hub answers 500, 5 times in a row',
    );
    expect(waited).toEqual([500, 1000, 2000, 4000]);
    hub.instead = [(_, response) => Boolean(response.writeHead(429, { 'retry-after': '7' }).end())];
    await expect(client.model(parseModelId(ID))).rejects.toThrow('answers 429');
    expect(waited.slice(4)).toEqual([7000, 7000, 7000, 7000]);
  });

  test('that says nothing is given up', async () => {
    const { client, told } = open({ silenceMs: 30 });
    hub.instead.push(() => true);
    await expect(client.model(parseModelId(ID))).rejects.toThrow(
      'the hub said nothing for 0.03 s, 5 times',
    );
    expect(told).toHaveLength(4);
  });

  test('that is not there is said to be', async () => {
    const { client } = open({ endpoint: 'http://127.0.0.1:9' });
    await expect(client.model(parseModelId(ID))).rejects.toThrow(
      `${ID}: the hub cannot be reached`,
    );
  });

  test('tells how long to wait in seconds or by a date', () => {
    expect(retryAfter('12')).toBe(12_000);
    expect(retryAfter(null)).toBeUndefined();
    expect(retryAfter('soon')).toBeUndefined();
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(retryAfter('Thu, 01 Jan 2026 00:00:05 GMT', now)).toBe(5000);
    expect(retryAfter('Thu, 01 Jan 2026 00:00:00 GMT', now + 9000)).toBe(0);
  });
});
