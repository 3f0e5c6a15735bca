import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseCollectedCell } from '../../src/sweep/collected-cell.ts';
import { readSweep } from '../../src/sweep/folder.ts';
import { differences } from '../faults/compare.ts';
import { sweepDifferences } from '../faults/sweep-differences.ts';
import { commandsIn, nodeCommand } from '../support/limr-command.ts';
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
    expect(differences(at(`whole/cells/${cell.hash}`), at('run'))).toEqual([]);
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
      'cell,seed,lim.count,method,prompts,update,epochs,samples,selection_samples,total_samples,mean,tier_T1,tier_T2,wrong_keys,samples_trained',
    );
    // FULL is read out at 2, 4 and 6, each arm at 2 and 3.
    expect(rows).toHaveLength(1 + 4 * (3 + 2 * 2));
    expect(rows.find((row) => /,8,lim,8,2,/.test(row))).toMatch(/,8,lim,8,2,2,64,128,192,/);
  });

  test('killed three times ends with the same bytes', async () => {
    // After the first pass has begun, inside a cell, and somewhere behind.
    for (const word of [
      'FULL pass, seed 1: done',
      'lim.count 8: done',
      'FULL pass, seed 2: done',
    ]) {
      const { signal } = await start(
        nodeCommand,
        ['sweep', 'grid.json', '--out', 'killed', '--adapter', 'software'],
        (child, stderr) => {
          if (stderr.includes(word)) setTimeout(() => child.kill('SIGKILL'), 300);
        },
      );
      expect(signal).toBe('SIGKILL');
    }
    expect(await sweep('killed')).toMatchObject({ code: 0 });
    expect(sweepDifferences(at('killed'), at('whole'))).toEqual([]);
  });

  test('two shards, merged by copying, equal one sweep', async () => {
    const ended = await Promise.all([
      sweep('one', '--shard', '1/2'),
      sweep('two', '--shard', '2/2', '--workers', '2'),
    ]);
    expect(ended.map(({ code }) => code)).toEqual([0, 0]);
    cpSync(at('two'), at('one'), { recursive: true });
    const merged = await sweep('one');
    expect(merged.code).toBe(0);
    expect(merged.stderr).toContain('4 of 4 cells done');
    expect(sweepDifferences(at('one'), at('whole'))).toEqual([]);
  });

  test('refuses another grid in its folder, and takes cells over into another', async () => {
    writeFileSync(at('more.json'), JSON.stringify({ ...fourCells, seeds: [2, 1] }));
    const other = ['sweep', 'more.json', '--adapter', 'software', '--out'];
    const { code, stderr } = await start(nodeCommand, [...other, 'whole']);
    expect(code).toBe(2);
    expect(stderr).toContain('holds a sweep of another grid');
    const reused = await start(nodeCommand, [...other, 'reused', '--reuse', 'whole']);
    expect(reused.code).toBe(0);
    expect(reused.stderr).toContain('6 runs of whole taken over');
    expect(readFileSync(at('reused/runs.csv'))).toEqual(readFileSync(at('whole/runs.csv')));
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
