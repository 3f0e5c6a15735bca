import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { configHash, presets } from '../../src/config.ts';
import { limr } from '../support/command-line.ts';

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
    [['--methods', 'lim,best'], "--methods: 'best' is none of full, lim, linear, rand"],
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
    writeFileSync(path, object(file));
    writeFileSync(join(nowhere, 'results.json'), '{}');
    expect(await refusal('--resume', nowhere)).toContain('that run is done');
    expect(readdirSync(nowhere).sort()).toEqual(['config.json', 'results.json']);
  });
});
