import { spawnSync } from 'node:child_process';
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
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { betweenLayers, type Imports, readImports } from '../../scripts/imports.mjs';
import { layers } from '../../scripts/layers.mjs';
import { modulePath } from '../../scripts/process.mjs';

const root = join(import.meta.dirname, '../..');
const names = Object.keys(layers);

/**
 * What the linter says of planted files, by the project's own configuration.
 *
 * @param files Lines of each file, by its path.
 * @returns The messages of the layer rule, by path, in the order of the lines.
 */
function complaints(files: Record<string, readonly string[]>): Record<string, string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'limr-layers-'));
  try {
    const config = readFileSync(join(root, '.oxlintrc.json'), 'utf8');
    const rule = join(root, 'scripts/layer-rule.mjs');
    writeFileSync(join(folder, '.oxlintrc.json'), config.replace('./scripts/layer-rule.mjs', rule));
    for (const [path, lines] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), lines.join('\n'));
    }
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [modulePath('oxlint/bin/oxlint'), '-A', 'all', '--format=json'],
      {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, OXLINT_TSGOLINT_PATH: modulePath('.bin/tsgolint') },
      },
    );
    if (!stdout.startsWith('{')) throw new Error(`oxlint: ${stdout}${stderr}`);
    const { diagnostics } = JSON.parse(stdout) as {
      diagnostics: {
        code: string;
        filename: string;
        message: string;
        labels: { span: { offset: number } }[];
      }[];
    };
    const said: Record<string, string[]> = {};
    const at = (one: (typeof diagnostics)[number]) => one.labels[0]?.span.offset ?? 0;
    for (const one of diagnostics.sort((a, b) => at(a) - at(b))) {
      if (one.code === 'limr(layers)') (said[one.filename] ??= []).push(one.message);
    }
    return said;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('the layer rule', () => {
  test('refuses every kind of import of a layer that is not below', () => {
    const lines = [
      `import { x } from '../tasks/registry.ts';`,
      `import type { X } from '../tasks/registry.ts';`,
      `export type Y = import('../tasks/registry.ts').X;`,
      `export { x } from '../tasks/registry.ts';`,
      `export * from '../tasks/registry.ts';`,
      `export const load = () => import('../tasks/registry.ts');`,
      `new Worker(new URL('../tasks/x.worker.ts', import.meta.url));`,
    ];
    const files = Object.fromEntries(lines.map((line, i) => [`src/gpu/kind-${i}.ts`, [line]]));
    expect(complaints(files)).toEqual(
      Object.fromEntries(
        Object.keys(files).map((path) => [
          path,
          ['src/gpu may not import src/tasks: see scripts/layers.mjs'],
        ]),
      ),
    );
  });

  test('takes the layer of a nested file by its path, not by its name', () => {
    const lines = [`import { x } from '../config.ts';`];
    expect(
      complaints({ 'src/tasks/math/planted.ts': lines, 'src/tasks/planted.ts': lines }),
    ).toEqual({
      'src/tasks/planted.ts': ['src/tasks may not import src/config: see scripts/layers.mjs'],
    });
  });

  test('lets a layer import itself, packages, and the layers that are named', () => {
    const lines = [
      `import { a } from './memory.ts';`,
      `import { b } from 'comlink';`,
      `import { c } from '../../kernels/lib/tensor.ts';`,
    ];
    expect(complaints({ 'src/gpu/planted.ts': lines })).toEqual({});
  });

  test('refuses tests, scripts and the page to whoever is below them', () => {
    const lines = [
      `import { a } from '../../test/support/gpu.ts';`,
      `import { b } from '../../scripts/process.mjs';`,
      `import { c } from '../../demo/link.ts';`,
    ];
    expect(complaints({ 'src/cli/planted.ts': lines })).toEqual({
      'src/cli/planted.ts': [
        'src/cli may not import test/support/gpu.ts, which is in no layer',
        'src/cli may not import scripts/process.mjs, which is in no layer',
        'src/cli may not import demo: see scripts/layers.mjs',
      ],
    });
  });

  test('is on for every layer, and refuses a folder and a top-level file that have none', () => {
    const layered = names.filter((name) => name !== 'shaders');
    const wrong = [`import { a } from '../../../../nowhere/x.ts';`];
    const deep = Object.fromEntries(layered.map((name) => [`${name}/deep/file.ts`, wrong]));
    const page = { 'demo/deep/view.tsx': wrong };
    const homeless = ['src/novel/planted.ts', 'src/novel.ts'];
    const said = complaints({
      ...deep,
      ...page,
      ...Object.fromEntries(homeless.map((path) => [path, ['export const x = 1;']])),
    });
    expect(Object.keys(said).sort()).toEqual(
      [...Object.keys(deep), ...Object.keys(page), ...homeless].sort(),
    );
    for (const path of homeless) {
      expect(said[path]).toEqual([`${path} is in no layer: see scripts/layers.mjs`]);
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
