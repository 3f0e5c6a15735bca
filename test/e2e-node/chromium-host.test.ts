import { execFile, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findChromium } from '../../scripts/chromium.mjs';
import { launchChromium } from '../../src/cli/chromium.ts';
import { death, SystemServer } from '../../src/cli/chromium-host.ts';
import { readSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import { expectClose } from '../support/gpu.ts';
import { MemorySystem } from '../support/memory-system.ts';

// A browser starts, and compiles its pipelines anew, in every test.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

const root = join(import.meta.dirname, '../..');
const script = join(root, 'bin/limr.mjs');
const model = join(root, 'test/fixtures/models/qwen2-tied');
const rollouts = join(root, 'test/fixtures/lim/basic');
const folder = mkdtempSync(join(tmpdir(), 'limr-chromium-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const put = (name: string, value: unknown): string => {
  writeFileSync(at(name), JSON.stringify(value));
  return at(name);
};
const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The built command, run in the scratch folder. */
const built = (argv: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const options = { cwd: folder, timeout: 110_000, env: { ...process.env, ...more } };
    execFile(process.execPath, [script, ...argv], options, (error, stdout, stderr) => {
      // Drivers print warnings of their own; a source saved meanwhile is built first.
      const own = stderr.replace(/^(Warning: |error: |limr: building ).*\n/gm, '');
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr: own });
    });
  });

const inPage = (argv: readonly string[], more?: NodeJS.ProcessEnv) =>
  built([...argv, '--host', 'chromium', '--adapter', 'software'], more);

const noBrowser = findChromium() === undefined ? 'there is no Chromium here' : undefined;

describe.skipIf(noBrowser !== undefined)('a page that ends', () => {
  test('says what it was doing and how much memory there was', async () => {
    const bytes = new Uint8Array(9000);
    const server = new SystemServer(new MemorySystem([['m/model.safetensors', bytes]]));
    const browser = await launchChromium('software');
    try {
      const page = await browser.newPage();
      const ended = death(page, server).catch((error: unknown) => String(error));
      const heap = { used: 3 * 2 ** 20, limit: 2 ** 31 };
      await server.answer('doing', ["reading tensor 'embed' (3, 4) of m", heap]);
      await server.answer('open', ['m/model.safetensors']);
      await server.answer('read', [1, 0, 4096]);
      await page.goto('chrome://crash').catch(() => undefined);
      expect(await ended).toMatch(
        /^ChromiumError: the page crashed while reading tensor 'embed' \(3, 4\) of m \(it had read m\/model.safetensors to byte 4096 of 9000\); its heap held 3.0 MiB of 2.00 GiB before that, this machine has \d+\.\d+ [GM]iB free of \d/,
      );
    } finally {
      await browser.close();
    }
  });
});

describe.skipIf(noBrowser !== undefined)('--host chromium', () => {
  let ids = '';
  beforeAll(async () => {
    ids = put('ids.json', {
      input_ids: [
        [5, 6, 7, 8],
        [0, 9, 10, 11],
      ],
      attention_mask: [
        [1, 1, 1, 1],
        [0, 1, 1, 1],
      ],
    });
    // Brings dist/ up to date outside the time of a test.
    await built(['--version']);
  });

  test('gives the logits of the Node host', async () => {
    const argv = ['logits', model, '--ids', ids];
    const here = await built([...argv, '--out', at('node.safetensors')]);
    // Relative paths are those of the process that was called.
    const there = await inPage([...argv, '--out', 'new/page.safetensors', '--json']);
    expect([here.code, there.code]).toEqual([0, 0]);
    expect(there.stderr).toMatch(
      /^adapter: .*swiftshader.* \(software adapter\)\nlogits: \(2, 4, /,
    );
    expect(JSON.parse(there.stdout)).toMatchObject({
      shape: [2, 4, 320],
      out: 'new/page.safetensors',
    });
    const logits = (name: string) =>
      toFloat32(readSafetensors(readFileSync(at(name)), name).tensors.get('logits')!);
    expect(logits('node.safetensors').some((value) => value !== 0)).toBe(true);
    expectClose(logits('new/page.safetensors'), logits('node.safetensors'), {
      abs: 1e-4,
      rel: 1e-4,
    });
    expect(readdirSync(at('new'))).toEqual(['page.safetensors']);
  });

  test('gives the scores of the Node host', async () => {
    const here = await built(['score', rollouts, '--out', at('node.json')]);
    const there = await inPage(['score', rollouts, '--out', at('page.json')]);
    expect([here.code, there.code]).toEqual([0, 0]);
    const rows = (name: string) => json(at(name)) as { score: number; rewards: number[] }[];
    const [own, want] = [rows('page.json'), rows('node.json')];
    expect(own.map(({ rewards }) => rewards)).toEqual(want.map(({ rewards }) => rewards));
    expectClose(
      own.map(({ score }) => score),
      want.map(({ score }) => score),
      { abs: 1e-6 },
    );
  });

  test('generates what the Node host generates', async () => {
    const argv = ['generate', model, '--prompt', 'Find x', '--temperature', '0'];
    const some = [...argv, '--max-new-tokens', '6', '--json'];
    const [here, there] = [await built(some), await inPage(some)];
    const texts = ({ stdout }: Ended) =>
      (JSON.parse(stdout) as { ids: number[]; text: string }[]).map(({ ids, text }) => [ids, text]);
    expect(texts(there)).toEqual(texts(here));
  });

  test('ends on bad input with the line and the code of the Node host', async () => {
    const argv = ['score', 'not-there.jsonl'];
    const [here, there] = [await built(argv), await inPage(argv)];
    expect(there).toEqual({
      code: 2,
      stdout: '',
      stderr: 'limr score: not-there.jsonl: no such file or folder\n',
    });
    expect(there).toEqual(here);
  });

  test('leaves nothing behind when Ctrl-C ends it', async () => {
    const temporary = at('temporary');
    mkdirSync(temporary);
    const argv = [
      'generate',
      model,
      '--prompt',
      'Find x',
      '--ignore-eos',
      '--out',
      at('late.json'),
    ];
    const child = spawn(
      process.execPath,
      [script, ...argv, '--host', 'chromium', '--adapter', 'software', '-n', '2000'],
      { env: { ...process.env, TMPDIR: temporary }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    child.stderr.on('data', (text: Buffer) => {
      if (String(text).includes('adapter:')) child.kill('SIGINT');
    });
    expect(await ended).toBe('SIGINT');
    expect(existsSync(at('late.json'))).toBe(false);
    expect(readdirSync(temporary)).toEqual([]);
  });
});

describe('without a browser', () => {
  test('ends with one line and code 1', async () => {
    const { code, stderr } = await inPage(['score', rollouts, '--out', at('none.json')], {
      CHROMIUM_PATH: at('nothing'),
    });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `limr score: CHROMIUM_PATH: no file at ${at('nothing')}\n`,
    });
  });
});
