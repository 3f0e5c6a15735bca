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
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { configHash } from '../../src/config.ts';
import { presets } from '../../src/presets.ts';
import { lockFolder } from '../../src/cli/folder-lock.ts';
import { digestOf } from '../../src/formats/digest.ts';
import { runFileText } from '../../src/run-folder/run-file.ts';
import { Checkpoints, type Checkpoint } from '../../src/scheduler/checkpoint.ts';
import { FolderStore } from '../../src/workers/folder-store.ts';
import { limr } from '../support/command-line.ts';
import { makeRun } from '../support/report-run.ts';

// The first test loads the whole command.
vi.setConfig({ testTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'limr-run-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const put = (name: string, text: string): string => {
  writeFileSync(at(name), text);
  return at(name);
};
const object = (value: unknown): string => JSON.stringify(value);

/** The one line that a refused command ends with, its code checked. */
async function refusal(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await limr('run', ...argv);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.endsWith('\n')).toBe(true);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  return stderr;
}

describe('limr run', () => {
  test.each([
    ['unknown.json', object({ ppo: { klCoeff: 0.1 } }), 'ppo.klCoeff'],
    ['top.json', object({ speed: 1 }), 'speed'],
    ['range.json', object({ ppo: { gamma: 1.5 } }), 'ppo.gamma: '],
    ['whole.json', object({ rollout: { samples: 2.5 } }), 'rollout.samples: '],
    ['kind.json', object({ experiment: { methods: ['best'] } }), 'experiment.methods'],
    ['task.json', object({ task: { modulus: 11 } }), 'task.modulus'],
    ['divide.json', object({ rollout: { prompts: 48 } }), 'rollout.prompts: must divide'],
    ['array.json', '[]', 'must hold an object'],
    ['malformed.json', '{\n  "ppo": {\n    "gamma" 1\n  }\n}\n', 'malformed.json line 3: not JSON'],
    ['cut.json', '{\n  "ppo": {', 'cut.json line 2: not JSON'],
    ['named.json', object({ preset: 'huge' }), "no preset 'huge', there are quick, "],
    ['proto.json', '{"lim": {"__proto__": {"count": 5}}}', 'lim.__proto__: there is no such field'],
    [
      'twice.json',
      object({ experiment: { methods: ['full', 'lim', 'lim'] } }),
      "'lim' is given twice",
    ],
    ['deep.json', `{"ppo": ${'['.repeat(100_000)}`, 'line 1: nested more than 64 deep'],
    ['closed.json', `${'{"a":'.repeat(90_000)}1${'}'.repeat(90_000)}`, 'nested more than 64 deep'],
    ['long.json', '['.repeat(2 ** 20 + 1), '1048577 bytes, more than the 1048576 allowed'],
    [
      'huge.json',
      '{"task": {"strata": {"easy": {"below": 1e400}}}}',
      'task.strata.easy.below: must be a finite number, is Infinity',
    ],
    ['escape.json', object({ 'a\u001b[2J\u009b': 1 }), 'there is no such field'],
  ])('refuses the config %s in one line and writes nothing', async (name, text, message) => {
    const out = at(`${name}-run`);
    const line = await refusal(put(name, text), '--out', out);
    expect(line).toContain(name);
    expect(line).toContain(message);
    expect(line).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(existsSync(out)).toBe(false);
  });

  test.each([
    [['--methods', 'lim,lim'], "--methods: 'lim' is given twice"],
    [['--preset', 'huge'], "limr run: the options: no preset 'huge'"],
    [['--preset', 'constructor'], "no preset 'constructor'"],
    [['--methods', 'lim,best'], "--methods: 'best' is none of full, lim, lim-debiased,"],
    [['--methods', ''], '--methods'],
    [['--seed', 'one'], "--seed: 'one' is not a whole number"],
    [['--seed', '1,,2'], "--seed: '' is not a whole number"],
    [['--seed', '-1'], "--seed: '-1' is not a whole number"],
    [['--seed', '4294967296'], "--seed: '4294967296' is not a whole number"],
    [['--seed', '1,2,1'], '--seed: 1 is given twice'],
    [['--seed', '1e3'], "--seed: '1e3' is not a whole number"],
    [['--adapter', 'best'], '--adapter'],
    [[at('nowhere.json')], 'nowhere.json: no such file'],
  ])('refuses %j in one line and writes nothing', async (argv, message) => {
    const out = at('refused');
    expect(await refusal(...argv, '--out', out)).toContain(message);
    expect(existsSync(out)).toBe(false);
  });

  test.each(['results.json', 'metrics.jsonl', 'config.json', 'checkpoints'])(
    'leaves a folder alone that holds %s',
    async (name) => {
      const out = at(`held-${name}`);
      mkdirSync(out);
      writeFileSync(join(out, name), 'precious');
      const line = await refusal('--preset', 'quick', '--out', out);
      expect(line).toContain(`--out ${out} already holds a run (${name})`);
      expect(readdirSync(out)).toEqual([name]);
    },
  );

  test('does not take a file for a folder', async () => {
    const file = put('file', 'precious');
    expect(await refusal('--out', file)).toContain('is a file; a run needs a folder');
  });

  test.each([
    [['--preset', 'quick'], '--preset'],
    [['--methods', 'lim'], '--methods'],
    [['--seed', '2'], '--seed'],
    [['--out', at('elsewhere')], '--out'],
    [[at('some.json')], 'some.json'],
  ])('does not ignore %j beside --resume', async (argv, named) => {
    const line = await refusal('--resume', at('begun'), ...argv);
    expect(line).toContain('--resume goes on with the run as it was started');
    expect(line).toContain(named);
  });

  test('resumes only what is a run that is not done', async () => {
    const nowhere = at('no-run');
    expect(await refusal('--resume', nowhere)).toContain(`--resume ${nowhere}: no run there`);
    expect(existsSync(nowhere)).toBe(false);
    mkdirSync(nowhere);
    expect(await refusal('--resume', nowhere)).toContain('no run there');
    expect(readdirSync(nowhere)).toEqual([]);

    const { quick } = presets;
    const file = { schema: 1, config: quick, configHash: await configHash(quick), seeds: [1] };
    const path = join(nowhere, 'config.json');
    for (const [text, message] of [
      ['{', 'config.json line 1: not JSON'],
      [object({ ...file, schema: 2 }), 'config.json: schema must be 1'],
      ['null', 'config.json: schema must be 1'],
      ['[]', 'config.json: schema must be 1'],
      [object({ ...file, seeds: [] }), 'config.json: seeds must be'],
      [object({ ...file, config: { ...quick, preset: 3 } }), 'config.json: preset'],
    ]) {
      writeFileSync(path, text);
      expect(await refusal('--resume', nowhere)).toContain(message);
    }
    // What a flipped bit can do to config and seeds.
    const whole = await runFileText(quick, [1]);
    for (const [from, to] of [
      ['"seeds": [\n    1', '"seeds": [\n    3'],
      [`"theta": ${quick.lim.theta}`, '"theta": 0.7'],
      [file.configHash, file.configHash.replace(/^./, (digit) => (digit === '1' ? '3' : '1'))],
    ]) {
      expect(whole).toContain(from);
      writeFileSync(path, whole.replace(from, to));
      expect(await refusal('--resume', nowhere)).toContain('config.json is damaged or was edited');
    }
    writeFileSync(path, whole);
    writeFileSync(join(nowhere, 'results.json'), '{}');
    expect(await refusal('--resume', nowhere)).toContain('results.json: schema: only 1 is known');
    writeFileSync(join(nowhere, 'report.html'), '');
    expect(await refusal('--resume', nowhere)).toContain('that run is done');
    const held = ['config.json', 'report.html', 'results.json'];
    expect(readdirSync(nowhere).sort()).toEqual(held);
  });

  test('says who works in a folder, and leaves it alone', async () => {
    const out = at('busy');
    const lock = await lockFolder(out);
    const named = `${out}: another run works there: process ${process.pid} on `;
    expect(await refusal('--preset', 'quick', '--out', out)).toContain(named);
    put('busy/config.json', await runFileText(presets.quick, [1]));
    expect(await refusal('--preset', 'quick', '--out', out)).toContain(named);
    expect(await refusal('--resume', out)).toContain(named);
    expect(readdirSync(out).sort()).toEqual(['.lock', 'config.json']);
    await lock.release();
    expect(await refusal('--preset', 'quick', '--out', out)).toContain('already holds a run');
  });

  test('writes the report that a finished run lacks, and clears what was half written', async () => {
    const made = makeRun();
    const out = at('unreported');
    for (const [name, text] of made.files) {
      mkdirSync(dirname(join(out, name)), { recursive: true });
      writeFileSync(join(out, name), text);
    }
    writeFileSync(join(out, 'config.json'), await runFileText(presets.quick, [1]));
    writeFileSync(join(out, 'report.html.77.partial'), 'half');
    writeFileSync(join(out, 'metrics.jsonl.part'), 'half');
    writeFileSync(join(out, 'notes.txt.part'), 'mine');
    const { code, stderr } = await limr('run', '--resume', out);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining(`report: ${out}/report.html\n`) as string,
    });
    const report = readFileSync(join(out, 'report.html'), 'utf8');
    expect(report.trimEnd().endsWith('</html>')).toBe(true);
    expect(readdirSync(out).filter((name) => name.includes('.part'))).toEqual(['notes.txt.part']);
    expect(await refusal('--resume', out)).toContain('that run is done');

    // Held against what the run had written.
    rmSync(join(out, 'report.html'));
    const store = new FolderStore(out);
    const checkpoints = new Checkpoints(store);
    await checkpoints.write('seed-0-rand-1', emptyCheckpoint, {});
    const results = readFileSync(join(out, 'results.json'));
    const mark = { bytes: results.length, sha256: digestOf(results) };
    await checkpoints.finish({ 'results.json': mark });
    results[results.lastIndexOf('1')] ^= 2;
    writeFileSync(join(out, 'results.json'), results);
    expect(await refusal('--resume', out)).toContain(`${out}/results.json is damaged`);
    expect(existsSync(join(out, 'report.html'))).toBe(false);
  });
});

const emptyCheckpoint: Checkpoint = {
  configHash: '',
  seeds: [1],
  adapter: '',
  host: '',
  progress: {},
  base: new Map(),
  pretraining: null,
  ppo: null,
  matrix: null,
};
