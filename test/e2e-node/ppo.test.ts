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
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findChromium } from '../../scripts/chromium.mjs';
import { differences } from '../faults/compare.ts';
import { commandsIn, type Ended, nodeCommand as node } from '../support/limr-command.ts';

// Pipelines are compiled anew in every process.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });
const noBrowser = findChromium() === undefined;
const root = join(import.meta.dirname, '../..');
const model = join(root, 'test/fixtures/models/qwen2-tied');
const folder = mkdtempSync(join(tmpdir(), 'limr-ppo-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const json = (path: string): unknown => JSON.parse(readFileSync(at(path), 'utf8'));
const linesOf = (path: string): string[] => readFileSync(path, 'utf8').trimEnd().split('\n');
const start = commandsIn(folder);

const settings = {
  task: { template: 'none', maxPromptTokens: 16, maxResponseTokens: 5, lastBatch: 'short' },
  rollout: { prompts: 4, samples: 3 },
  ppo: { actor: { learningRate: 0.01, warmupUpdates: 0 } },
  // A random model: every score counts.
  lim: { signal: 'reward', theta: -1e6 },
  experiment: { epochs: 3, checkpointEvery: 2 },
  cacheStorage: 'f16',
};
const prompts = ['2+2=', 'a b c', 'Say yes.', '7', 'one two', 'x'];

/** `limr ppo` of the model with these options. */
const ppo = (...options: readonly string[]): readonly string[] => [
  ...['ppo', model, '--prompts', 'p.jsonl', '--verifier', 'exact', '--config', 'c.json'],
  ...['--rank', '4', '--base', 'f32', ...options],
];

beforeAll(async () => {
  writeFileSync(at('c.json'), JSON.stringify(settings));
  const rows = prompts.map((prompt, i) => ({ id: `row-${i}`, prompt, answer: String(i) }));
  writeFileSync(at('p.jsonl'), `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  // Brings dist/ up to date outside the time of a test.
  await start(node, ['--version']);
});

/** Starts a run that is left by a signal once some updates are done. */
async function left(out: string, by: NodeJS.Signals, argv: readonly string[]): Promise<Ended> {
  let timer: ReturnType<typeof setInterval> | undefined;
  const ended = await start(node, argv, (child) => {
    timer ??= setInterval(() => {
      const records = at(`${out}/metrics.jsonl`);
      if (!existsSync(records) || linesOf(records).length < 2) return;
      clearInterval(timer);
      child.kill(by);
    }, 10);
  });
  clearInterval(timer);
  return ended;
}

describe('limr ppo', () => {
  test('trains adapters, and what it leaves is read by the other commands', async () => {
    const ended = await start(node, ppo('--out', 'whole', '--memory', '1GiB'));
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining('no held-out tiers')]);
    expect(ended.stderr).toMatch(/^GPU memory: .* of 896\.0 MiB; rows that decode together: 12,/m);
    expect(json('whole/config.json')).toMatchObject({ memory: 0.875 * 2 ** 30 });
    expect(ended.stderr).not.toContain('NaN');
    // Two rollouts an epoch, one of them short.
    expect(linesOf(at('whole/metrics.jsonl'))).toHaveLength(3 * 2);
    expect(readdirSync(at('whole/adapter')).sort()).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
    ]);
    expect(json('whole/adapter/adapter_config.json')).toMatchObject({
      r: 4,
      lora_alpha: 32,
      base_model_name_or_path: model,
    });
    expect(json('whole/base.json')).toMatchObject({ id: model });
    expect(json('whole/inputs.json')).toMatchObject([{ path: at('p.jsonl') }]);

    // Scores of the completions are the run's own.
    const scored = await start(node, [
      ...['score', 'whole/completions', '--prompts', 'p.jsonl', '--signal', 'reward'],
      ...['--out', 'again.json'],
    ]);
    expect([scored.code, scored.stderr]).toEqual([0, expect.any(String)]);
    const [own, again] = (['whole/scores.json', 'again.json'] as const).map(
      (path) => json(path) as { score: number; rewards: number[]; prompt: string }[],
    );
    expect(again).toHaveLength(prompts.length);
    for (const [i, { score, rewards, prompt }] of own.entries()) {
      expect(again[i]).toMatchObject({ id: `row-${i}`, prompt });
      expect(again[i].score).toBeCloseTo(score, 5);
      for (const [k, reward] of rewards.entries()) {
        expect(again[i].rewards[k]).toBeCloseTo(reward, 6);
      }
    }

    expect(own[2]).toMatchObject({ id: 'row-2', index: 2, prompt: prompts[2] });
    // The scores find the rows of the user's file, by their ids.
    const rows = linesOf(at('p.jsonl')).reverse();
    writeFileSync(at('turned.jsonl'), `${rows.join('\n')}\n`);
    const selected = await start(node, [
      ...['select', 'whole/scores.json', '--prompts', 'turned.jsonl', '--method', 'lim'],
      ...['--count', '2', '--out', 'kept.jsonl'],
    ]);
    expect([selected.code, selected.stderr]).toEqual([0, expect.any(String)]);
    const best = own
      .map(({ score }, i) => ({ score, id: `row-${i}` }))
      .sort((a, b) => b.score - a.score)
      .slice(0, 2);
    const kept = linesOf(at('kept.jsonl')).map((line) => (JSON.parse(line) as { id: string }).id);
    expect(kept.sort()).toEqual(best.map(({ id }) => id).sort());

    // The adapter opens on its base.
    const merged = await start(node, [
      ...['merge', 'whole/adapter', '--base', model, '--out', 'merged'],
    ]);
    expect([merged.code, merged.stderr]).toEqual([0, expect.any(String)]);
    expect(existsSync(at('merged/model.safetensors'))).toBe(true);
  });

  test('goes on after Ctrl-C and after a kill, bit for bit', async () => {
    const stopped = await left('parts', 'SIGINT', ppo('--out', 'parts', '--memory', '1GiB'));
    expect([stopped.code, stopped.stderr]).toEqual([
      1,
      expect.stringContaining('continue with: limr run --resume parts\n'),
    ]);
    const killed = await left('parts', 'SIGKILL', ['run', '--resume', 'parts']);
    // The run may have been done before the signal came.
    expect([0, null]).toContain(killed.code);
    if (killed.code === null) {
      expect((await start(node, ['run', '--resume', 'parts'])).code).toBe(0);
    }
    const odd = differences(at('parts'), at('whole'));
    expect(odd.filter((text) => !text.startsWith('checkpoints/the previous'))).toEqual([]);
  });

  test.skipIf(noBrowser)('trains in a page what it trains in Node', async () => {
    const short = ppo(
      ...['--out', 'page', '--memory', '1GiB', '--host', 'chromium', '--adapter', 'software'],
    );
    const ended = await start(node, short);
    expect(ended.stderr).toContain('swiftshader');
    expect(ended.code).toBe(0);
    // Other adapters round otherwise; the files, the prompts and the hash of the config are the same.
    for (const file of ['inputs.json', 'base.json', 'config.json', 'adapter/adapter_config.json']) {
      expect(json(`page/${file}`), file).toEqual(json(`whole/${file}`));
    }
    expect(linesOf(at('page/metrics.jsonl'))).toHaveLength(3 * 2);
    expect((json('page/results.json') as { host: string }).host).toContain('chromium');
  });

  test('limr eval judges by a module, and tells of responses that it cannot judge', async () => {
    writeFileSync(
      at('judge.mjs'),
      `export default async (prompt, answer, response, { finished }) => {
        if (answer.odd) throw new Error('odd');
        const right = typeof response === 'string' && finished === false && prompt === 'abc';
        return { reward: Number(right), correct: right, formatted: true, extracted: answer.kind };
      };`,
    );
    const rows = [{ kind: 'even' }, { odd: true }];
    const text = rows.map((answer) => `${JSON.stringify({ prompt: 'abc', answer })}\n`).join('');
    writeFileSync(at('q.jsonl'), text);
    const ended = await start(node, [
      ...['eval', model, '--data', 'q.jsonl', '--verifier', './judge.mjs', '--out', 'e.json'],
      ...['--max-new-tokens', '2'],
    ]);
    expect([ended.code, ended.stderr]).toEqual([
      0,
      expect.stringContaining('could not be judged and count as wrong (the first: '),
    ]);
    expect(ended.stderr).toContain('judge.mjs runs as your own code, in processes of its own');
    expect(json('e.json')).toMatchObject({ mean: 0.5, verifier: './judge.mjs' });
  });

  test('Ctrl-C ends the reading of its files, and leaves no run', async () => {
    // The signal itself cannot be timed to come while files are read.
    const code = `
      const on = process.on;
      process.on = function (name, listener) {
        if (name === 'SIGINT') queueMicrotask(listener);
        return on.call(this, name, listener);
      };
      const { main } = await import(${JSON.stringify(pathToFileURL(join(root, 'dist/src/cli/main.js')).href)});
      process.exit(await main(${JSON.stringify(ppo('--out', 'early'))}));`;
    writeFileSync(at('early.mjs'), code);
    const ended = await start([process.execPath, at('early.mjs')], []);
    expect([ended.code, ended.stderr]).toEqual([
      1,
      expect.stringMatching(/stopping …\nstopped; the run had not begun\n$/),
    ]);
    expect(existsSync(at('early/config.json'))).toBe(false);
  });

  test.skipIf(noBrowser)('judges by a module in a sandboxed frame of a page', async () => {
    writeFileSync(
      at('mine.js'),
      `export default (prompt, answer, response) => ({
        reward: self.origin === 'null' ? 0.75 : -1, correct: true, formatted: true, extracted: null,
      });`,
    );
    const experiment = { ...settings.experiment, epochs: 1 };
    writeFileSync(at('one.json'), JSON.stringify({ ...settings, experiment }));
    const ended = await start(node, [
      ...['ppo', model, '--prompts', 'p.jsonl', '--verifier', './mine.js', '--config', 'one.json'],
      ...['--rank', '4', '--base', 'f32', '--out', 'framed'],
      ...['--host', 'chromium', '--adapter', 'software'],
    ]);
    expect(ended.stderr).toContain('mine.js runs in a sandboxed frame without network');
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining('swiftshader')]);
    const updates = linesOf(at('framed/metrics.jsonl')).map(
      (line) => JSON.parse(line) as { metrics: { reward_mean: number } },
    );
    expect(updates.map(({ metrics }) => metrics.reward_mean)).toEqual([0.75, 0.75]);
  });

  test('goes on only with the files that it began with', async () => {
    mkdirSync(at('moved'));
    const rows = readFileSync(at('p.jsonl'), 'utf8');
    await left('moved/run', 'SIGINT', ppo('--out', 'moved/run'));
    writeFileSync(at('p.jsonl'), rows.replace('"7"', '"8"'));
    const refused = await start(node, ['run', '--resume', 'moved/run']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(`${at('p.jsonl')} has changed since the run began`);
    writeFileSync(at('p.jsonl'), rows);
    expect((await start(node, ['run', '--resume', 'moved/run'])).code).toBe(0);
  });

  test('is one method of a study: limr run trains the arms, each from the base', async () => {
    mkdirSync(at('elsewhere'));
    writeFileSync(at('elsewhere/held.jsonl'), '{"prompt": "3", "answer": "3"}\n');
    const study = {
      ...settings,
      model: { kind: 'folder', path: model },
      task: {
        ...settings.task,
        name: 'dataset',
        prompts: '../p.jsonl',
        verifier: 'exact',
        tiers: [{ file: 'held.jsonl' }, { file: 'held.jsonl', samples: 2, temperature: 0.4 }],
      },
      adapter: { rank: 4 },
      lim: { signal: 'reward', count: 3 },
    };
    // Paths are relative to the config's file.
    writeFileSync(at('elsewhere/maths.json'), JSON.stringify(study));
    const ended = await start(node, [
      ...['run', 'elsewhere/maths.json', '--methods', 'full,lim,rand', '--out', 'study'],
    ]);
    expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining('held-out accuracy')]);
    const { base, methods } = json('study/results.json') as {
      base: { tiers: object };
      methods: Record<string, { prompts: number; evaluations: { epochs: number }[] }>;
    };
    expect(Object.keys(base.tiers)).toEqual(['held', 'held (2)']);
    expect(Object.keys(methods).sort()).toEqual(['full', 'lim', 'rand']);
    expect([methods.lim.prompts, methods.rand.prompts]).toEqual([3, 3]);
    for (const { evaluations } of Object.values(methods)) {
      expect(evaluations.map(({ epochs }) => epochs)).toEqual([1, 2, 3]);
    }
    const subset = json('study/subsets/lim.json') as { id: string; answer: string }[];
    for (const { id, answer } of subset) expect(id).toBe(`row-${answer}`);
    for (const name of ['adapter', 'adapter-lim', 'adapter-rand']) {
      expect(existsSync(at(`study/${name}/adapter_model.safetensors`))).toBe(true);
    }
    const html = readFileSync(at('study/report.html'), 'utf8');
    const report = html.replace(/<style[\s\S]*?<\/style>|<[^>]+>/g, '');
    expect(report).toContain('the problems of p.jsonl');
    expect(report).not.toMatch(/arithmetic|NaN|undefined|\beasy\b/);
    expect(html).not.toContain(folder);
  });

  test('tells what it would take, and refuses a card that is too small', async () => {
    const told = await start(node, ppo('--estimate', '--json'));
    expect([told.code, told.stderr]).toEqual([0, expect.stringContaining('rows that decode')]);
    const { run, peak } = JSON.parse(told.stdout) as { run: { total: number }; peak: number };
    expect(run.total).toBeGreaterThan(1 << 20);
    expect(peak).toBe(run.total);
    const small = await start(node, ppo('--out', 'never', '--memory', '64KiB'));
    expect([small.code, small.stderr]).toEqual([2, expect.stringContaining('training needs')]);
    expect(existsSync(at('never'))).toBe(false);
  });

  test.each([
    [['--prompts', 'none.jsonl'], 'none.jsonl: no such file'],
    [['--prompts', 'p.jsonl', '--system', 'Be brief.'], 'task.system'],
  ])('refuses %j with a sentence, before anything is written', async (options, said) => {
    const ended = await start(node, [
      'ppo',
      model,
      '--config',
      'c.json',
      '--out',
      'never',
      ...options,
    ]);
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining(said)]);
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(existsSync(at('never'))).toBe(false);
  });
});
