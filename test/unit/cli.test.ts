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
import { afterAll, describe, expect, test } from 'vitest';
import { checkArguments } from '../../src/cli/main.ts';
import { expectFileOut, expectFreshRun, nextFree } from '../../src/cli/output.ts';
import { adapterAdvice } from '../../src/cli/vulkan.ts';
import { limr } from '../support/command-line.ts';

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
    [['select', 'a', '--method', 'best'], '--method must be full, lim, lim-debiased,'],
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
    symlinkSync(folder, at('linked'), 'junction');
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

  test('writes an empty subset where no score reaches the cut, and says so', async () => {
    const file = put('low.json', '[{"prompt":"a","score":0.1}]');
    const out = at('none-kept.json');
    const { code, stderr } = await limr('select', file, '--out', out);
    expect({ code, written: json(out) }).toEqual({ code: 0, written: [] });
    expect(stderr).toContain('lim: 0 of 1 prompt (');
    expect(stderr).toContain('no prompt is kept: the subset is empty\n');
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
    for (const start of ['gpu/device.ts', 'variants/choices.ts', 'cli/self-test.ts']) {
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
