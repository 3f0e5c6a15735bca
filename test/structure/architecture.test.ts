import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { betweenLayers, readImports } from '../../scripts/imports.mjs';
import { drawing, page, withDrawing } from '../../scripts/picture.mjs';

const root = join(import.meta.dirname, '../..');

describe('docs/architecture.md', () => {
  let drawn = '';
  beforeAll(async () => {
    drawn = drawing(betweenLayers((await readImports()).imports));
  });

  test('shows the imports that there are; npm run picture draws them', () => {
    const text = readFileSync(page, 'utf8');
    expect(drawn).toContain('src_workers --> src_scheduler');
    expect(text).toBe(withDrawing(text, drawn));
  });
});

test.each(['docs/architecture.md', 'docs/adding.md', 'CONTRIBUTING.md'])(
  'the files that %s names exist',
  (name) => {
    const text = readFileSync(join(root, name), 'utf8');
    const paths = [
      ...text.matchAll(/`((?:src|kernels|shaders|demo|test|scripts|docs)\/[\w./-]+)`/g),
    ];
    expect(paths.length).toBeGreaterThan(2);
    const missing = paths.flatMap(([, path = '']) =>
      [path, `${path}.ts`].some((place) => existsSync(join(root, place))) ? [] : [path],
    );
    expect(missing).toEqual([]);
  },
);
