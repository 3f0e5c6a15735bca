import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { limr } from '../support/command-line.ts';

vi.setConfig({ testTimeout: 120_000 });
const folder = mkdtempSync(join(tmpdir(), 'limr-figures-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('limr report --images svg,png has a Chromium draw each panel twice as large', async () => {
  const scores = join(folder, 'scores.json');
  writeFileSync(
    scores,
    JSON.stringify(
      [0, 1, 2].map((id) => ({ prompt: `problem ${id}`, score: id / 3, rewards: [0, id / 2] })),
    ),
  );
  const figures = join(folder, 'figures');
  const done = await limr(
    ...['report', scores, '--out', join(folder, 'report.html')],
    ...['--figures', figures, '--images', 'svg,png'],
  );
  expect(done).toMatchObject({ code: 0 });
  const names = readdirSync(figures);
  expect(names.filter((name) => name.endsWith('.png'))).toEqual(
    names.filter((name) => name.endsWith('.svg')).map((name) => name.replace('.svg', '.png')),
  );
  const png = readFileSync(join(figures, 'figure-2a.png'));
  const [, width = '', height = ''] =
    /width="(\d+)" height="(\d+)"/.exec(readFileSync(join(figures, 'figure-2a.svg'), 'utf8')) ?? [];
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  // The header of a PNG: width and height behind signature, length and type.
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([
    2 * Number(width),
    2 * Number(height),
  ]);
  // Something is drawn: an empty picture of that size takes a few kilobytes.
  expect(png.length).toBeGreaterThan(8_000);
});
