import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ESLint, Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { betweenLayers, type Imports, readImports } from '../../scripts/imports.mjs';
import { layerRule } from '../../scripts/layer-rule.mjs';
import { layers } from '../../scripts/layers.mjs';

const root = join(import.meta.dirname, '../..');
const names = Object.keys(layers);

/** What the rule says of one file with these lines. */
function complaints(filename: string, ...lines: string[]): string[] {
  const linter = new Linter({ cwd: root });
  const found = linter.verify(
    lines.join('\n'),
    [
      {
        files: ['**/*.ts'],
        plugins: { limr: { rules: { layers: layerRule } } },
        languageOptions: { parser: tseslint.parser },
        rules: { 'limr/layers': 'error' },
      },
    ],
    { filename: join(root, filename) },
  );
  return found.map(({ message }) => message);
}

describe('the layer rule', () => {
  test.each([
    ['an import', `import { x } from '../tasks/registry.ts';`],
    ['an import of a type', `import type { X } from '../tasks/registry.ts';`],
    ['a type by its module', `export type X = import('../tasks/registry.ts').X;`],
    ['a re-export', `export { x } from '../tasks/registry.ts';`],
    ['a re-export of everything', `export * from '../tasks/registry.ts';`],
    ['a lazy import', `export const load = () => import('../tasks/registry.ts');`],
    ['a worker', `new Worker(new URL('../tasks/x.worker.ts', import.meta.url));`],
  ])('refuses %s of a layer that is not below', (_, line) => {
    expect(complaints('src/gpu/planted.ts', line)).toEqual([
      'src/gpu may not import src/tasks: see scripts/layers.mjs',
    ]);
  });

  test('takes the layer of a nested file by its path, not by its name', () => {
    const line = `import { x } from '../config.ts';`;
    expect(complaints('src/tasks/math/planted.ts', line)).toEqual([]);
    expect(complaints('src/tasks/planted.ts', line)).toEqual([
      'src/tasks may not import src/config: see scripts/layers.mjs',
    ]);
  });

  test('lets a layer import itself, packages, and the layers that are named', () => {
    const lines = [
      `import { a } from './memory.ts';`,
      `import { b } from 'comlink';`,
      `import { c } from '../../kernels/lib/tensor.ts';`,
    ];
    expect(complaints('src/gpu/planted.ts', ...lines)).toEqual([]);
  });

  test('refuses tests, scripts and the page to whoever is below them', () => {
    const lines = [
      `import { a } from '../../test/support/gpu.ts';`,
      `import { b } from '../../scripts/process.mjs';`,
      `import { c } from '../../demo/link.ts';`,
    ];
    expect(complaints('src/cli/planted.ts', ...lines)).toEqual([
      'src/cli may not import test/support/gpu.ts, which is in no layer',
      'src/cli may not import scripts/process.mjs, which is in no layer',
      'src/cli may not import demo: see scripts/layers.mjs',
    ]);
  });

  test('refuses a folder and a top-level file that have no layer', () => {
    for (const path of ['src/novel/planted.ts', 'src/novel.ts']) {
      expect(complaints(path, 'export const x = 1;')).toEqual([
        `${path} is in no layer: see scripts/layers.mjs`,
      ]);
    }
  });

  test('is on for every layer', async () => {
    const eslint = new ESLint({ cwd: root });
    for (const name of names.filter((layer) => layer !== 'shaders')) {
      const paths = [`${name}/deep/file.ts`, ...(name.startsWith('src/') ? [`${name}.ts`] : [])];
      for (const path of paths) {
        const config = (await eslint.calculateConfigForFile(join(root, path))) as {
          rules: Record<string, unknown[]>;
        };
        expect(config.rules['limr/layers'], path).toEqual([2]);
      }
    }
  });
});

describe('the list of layers', () => {
  test('names every folder and file of src, and nothing that is not there', () => {
    const found = readdirSync(join(root, 'src'), { withFileTypes: true }).map((entry) =>
      entry.isDirectory() ? `src/${entry.name}` : `src/${entry.name.replace(/\.ts$/, '')}`,
    );
    const known = Object.entries(layers).flatMap(([name, { files = [] }]) => [name, ...files]);
    // A folder may be a layer, or hold layers.
    const named = (path: string) =>
      known.some((place) => place === path || place.startsWith(`${path}/`));
    expect(found.filter((path) => !named(path))).toEqual([]);
    const isThere = (path: string) =>
      existsSync(join(root, path)) || existsSync(join(root, `${path}.ts`));
    expect(known.filter((path) => !isThere(path))).toEqual([]);
  });

  test('lets each layer import layers above it in the list alone: no folders form a circle', () => {
    for (const [i, name] of names.entries()) {
      for (const imported of layers[name]?.imports ?? []) {
        expect(names.slice(0, i), `${name} imports ${imported}`).toContain(imported);
      }
    }
  });
});

describe('the imports of the sources', () => {
  let found: Imports;
  beforeAll(async () => {
    found = await readImports();
  }, 180_000);

  test('hold no circle of files beyond types', () => {
    expect(found.imports.length).toBeGreaterThan(500);
    expect(found.circles).toEqual([]);
  });

  test('are what the list allows, no more and no less', () => {
    const used = betweenLayers(found.imports);
    for (const name of names) {
      const own = [...(used.get(name)?.keys() ?? [])].sort();
      expect(own, `layers that ${name} imports`).toEqual([...(layers[name]?.imports ?? [])].sort());
    }
  });

  describe('of a planted circle', () => {
    let folder = '';
    const plant = (files: Record<string, string>) => {
      folder = mkdtempSync(join(tmpdir(), 'limr-circle-'));
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), text);
      }
      return readImports(['src'], folder);
    };
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    test('are refused when both run, and not when one is a type', async () => {
      const b = `import { a } from './a.ts';\nexport const b = () => a;\n`;
      const running = await plant({
        'src/a.ts': `import { b } from './b.ts';\nexport const a = () => b;\n`,
        'src/b.ts': b,
      });
      expect(running.circles.map((circle) => [...new Set(circle)].sort())).toEqual([
        ['src/a.ts', 'src/b.ts'],
      ]);
      rmSync(folder, { recursive: true, force: true });
      const typed = await plant({
        'src/a.ts': `import type { b } from './b.ts';\nexport const a = (x: typeof b) => x;\n`,
        'src/b.ts': b,
      });
      expect(typed.circles).toEqual([]);
    }, 60_000);
  });
});
