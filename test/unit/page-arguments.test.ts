import { join } from 'node:path';
import { parseArgs as nodeParseArgs } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parseArgs } from '../../src/cli/page-arguments.ts';
import { limr } from '../support/command-line.ts';

const model = join(import.meta.dirname, '../fixtures/models/qwen2-tied');

describe('a page’s parseArgs', () => {
  const options = {
    out: { type: 'string' },
    n: { type: 'string', default: '1' },
    samples: { type: 'string', short: 's' },
    json: { type: 'boolean', short: 'j', default: undefined },
    quiet: { type: 'boolean', short: 'q' },
  } as const;
  test.each([
    ['nothing', []],
    ['words and a dash', ['a', '-', 'b']],
    ['values both ways', ['--out', 'x', '--samples=3', 'a']],
    ['a value that looks like an option', ['--out', '-5', '--samples', '--json']],
    ['values with equal signs, and empty ones', ['--out=a=b', '--samples=']],
    ['short options', ['-n', '4', '-s', '2', '-j']],
    ['short options in one word', ['-jqs2', '-jq', '-n=4']],
    ['a value that is not there', ['--out']],
    ['options nobody declared', ['--frob', 'x', '--frob=y', '-z']],
    ['words after --', ['--json', '--', '--out', '-n', 'x']],
    ['a prototype', ['--__proto__', 'x', '--constructor=y']],
  ])('reads %s as Node does', (_, args) => {
    const want = nodeParseArgs({ args: [...args], options, strict: false, allowPositionals: true });
    expect(parseArgs({ args, options })).toEqual({
      values: want.values,
      positionals: want.positionals,
    });
  });
});

describe('--host', () => {
  test('is an option of commands that compute', async () => {
    expect((await limr('logits', '--help')).stdout).toMatch(/--host=<node\|chromium>/);
    const { code, stderr } = await limr('logits', model, '--ids', 'i', '--host', 'firefox');
    expect(code).toBe(2);
    expect(stderr).toContain('Invalid value for argument: --host (firefox)');
    expect((await limr('doctor', '--host', 'chromium')).code).toBe(2);
  });
});
