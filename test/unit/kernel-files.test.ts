import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

const basenames = (folder: string, ending: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => entry.name.slice(0, -ending.length));

const shaders = basenames('shaders', '.wgsl');

describe('the four files of a kernel', () => {
  test('there are shaders to look at', () => {
    expect(shaders.length).toBeGreaterThan(0);
  });

  test.each([
    ['wrapper', 'kernels', '.ts'],
    ['reference', 'test/reference', '.ts'],
    ['test', 'test/kernels', '.test.ts'],
  ])('every shader has its %s', (_what, folder, ending) => {
    const found = new Set(basenames(folder, ending));
    const missing = shaders.filter((name) => !found.has(name));
    expect(missing.map((name) => `${folder}/${name}${ending}`)).toEqual([]);
  });

  test('every shader, also of a variant or shared, is imported by a wrapper', () => {
    const imported = new Set(
      sources('kernels').flatMap((path) => {
        const code = readFileSync(join(root, path), 'utf8');
        return [...code.matchAll(/from '([^']+\.wgsl)\?raw'/g)].map(([, specifier]) =>
          join(dirname(path), specifier),
        );
      }),
    );
    const all = readdirSync(join(root, 'shaders'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.wgsl'))
      .map((path) => join('shaders', path));
    expect(all.filter((path) => !imported.has(path))).toEqual([]);
  });

  test('every wrapper has its shader', () => {
    const found = new Set(shaders);
    expect(basenames('kernels', '.ts').filter((name) => !found.has(name))).toEqual([]);
  });
});

/** Every TypeScript file below a folder. */
function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

/** What only WGSL has. The one header allowed before a shader is `enable`, `alias` and `const`. */
const wgsl: readonly RegExp[] = [
  /@(?:compute|vertex|fragment|workgroup_size)\b/,
  /@group\(\d/,
  /\bvar<(?:storage|uniform|workgroup|private|function)\b/,
  /\b(?:workgroup|storage)Barrier\(\)\s*;/,
  /\bfn\s+\w+\s*\([^)]*\)\s*(?:->|\{)/,
];

/** The text of every string and every piece of a template. */
function literals(code: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) found.push(node.getText());
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('source.ts', code, ts.ScriptTarget.Latest, true));
  return found;
}

const findWgsl = (code: string): string[] =>
  literals(code).filter((text) => wgsl.some((pattern) => pattern.test(text)));

describe('where WGSL lives', () => {
  const folders = ['kernels', 'src', 'demo'].filter((name) => readdirSync(root).includes(name));

  test('no TypeScript holds shader text', () => {
    const held = folders
      .flatMap(sources)
      .flatMap((path) => findWgsl(readFileSync(join(root, path), 'utf8')).map((t) => [path, t]));
    expect(held).toEqual([]);
  });

  test('a shader in a template is noticed', () => {
    expect(findWgsl('const code = `@compute @workgroup_size(64) fn main() {}`;')).toHaveLength(1);
    expect(findWgsl("const line = 'var<storage, read> x: array<f32>;';")).toHaveLength(1);
    expect(
      findWgsl('const code = `var<${space}> x: u32; fn f() -> u32 { return x; }`;'),
    ).not.toEqual([]);
    expect(findWgsl("// var<storage>\nconst header = 'enable f16;';")).toEqual([]);
  });
});
