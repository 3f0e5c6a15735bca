import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { checkArguments } from '../../src/cli/main.ts';
import { expectFileOut, expectFreshRun, nextFree } from '../../src/cli/output.ts';
import { adapterAdvice } from '../../src/cli/vulkan.ts';
import { limr, limrProcess } from '../support/command-line.ts';

// Each of these processes compiles its pipelines anew.
vi.setConfig({ testTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'limr-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const put = (name: string, content: string): string => {
  writeFileSync(at(name), content);
  return at(name);
};
const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

describe('limr', () => {
  test('lists its commands', async () => {
    const { code, stdout } = await limr('--help');
    expect(code).toBe(0);
    for (const name of ['score', 'select', 'doctor'])
      expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    const none = await limr();
    expect(none).toMatchObject({ code: 2, stdout: '' });
  });

  test("prints a command's options", async () => {
    const { code, stdout, stderr } = await limr('score', 'x', '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('--steps-per-epoch=<S>');
  });

  test.each([
    [['frob'], "unknown command 'frob'"],
    [['constructor'], "unknown command 'constructor'"],
    [['select'], 'Missing required positional argument'],
    [['select', 'a', 'b'], "unexpected argument 'b'"],
    [['select', 'a', '--nope'], "unknown option '--nope'"],
    [['select', 'a', '--count'], '--count needs a value'],
    [['select', 'a', '--count', '--json'], '--count needs a value'],
    [['select', 'a', '--count', '1', '--count=2'], '--count is given twice'],
    [['select', 'a', '--json=yes'], '--json takes no value'],
    [['select', 'a', '--method', 'best'], 'Invalid value for argument: --method (best)'],
    [['select', '/nowhere/at/all.json'], '/nowhere/at/all.json: no such file'],
    [['score', '/nowhere'], '/nowhere: no such file or folder'],
    [['score', 'x', '--theta', 'high'], "--theta must be a number at most 1, got 'high'"],
    [['bench', '--batch', '4'], '--batch needs --size'],
    [['bench', '--size', '1m', '--tiny'], '--tiny and --size are two sizes'],
    [['bench', '--size', '1m', '--suite', 'lim'], '--suite lim has no sizes'],
    [['bench', '--size', '1m', '--batch', '0'], '--batch must be a whole number'],
    [['score', 'x', '--epochs', '1.5', '--out', '/nowhere/x'], 'x: no such file'],
    [['run', '--out', ''], '--out needs a value, got an empty one'],
    [['run', '--out='], '--out needs a value, got an empty one'],
    [['run', '--out', ' \t'], '--out needs a value, got an empty one'],
    [['score', ' '], 'an argument is empty'],
    [['run', '--resume', ''], '--resume needs a value, got an empty one'],
    [['run', ''], 'an argument is empty'],
    [['score', 'x', ''], 'an argument is empty'],
    [['run', '--', ''], 'an argument is empty'],
  ])('%j ends with one line and code 2', async (argv, message) => {
    const { code, stdout, stderr } = await limr(...argv);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split('\n').length).toBe(1);
  });

  test('takes negative values, short options and words after --', () => {
    const args = {
      file: { type: 'positional' },
      threshold: { type: 'string' },
      samples: { type: 'string', alias: 'n' },
    } as const;
    checkArguments(args, ['--threshold', '-0.5', '-n', '4', '--', '--file'], false);
    expect(() => checkArguments(args, ['-m', '4'], false)).toThrow("unknown option '-m'");
    expect(() => checkArguments(args, ['a', 'b'], false)).toThrow("unexpected argument 'b'");
    checkArguments(args, ['a', 'b'], true);
  });

  test('takes no empty path in any command', async () => {
    const { stdout } = await limr('--help');
    const names = [...stdout.matchAll(/^ {2}(\w+) {2}/gm)].map(([, name]) => name);
    expect(names).toContain('run');
    for (const name of names) {
      const help = (await limr(name, '--help')).stdout;
      for (const [, option, hint] of help.matchAll(/--([\w-]+)(?:=<([^>]*)>)?/g)) {
        if (hint === undefined || /^text$/i.test(hint) || option.length === 1) continue;
        const { code, stderr } = await limr(name, 'x', `--${option}=`);
        expect([name, code, stderr]).toEqual([
          name,
          2,
          `limr ${name}: --${option} needs a value, got an empty one\n`,
        ]);
      }
    }
    // A prompt may be empty; nothing else is looked at here.
    checkArguments({ prompt: { type: 'string', valueHint: 'text' } }, ['--prompt', ''], false);
  });

  test('refuses a folder that holds a run', async () => {
    mkdirSync(at('run'));
    await expectFreshRun(at('run'));
    await expectFreshRun(at('not-there'));
    writeFileSync(at('run/metrics.jsonl'), '');
    await expect(expectFreshRun(at('run'))).rejects.toThrow('already holds a run (metrics.jsonl)');
  });

  test('writes over no input, by whatever path it is named', async () => {
    const file = put('input.json', '[]');
    symlinkSync(folder, at('linked'));
    const others = [
      `${folder}/./x/../input.json`,
      `${folder}//input.json`,
      at('linked/input.json'),
    ];
    for (const out of others) {
      await expect(expectFileOut(out, [file])).rejects.toThrow(`--out ${out} is also an input`);
    }
    await expectFileOut(at('linked/other.json'), [file]);
    const pool = ['--prompts', put('a-pool.jsonl', '{"prompt":"a"}\n')];
    const { code, stderr } = await limr('score', file, ...pool, '--out', at('x/../a-pool.jsonl'));
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `limr score: --out ${at('x/../a-pool.jsonl')} is also an input\n`,
    });
    mkdirSync(at('dumps'));
    writeFileSync(at('dumps/1.jsonl'), '{"prompt":"a","reward":1}\n');
    const dumped = await limr('score', at('dumps'), '--out', at('linked/dumps/1.jsonl'));
    expect(dumped.stderr).toContain('is also an input');
  });

  test('puts no file among those of a run or a model, but a report', async () => {
    const held = (name: string, ...files: string[]): string => {
      mkdirSync(at(`${name}/deep`), { recursive: true });
      for (const file of ['config.json', ...files]) writeFileSync(at(`${name}/${file}`), '{}');
      return at(name);
    };
    const [run, model] = [held('a-run', 'metrics.jsonl'), held('a-model', 'model.safetensors')];
    await expect(expectFileOut(join(run, 'x.json'))).rejects.toThrow('a folder that holds a run');
    await expect(expectFileOut(join(run, 'deep/x'))).rejects.toThrow('a folder that holds a run');
    await expect(expectFileOut(join(model, 'x'))).rejects.toThrow('a folder that holds a model');
    await expectFileOut(join(run, 'report.html'));
    // A config of one's own makes no run of the folder that it lies in.
    await expectFileOut(join(held('own'), 'scores.json'));
  });

  test('takes the next free name where none was given', async () => {
    expect(await nextFree(at('free'), '.json')).toBe(at('free.json'));
    put('free.json', '');
    mkdirSync(at('free-2.json'));
    expect(await nextFree(at('free'), '.json')).toBe(at('free-3.json'));
  });
});

describe('limr score', () => {
  test.each(['basic', 'missing', 'one-sample'])("gives LIMR's scores of %s", async (name) => {
    const fixture = join(import.meta.dirname, '../fixtures/lim', name);
    const expected = json(join(fixture, 'expected.json')) as {
      steps_per_epoch: number;
      scores: Record<string, number>;
      accuracy_after_fill: Record<string, number[]>;
      selected_ids_by_threshold: Record<string, string[]>;
      originals: object[];
    };
    const out = at(`${name}.json`);
    const done = await limrProcess(
      'score',
      fixture,
      '--format',
      'limr',
      '--compat',
      'limr',
      '--steps-per-epoch',
      String(expected.steps_per_epoch),
      '--out',
      out,
    );
    expect(done.stderr).toMatch(/^adapter: .+$/m);
    expect(done).toMatchObject({ code: 0, stdout: '' });
    const rows = json(out) as { prompt: string; score: number | null; rewards: number[] }[];
    const scored = rows.filter(({ score }) => score !== null);
    expect(scored.length).toBe(Object.keys(expected.scores).length);
    for (const { prompt, score, rewards } of scored) {
      const want = expected.scores[prompt];
      expect(Math.abs(score! - want)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(want)));
      expect(rewards).toEqual(expected.accuracy_after_fill[prompt]);
    }
    const prompts = put(`${name}-prompts.json`, JSON.stringify(expected.originals));
    for (const [threshold, ids] of Object.entries(expected.selected_ids_by_threshold)) {
      const subset = at('subset.json');
      await limr('select', out, '--threshold', threshold, '--prompts', prompts, '--out', subset);
      expect((json(subset) as { id: string }[]).map(({ id }) => id)).toEqual(ids);
    }
  });

  test('reads JSONL, reports what does not fit and keeps results off stderr', async () => {
    const pool = put(
      'pool.jsonl',
      '{"id":"1","prompt":"a"}\n{"id":"2","prompt":"b"}\n{"id":"3","prompt":"c"}\n',
    );
    const rows = [1, 2].flatMap((epoch) =>
      ['a', 'b', 'other'].flatMap((prompt, p) =>
        [0, 1].map((sample) => ({ prompt, epoch, reward: p + sample < epoch ? 1 : -0.5 })),
      ),
    );
    const file = put('rollouts.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'));
    const done = await limrProcess('score', file, '--prompts', pool, '--json');
    expect(done.code).toBe(0);
    expect(done.stderr).toContain('4 rows left out: prompt not in the prompt file');
    expect(done.stderr).toContain('1 prompt never rolled out');
    const { summary, scores } = JSON.parse(done.stdout) as {
      summary: Record<string, unknown>;
      scores: { id: string; score: number | null; rewards: number[] }[];
    };
    expect(summary).toMatchObject({ prompts: 3, epochs: 2, rule: 'corrected', unmatchedRows: 4 });
    expect(scores.map(({ id, rewards }) => [id, rewards])).toEqual([
      ['1', [0.5, 1]],
      ['2', [0, 0.5]],
      ['3', [null, null]],
    ]);
    expect(scores[2].score).toBeNull();
    // Curve (1/4, 3/4): 1 - (1/16 + 1/16) / (9/16 + 1/16).
    expect(scores[0].score).toBeCloseTo(0.8, 6);
  });

  test('carries answer keys through, so that a subset can be trained on', async () => {
    const rows = [1, 2].flatMap((step) =>
      ['a', 'b'].map((input) => ({ input, output: 'r', gts: `${input}!`, score: step - 1, step })),
    );
    const dump = put('gts.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'));
    const scores = at('gts-scores.json');
    expect((await limrProcess('score', dump, '--out', scores)).code).toBe(0);
    expect(json(scores)).toMatchObject([
      { prompt: 'a', answer: 'a!' },
      { prompt: 'b', answer: 'b!' },
    ]);
    const out = at('gts-verl.jsonl');
    const select = ['select', scores, '--threshold', '-9', '--out', out, '--export'];
    expect((await limr(...select, 'verl')).code).toBe(0);
    const written = readFileSync(out, 'utf8').trimEnd().split('\n');
    expect(written.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { reward_model: { ground_truth: 'a!' } },
      { reward_model: { ground_truth: 'b!' } },
    ]);
    const bare = put('no-answers.json', '[{"prompt":"a","score":1}]');
    const { code, stderr } = await limr('select', bare, '--out', out, '--export', 'verl');
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /no-answers\.json row 1: verl needs an answer .*--prompts pool\.jsonl\n$/,
    );
  });

  test('scores its own score file again, as a matrix', async () => {
    const first = put(
      'matrix.json',
      '[{"prompt":"a","rewards":[0,1]},{"prompt":"b","rewards":[1,null]}]',
    );
    const done = await limrProcess('score', first, '--json');
    const { scores } = JSON.parse(done.stdout) as { scores: { score: number }[] };
    expect(scores.map(({ score }) => score)).toEqual([0, 0]);
  });

  test.each([
    [
      'bad.jsonl',
      '{"prompt":"a","reward":1}\n{"prompt":"a","reward":"x"}\n',
      'bad.jsonl line 2: reward must be',
    ],
    [
      'bad.json',
      '[{"prompt":"a","response":"r","reward":"1e999"}]',
      'bad.json row 1: reward must be',
    ],
    ['cut.json', '[{"prompt":"a",\n"reward"', 'cut.json line 2: not JSON'],
    ['lying.safetensors', '\0\0\0\0\0\0\0\u0040{}', 'lying.safetensors'],
  ])('%s ends with one line and code 2, and writes nothing', async (name, text, message) => {
    const out = at('never.json');
    const { code, stderr } = await limr('score', put(name, text), '--out', out);
    expect({ code, lines: stderr.trimEnd().split('\n').length }).toEqual({ code: 2, lines: 1 });
    expect(stderr).toContain(message);
    expect(existsSync(out)).toBe(false);
  });
});

describe('limr select', () => {
  const rows = [
    { prompt: 'a', score: 0.6, answer: '1' },
    { prompt: 'b', score: 0.59, answer: '2' },
    { prompt: 'c', score: 0.7, answer: '3' },
  ];

  test('keeps 0.60 at a threshold of 0.6, in the order and format of its input', async () => {
    const file = put('scores.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const out = at('kept.jsonl');
    expect((await limr('select', file, '--out', out)).code).toBe(0);
    expect(readFileSync(out, 'utf8')).toBe(
      [rows[0], rows[2]].map((row) => `${JSON.stringify(row)}\n`).join(''),
    );
  });

  test('decides in float64 what f32 digits leave open', async () => {
    // Exactly 0.6 by the curves, a little less in the file.
    const curves = [
      [0.25, 1],
      [0.75, 0.5],
      [0.5, 0.75],
      [0.5, 0.75],
    ];
    const scored = curves.map((rewards, i) => ({
      prompt: `p${i}`,
      score: i < 2 ? 0.59999996 : 1,
      rewards,
    }));
    const { stdout } = await limr('select', put('near.json', JSON.stringify(scored)), '--json');
    expect(JSON.parse(stdout)).toMatchObject({ kept: 4 });
    // Scores that do not follow from the curves are taken as they are, and that is said.
    scored.splice(1, 1);
    const other = await limr('select', put('near.json', JSON.stringify(scored)), '--json');
    expect(JSON.parse(other.stdout)).toMatchObject({ kept: 2 });
    expect(other.stderr).toContain('do not follow from their rewards');
  });

  test('RAND has the size of LIM and follows its seed', async () => {
    const many = Array.from({ length: 50 }, (_, i) => ({ prompt: `p${i}`, score: (i % 10) / 10 }));
    const file = put('many.json', JSON.stringify(many));
    const draw = async (seed: string): Promise<unknown> =>
      JSON.parse((await limr('select', file, '--method', 'rand', '--seed', seed, '--json')).stdout);
    expect(await draw('1')).toMatchObject({ kept: 20 });
    expect(await draw('1')).toEqual(await draw('1'));
    expect(await draw('1')).not.toEqual(await draw('2'));
  });

  test.each([
    [['--count', '4'], 'lim: 4 prompts asked for, 3 of 3 have a score'],
    [['--count', '1', '--threshold', '1'], 'exclude each other'],
    [['--method', 'linear'], 'needs the rewards of each epoch'],
  ])('%j is refused', async (argv, message) => {
    const file = put('three.json', JSON.stringify(rows));
    const { code, stderr } = await limr('select', file, ...argv, '--out', at('x.json'));
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  test('does not write over its input, nor a folder', async () => {
    const file = put('own.json', JSON.stringify(rows));
    expect((await limr('select', file, '--out', file)).stderr).toContain('is also an input');
    expect((await limr('select', file, '--out', folder)).stderr).toContain('is a folder');
    expect(json(file)).toEqual(rows);
  });

  const data = join(import.meta.dirname, '../../../shared/data/limr');
  test("keeps exactly LIMR's released subset", async (context) => {
    context.skip(!existsSync(data), `no released data at ${data}`);
    const out = at('limr.json');
    const done = await limr(
      'select',
      join(data, 'scores.json'),
      '--method',
      'lim',
      '--threshold',
      '0.6',
      '--out',
      out,
    );
    expect(done.stderr).toContain('1389 of 7935 prompts');
    const kept = new Set((json(out) as { prompt: string }[]).map(({ prompt }) => prompt));
    expect(kept.size).toBe(1389);
    // The released split is an Arrow stream, where a text column is its values one after the other:
    // the prompts kept, and no others, must chain up to whole columns of it.
    const arrow = readFileSync(join(data, 'limr-train.arrow'));
    const starts = new Map<number, { prompt: string; end: number }>();
    for (const prompt of kept) {
      const bytes = Buffer.from(prompt);
      for (let i = arrow.indexOf(bytes); i >= 0; i = arrow.indexOf(bytes, i + 1)) {
        const known = starts.get(i);
        if (!known || known.end < i + bytes.length)
          starts.set(i, { prompt, end: i + bytes.length });
      }
    }
    const chained: string[] = [];
    const followed = new Set<number>();
    for (const start of [...starts.keys()].sort((a, b) => a - b)) {
      const chain: string[] = [];
      for (let i = start, next = starts.get(i); next && !followed.has(i); next = starts.get(i)) {
        followed.add(i);
        chain.push(next.prompt);
        i = next.end;
      }
      if (chain.length > 50) chained.push(...chain);
    }
    expect(chained.length).toBe(1389);
    expect(new Set(chained)).toEqual(kept);
  });
});

describe('limr doctor', () => {
  test('names the adapter of this host and passes its self-test', async () => {
    const { code, stdout } = await limrProcess('doctor', '--only', '--json');
    expect(code).toBe(0);
    const { hosts } = JSON.parse(stdout) as {
      hosts: { host: string; adapters: { name: string; selfTest: { passed: boolean } }[] }[];
    };
    expect(hosts[0].host).toBe(`Node ${process.version.slice(1)}`);
    expect(hosts[0].adapters[0].name).not.toBe('');
    expect(hosts[0].adapters[0].selfTest.passed).toBe(true);
  });

  test('tells which matmuls plans take, and those measured on this adapter', async () => {
    vi.stubEnv('LIMR_CACHE', at('cache'));
    const before = await limrProcess('doctor', '--only', '--json');
    const { hosts } = JSON.parse(before.stdout) as {
      hosts: { adapters: { name: string; matmuls: { preferred: string; measured: object } }[] }[];
    };
    const [{ name, matmuls }] = hosts[0].adapters;
    expect(matmuls.measured).toEqual({});
    const measured = { 'forward 64x64x64': 'plain', 'forward 64x64x128': 'plain' };
    const adapters = { [`node: ${name}`]: { preferred: matmuls.preferred, measured } };
    mkdirSync(at('cache'));
    put('cache/matmul.json', JSON.stringify({ schema: 1, adapters }));
    const { stdout } = await limrProcess('doctor', '--only');
    vi.unstubAllEnvs();
    expect(stdout).toContain(
      `matmuls    measured here: plain at 2 shapes; ${matmuls.preferred} elsewhere`,
    );
  });

  test('exits with 1 where there is no adapter of the kind asked for', async (context) => {
    const usual = await limrProcess('doctor', '--only', '--json');
    const { hosts } = JSON.parse(usual.stdout) as { hosts: { adapters: { kind: string }[] }[] };
    const missing = hosts[0].adapters.some(({ kind }) => kind === 'gpu') ? 'software' : 'gpu';
    if (hosts[0].adapters.length > 1) context.skip('both kinds of adapter are here');
    const { code, stdout } = await limrProcess('doctor', '--only', '--adapter', missing);
    expect(code).toBe(1);
    expect(stdout).toContain('adapter was found');
    if (process.platform === 'linux') expect(stdout).toContain('mesa-vulkan-drivers');
  });

  test('asks a bare page for nothing that needs a package', () => {
    const packages = new Set<string>();
    const seen = new Set<string>();
    const visit = (url: URL): void => {
      if (seen.has(url.href)) return;
      seen.add(url.href);
      const code = readFileSync(url, 'utf8');
      // Types are gone when it runs.
      for (const [, specifier] of code.matchAll(
        /^(?:import|export) (?!type )[^;'"]*? from '([^']+)';/gm,
      )) {
        if (!specifier.startsWith('.')) packages.add(specifier);
        else if (specifier.endsWith('.ts')) visit(new URL(specifier, url));
      }
    };
    for (const start of ['gpu/device.ts', 'cli/self-test.ts']) {
      visit(new URL(`../../src/${start}`, import.meta.url));
    }
    expect(seen.size).toBeGreaterThan(20);
    expect([...packages]).toEqual([]);
  });

  test('says what it looked for, and names the packages', () => {
    const lines = (named?: string, ...drivers: string[]) =>
      adapterAdvice({ loader: undefined, drivers, named }).join('\n');
    expect(lines()).toMatch(/no libvulkan\.so\.1\n.*none in \/etc\/vulkan\/icd\.d/);
    expect(lines()).toContain('libvulkan1 mesa-vulkan-drivers');
    expect(lines(undefined, '/d/lvp.json')).toContain('drivers: /d/lvp.json');
    expect(lines('/my.json', '/d/lvp.json')).toContain('those named, /my.json');
    expect(adapterAdvice(undefined).join()).toContain('GPU driver');
  });
});
