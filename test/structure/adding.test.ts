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

/** Every section of the page that has an example: its title, the search, and the files it names. */
const sections = readFileSync(join(root, 'docs/adding.md'), 'utf8')
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
      'An advantage estimator',
      'A task',
      'A selection method',
      'A command',
      'A rollout format',
    ]);
  });

  test.each(sections)('$title: names the files that its example is in', ({ search, files }) => {
    const pattern = new RegExp(search ?? '$.');
    const found = sources.filter((path) =>
      pattern.test(`${path}\n${readFileSync(join(root, path), 'utf8')}`),
    );
    expect([...files].sort()).toEqual(found.sort());
  });
});
