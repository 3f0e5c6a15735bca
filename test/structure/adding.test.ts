import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const folders = ['src', 'kernels', 'shaders', 'demo', 'test/kernels', 'test/reference'];

const sources = folders
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
      `${folder}/${name}`.replaceAll('\\', '/'),
    ),
  )
  .filter((path) => /\.(?:ts|wgsl)$/.test(path));

const page = readFileSync(join(root, 'docs/adding.md'), 'utf8');

/** Every section of the page that has an example: its title, the search, and the files it names. */
const sections = page
  .split(/^## /m)
  .slice(1)
  .map((text) => {
    const [title = ''] = text.split('\n');
    const search = /^Search: `(.+)`$/m.exec(text)?.[1];
    const files = [...text.matchAll(/^- `([^`]+)`/gm)].map(([, path = '']) => path);
    return { title, search, files };
  });

describe('docs/adding.md', () => {
  test('tells of every kind of addition', () => {
    expect(sections.map(({ title }) => title)).toEqual([
      'A kernel',
      'A variant',
      'An advantage estimator',
      'A baseline of advantages',
      'A task',
      'A selection method',
      'An architecture',
      'A kind of matrix',
      'A command',
      'A rollout format',
    ]);
  });

  const rows = [...page.matchAll(/^\| (An? [^|]+) \| (\d+) \| (\d+) \|/gm)].map(
    ([, title, files, before]) => ({ title, files: Number(files), before: Number(before) }),
  );

  test('counts the files of each kind in its table', () => {
    expect(rows.map(({ title, files }) => [title, files])).toEqual(
      sections.map(({ title, files }) => [title, files.length]),
    );
  });

  test.each(rows)('$title: takes no more files than before', ({ files, before }) => {
    expect(files).toBeLessThanOrEqual(before);
  });

  test.each(sections)('$title: names the files that its example is in', ({ search, files }) => {
    const pattern = new RegExp(search ?? '$.');
    const found = sources.filter((path) =>
      pattern.test(`${path}\n${readFileSync(join(root, path), 'utf8')}`),
    );
    expect([...files].sort()).toEqual(found.sort());
  });
});
