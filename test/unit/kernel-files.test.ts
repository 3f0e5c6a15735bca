import { existsSync, readdirSync, readFileSync } from 'node:fs';
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

  test('every shader but those shared says which kernel it is, its grid and its numerics', () => {
    const broken = headers().flatMap(({ name, header }) =>
      [
        [`a first line that begins with its name`, header[0].startsWith(`// ${name}: `)] as const,
        ['a line Grid', header.some((line) => line.startsWith('// Grid: '))] as const,
        ['a line Numerics', header.some((line) => line.startsWith('// Numerics: '))] as const,
      ].flatMap(([part, there]) => (there ? [] : [`${name} lacks ${part}`])),
    );
    expect(broken).toEqual([]);
  });

  test('every header lists what is read and what is written, that of a variant or its kernel', () => {
    const lists = (header: readonly string[], kinds: RegExp): boolean =>
      header.some((line) => kinds.test(line));
    const broken = headers().flatMap(({ name, header }) => {
      const [kernel, variant] = name.split('/');
      if (variant !== undefined) {
        return header.join(' ').split(`${kernel}/${variant}`).join('').includes(kernel)
          ? []
          : [`${name} does not say that ${kernel} is its specification`];
      }
      return [
        ...(lists(header, /^\/\/ (?:in|io) +\w/) ? [] : [`${name} lists nothing to read`]),
        ...(lists(header, /^\/\/ (?:out|io) +\w/) ? [] : [`${name} lists nothing to write`]),
      ];
    });
    expect(broken).toEqual([]);
  });

  test('every tolerance in a header names the test that holds it, and the test is there', () => {
    const broken = headers().flatMap(({ name, header }) => {
      const at = header.findIndex((line) => line.startsWith('// Numerics: '));
      const numerics = header.slice(at).join(' ');
      const cited = numerics.match(/test\/[\w/.-]+\.ts/g) ?? [];
      return [
        ...(/\bwithin\b.*\bof float64\b/.test(numerics) && cited.length === 0
          ? [`${name} names no test for its tolerance`]
          : []),
        ...cited
          .filter((path) => !existsSync(join(root, path)))
          .map((path) => `${name} names ${path}, which is not there`),
      ];
    });
    expect(broken).toEqual([]);
  });

  test('every wrapper has its shader', () => {
    const found = new Set(shaders);
    expect(basenames('kernels', '.ts').filter((name) => !found.has(name))).toEqual([]);
  });
});

/** The comment that a shader begins with, of kernels and their variants. */
const headers = (): { name: string; header: string[] }[] =>
  readdirSync(join(root, 'shaders'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.wgsl') && dirname(path) !== 'lib')
    .sort()
    .map((path) => {
      const lines = readFileSync(join(root, 'shaders', path), 'utf8').split('\n');
      const end = lines.findIndex((line) => !line.startsWith('//'));
      return { name: path.slice(0, -'.wgsl'.length), header: lines.slice(0, end) };
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
  // Most files hold none of it anywhere, and need not be parsed.
  wgsl.some((pattern) => pattern.test(code))
    ? literals(code).filter((text) => wgsl.some((pattern) => pattern.test(text)))
    : [];

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
