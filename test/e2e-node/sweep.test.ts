import {
  chmodSync,
  cpSync,
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
import { digestOf } from '../../src/formats/digest.ts';
import { parseCollectedCell } from '../../src/sweep/collected-cell.ts';
import { readSweep } from '../../src/sweep/folder.ts';
import { differences } from '../faults/compare.ts';
import { sweepDifferences } from '../faults/sweep-differences.ts';
import { commandsIn, limrScript, nodeCommand } from '../support/limr-command.ts';
import { fourCells } from '../support/sweep-grid.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });
const folder = mkdtempSync(join(tmpdir(), 'limr-sweep-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const start = commandsIn(folder);
const sweep = (out: string, ...more: string[]) =>
  start(nodeCommand, ['sweep', 'grid.json', '--out', out, '--adapter', 'software', ...more]);
const onDisk = (name: string) => ({
  name,
  read: (file: string) => {
    const path = join(at(name), file);
    return Promise.resolve(existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined);
  },
});

/** Programs that the examples call: this `limr`, and `parallel` with the options that it is given. */
function programs(): string {
  const bin = at('bin');
  if (existsSync(bin)) return bin;
  mkdirSync(bin);
  const program = (name: string, text: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  program('limr', `exec "${process.execPath}" "${limrScript}" "$@" --adapter software`);
  // One job after another, in place of GNU parallel, which few machines have.
  program(
    'parallel',
    `[ "$1 $2 $3 $4" = "--jobs 4 --halt soon,fail=1" ] || exit 9
shift 4
while read -r line; do
  words=$(printf '%s\\n' "$@" | sed "s|{}|$line|g")
  (IFS='
'; exec $words) </dev/null || exit 1
done`,
  );
  return bin;
}

/** Runs a script of `examples/sweep` in a folder. */
const example = (
  cwd: string,
  name: string,
  argv: readonly string[],
  variables: Readonly<Record<string, string>>,
) => {
  const all = { PATH: `${programs()}:${process.env['PATH'] ?? ''}`, ...variables };
  const settings = Object.entries(all).map(([key, value]) => `${key}=${value}`);
  const script = join(import.meta.dirname, '../../examples/sweep', name);
  return commandsIn(at(cwd))(['env', ...settings], ['sh', script, ...argv]);
};

describe('limr sweep', () => {
  beforeAll(async () => {
    writeFileSync(at('grid.json'), JSON.stringify(fourCells));
    const { code, stdout, stderr } = await sweep('whole', '--json');
    expect(stderr).not.toContain('failed');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ cells: 4, done: 4, passes: 2, failed: [] });
  });

  test('makes of each cell what a run of its config and seed makes', async () => {
    const [cell] = (await readSweep(onDisk('whole'))).cells;
    if (!cell) throw new Error('the sweep has no cell');
    writeFileSync(at('cell.json'), JSON.stringify(cell.results.config));
    const argv = [
      'run',
      'cell.json',
      '--seed',
      String(cell.seed),
      '--out',
      'run',
      '--adapter',
      'software',
    ];
    expect(await start(nodeCommand, argv)).toMatchObject({ code: 0 });
    // A run keeps its weights, a cell does not.
    const odd = differences(at(`whole/cells/${cell.hash}`), at('run'));
    expect(odd.filter((text) => !/^model[\w-]*\/[\w.]+ is missing$/.test(text))).toEqual([]);
    expect(odd).toContain('model-lim/model.safetensors is missing');
  });

  test('makes one FULL pass for all cells of a seed, which goes on after its scores', async () => {
    const { cells, planned } = await readSweep(onDisk('whole'));
    expect(planned).toBe(4);
    expect(readdirSync(at('whole/passes'))).toHaveLength(2);
    for (const { results, pass } of cells) {
      const full = results.methods.full?.evaluations.map(({ update }) => update);
      expect(full).toEqual([2, 4, 6]);
      const { epochs, prompts, accuracy, selections } = await pass();
      expect([epochs, prompts, accuracy.length]).toEqual([2, 16, 32]);
      expect(accuracy.every((mean) => mean >= 0 && mean <= 1)).toBe(true);
      expect(selections.lim).toHaveLength(results.config.lim.count ?? NaN);
    }
  });

  test('writes its page, which limr report makes again from the folder or a collected one', async () => {
    const page = readFileSync(at('whole/sweep.html'), 'utf8');
    expect(page).toContain('Nothing was fixed before the run');
    expect(page).toContain('4 of 4 cells finished');
    const { code, stderr } = await start(nodeCommand, ['report', 'whole', '--out', 'again.html']);
    expect(code).toBe(0);
    expect(stderr).toContain('Nothing was fixed before the run');
    expect(readFileSync(at('again.html'), 'utf8')).toBe(page);
    const small = await start(nodeCommand, ['sweep', '--collect', 'whole', '--out', 'kept']);
    expect(small.code).toBe(0);
    expect(readFileSync(at('kept/sweep.html'), 'utf8')).toBe(page);
  });

  test('writes a row for each cell, method and read-out', () => {
    const rows = readFileSync(at('whole/runs.csv'), 'utf8').trimEnd().split('\n');
    expect(rows[0]).toBe(
      'cell,seed,lim.count,method,prompts,update,epochs,samples,selection_samples,total_samples,mean,tier_T1,tier_T2,wrong_keys,samples_trained,area',
    );
    // FULL is read out at 2, 4 and 6, each arm at 2 and 3.
    expect(rows).toHaveLength(1 + 4 * (3 + 2 * 2));
    expect(rows.find((row) => /,8,lim,8,2,/.test(row))).toMatch(/,8,lim,8,2,2,64,128,192,/);
  });

  test('tells its size before it runs, and what is done of it', async () => {
    const estimate = async (...more: string[]) => {
      const argv = ['sweep', 'grid.json', '--estimate', '--json', '--adapter', 'software', ...more];
      const { code, stdout, stderr } = await start(nodeCommand, argv);
      expect(code).toBe(0);
      return { stderr, found: JSON.parse(stdout) as Record<string, number> };
    };
    const { stderr, found } = await estimate('--out', 'nowhere');
    // Six updates of two FULL passes; three of two selections in each of four cells.
    expect(found).toMatchObject({ cells: 4, passes: 2, done: 0, updates: 36 });
    expect(found['peak']).toBeGreaterThan(0);
    expect(stderr).toContain('4 cells with 2 FULL passes; 0 done, 36 updates to do');
    expect(existsSync(at('nowhere'))).toBe(false);
    expect((await estimate('--out', 'whole')).found).toMatchObject({ done: 4, updates: 0 });
    expect((await estimate('--shard', '2/2')).found).toMatchObject({ cells: 2, passes: 1 });
  });

  test('ended by its time, by Ctrl-C and by a kill ends with the same bytes', async () => {
    const timed = await sweep('ended', '--seconds', '1');
    expect(timed.code).toBe(0);
    expect(timed.stderr).toMatch(/^[0-3] of 4 cells done/m);
    // Inside a cell, and somewhere behind the second pass.
    const endAt = (word: string, signal: NodeJS.Signals) => {
      let told = false;
      return start(
        nodeCommand,
        ['sweep', 'grid.json', '--out', 'ended', '--adapter', 'software'],
        (child, stderr) => {
          // Once: a second Ctrl-C ends at once.
          if (told || !stderr.includes(word)) return;
          told = true;
          setTimeout(() => child.kill(signal), 300);
        },
      );
    };
    const interrupted = await endAt('FULL pass, seed 1: done', 'SIGINT');
    expect(interrupted.code).toBe(1);
    expect(interrupted.stderr).toContain('stopping after this iteration');
    expect(interrupted.stderr).toMatch(/stopped; the same command goes on\n$/);
    expect((await endAt('FULL pass, seed 2: done', 'SIGKILL')).signal).toBe('SIGKILL');
    expect(await sweep('ended')).toMatchObject({ code: 0 });
    expect(sweepDifferences(at('ended'), at('whole'))).toEqual([]);
  });

  test('two shards, one of a SLURM array, merged by copying, equal one sweep', async (context) => {
    if (process.platform === 'win32') context.skip('the examples are shell scripts');
    mkdirSync(at('array'));
    writeFileSync(at('array/grid.json'), JSON.stringify(fourCells));
    const task = { SLURM_ARRAY_TASK_ID: '1', SLURM_ARRAY_TASK_COUNT: '2' };
    const ended = await Promise.all([
      example('array', 'slurm.sh', [], task),
      sweep('two', '--shard', '2/2', '--workers', '2'),
    ]);
    expect(ended.map(({ code }) => code)).toEqual([0, 0]);
    expect(ended[0].stderr).toContain('2 cells, 1 FULL pass shared; 0 done');
    cpSync(at('array/sweep'), at('spread'), { recursive: true });
    cpSync(at('two'), at('array/sweep'), { recursive: true });
    const merged = await sweep('array/sweep');
    expect(merged.code).toBe(0);
    expect(merged.stderr).toContain('4 of 4 cells done');
    expect(sweepDifferences(at('array/sweep'), at('whole'))).toEqual([]);
  });

  test('GNU parallel does the shards that are left, as the example has it', async (context) => {
    if (process.platform === 'win32') context.skip('the examples are shell scripts');
    const spread = await example('.', 'parallel.sh', ['grid.json', 'spread'], { SHARDS: '2' });
    expect(spread.code).toBe(0);
    expect(spread.stderr).toContain('2 cells, 1 FULL pass shared; 2 done');
    expect(spread.stderr).toContain('4 of 4 cells done');
    expect(sweepDifferences(at('spread'), at('whole'))).toEqual([]);
  });

  test('refuses another grid in its folder, and takes cells over into another', async () => {
    writeFileSync(at('more.json'), JSON.stringify({ ...fourCells, seeds: [2, 1] }));
    const other = ['sweep', 'more.json', '--adapter', 'software', '--out'];
    const { code, stderr } = await start(nodeCommand, [...other, 'whole']);
    expect(code).toBe(2);
    expect(stderr).toContain('holds a sweep of another grid');
    const plan = {
      schema: 1,
      title: 'Made before the seeds',
      alpha: 0.05,
      equivalence: 0.02,
      seeds: [1, 2],
      contrasts: [
        { name: 'P1', one: 'lim', other: 'rand', where: { 'lim.count': 8 }, at: { update: 2 } },
      ],
    };
    writeFileSync(at('plan.json'), JSON.stringify(plan));
    const decided = ['--preregistration', 'plan.json'];
    const argv = [...other, 'reused', '--reuse', 'whole', ...decided];
    const reused = await start(nodeCommand, argv);
    expect(reused.code).toBe(0);
    expect(reused.stderr).toContain('6 runs of whole taken over');
    expect(readFileSync(at('reused/runs.csv'))).toEqual(readFileSync(at('whole/runs.csv')));
    // The plan is kept to the byte, named by its hash, and judged: two seeds cannot go below p = .5.
    const bytes = readFileSync(at('plan.json'));
    expect(readFileSync(at('reused/preregistration.json'))).toEqual(bytes);
    expect(reused.stderr).toContain(`Fixed before the run (SHA-256 ${digestOf(bytes)})`);
    expect(reused.stderr).toMatch(
      /P1 +LIM − RAND +update 2, subset 8 +(?:not told apart|level) .*2 seeds/,
    );
    expect(readFileSync(at('reused/sweep.html'), 'utf8')).toContain(digestOf(bytes));
    // Neither another plan nor one that comes later.
    writeFileSync(at('late.json'), JSON.stringify({ ...plan, alpha: 0.1 }));
    for (const [folder, why] of [
      ['reused', 'preregistration.json is another one, and it stays'],
      ['whole', 'was begun without one'],
    ] as const) {
      const late = ['sweep', folder === 'whole' ? 'grid.json' : 'more.json', '--out', folder];
      const refused = await start(nodeCommand, [...late, '--preregistration', 'late.json']);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain(why);
    }
    expect(readFileSync(at('reused/preregistration.json'))).toEqual(bytes);
  });

  test('is collected into small files that say the same', async () => {
    const argv = ['sweep', '--collect', 'whole', '--out', 'small'];
    expect(await start(nodeCommand, argv)).toMatchObject({ code: 0 });
    const [a, b] = await Promise.all(['whole', 'small'].map((name) => readSweep(onDisk(name))));
    expect(b?.cells.map(({ results }) => results)).toEqual(a?.cells.map(({ results }) => results));
    for (const [i, cell] of (a?.cells ?? []).entries()) {
      expect(await b?.cells[i]?.pass()).toEqual(await cell.pass());
    }
    const [file = ''] = readdirSync(at('small/cells'));
    const text = readFileSync(join(at('small/cells'), file), 'utf8');
    expect(() =>
      parseCollectedCell(text.replace('"places":"', '"places":"A'), 'cell').pass(),
    ).toThrow(/^cell: pass\.accuracy: holds \d+ digits/);
  });
});
