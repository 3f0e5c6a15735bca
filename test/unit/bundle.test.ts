import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { strToU8, unzipSync, zipSync, type Zippable } from 'fflate';
import { describe, expect, test } from 'vitest';
import { Bundle, bundledAs, bundleOf, type BundlePart } from '../../src/bundle/bundle.ts';
import { bytesSource } from '../../src/formats/byte-source.ts';
import { digestOf } from '../../src/formats/digest.ts';
import { wholeOf } from '../../src/formats/file-content.ts';
import { ImportSession } from '../../src/imports/import-session.ts';
import { withBundles } from '../../src/imports/bundled-files.ts';
import { heldFiles } from '../../src/workers/held-files.ts';
import { limr } from '../support/command-line.ts';
import { bundledFiles } from '../../demo/rooms/data/bundling.ts';
import { runFileText } from '../../src/run-folder/run-file.ts';
import { openBundledRun } from '../../src/workers/bundled-run.ts';
import { makeRun } from '../support/report-run.ts';

const part = (path: string, ...pieces: string[]): BundlePart => ({
  path,
  async *pieces() {
    for (const piece of pieces) yield strToU8(piece);
  },
});

const open = (bytes: Uint8Array): Promise<Bundle> => Bundle.open(bytesSource('x.limr', bytes));

/** A zip that says it is a bundle of these files, with whatever else. */
function forged(files: Readonly<Record<string, Uint8Array>>, list?: unknown): Uint8Array {
  const told = {
    limr: 1,
    files: Object.fromEntries(
      Object.entries(files).map(([path, bytes]) => [
        path,
        { bytes: bytes.length, sha256: digestOf(bytes) },
      ]),
    ),
  };
  const zip: Zippable = { ...files, 'limr.json': strToU8(JSON.stringify(list ?? told)) };
  return zipSync(zip, { level: 9 });
}

/** Renames files in a zip, wherever their name stands uncompressed. */
function renamed(zip: Uint8Array, from: string, to: string): void {
  const [old, name] = [strToU8(from), strToU8(to)];
  for (let i = 0; i + old.length <= zip.length; i++) {
    if (old.every((byte, k) => zip[i + k] === byte)) zip.set(name, i);
  }
}

describe('a bundle', () => {
  test('gives back what went in, and equal files give equal bytes', async () => {
    const parts = [part('scores.json', '[', ']'), part('config.json', '{}'), part('metrics.jsonl')];
    const bytes = await wholeOf(bundleOf(parts));
    expect(await wholeOf(bundleOf([...parts].reverse()))).toEqual(bytes);
    const bundle = await open(bytes);
    expect(bundle.paths).toEqual(['config.json', 'metrics.jsonl', 'scores.json']);
    expect(bundle.readText('scores.json')).toBe('[]');
    expect(bundle.size('scores.json')).toBe(2);
    expect(bundle.read('results.json')).toBeUndefined();
    expect(bundle.read('__proto__')).toBeUndefined();
  });

  test('has files of a run and weights, and nothing that could run or lead elsewhere', async () => {
    for (const path of ['config.json', 'subsets/lim.json', 'completions/seed-1-epoch-0.jsonl']) {
      expect(bundledAs(path)).toBe('plain');
    }
    expect(bundledAs('adapter-lim/adapter_model.safetensors')).toBe('weights');
    for (const path of [
      '../config.json',
      '/etc/passwd',
      'subsets/../../x.json',
      'subsets\\lim.json',
      'verifier.mjs',
      'model/chat_template.jinja',
      'model/modeling.py',
      'checkpoints/latest.json',
      'report.html',
      '__proto__',
      'subsets/lim.json\u202e',
    ]) {
      expect(bundledAs(path), path).toBeUndefined();
      await expect(wholeOf(bundleOf([part(path, 'x')]))).rejects.toThrow(/no file of a bundle/);
      // An object cannot hold that name, a zip can.
      const zipped = forged({ [path.replace('__p', '__q')]: strToU8('x') });
      if (path === '__proto__') renamed(zipped, '__qroto__', path);
      await expect(open(zipped)).rejects.toThrow(/x\.limr: .*is no file of a bundle/);
    }
    await expect(
      wholeOf(bundleOf([part('config.json', 'a'), part('config.json', 'b')])),
    ).rejects.toThrow(/config\.json: is given twice/);
  });

  test('that is hostile is refused before anything is unpacked', async () => {
    const zeros = new Uint8Array(8 << 20);
    await expect(open(forged({ 'scores.json': zeros }))).rejects.toThrow(
      /scores\.json": unpacks to more than 300 times its size/,
    );
    // The same name twice: the second entry takes the first one's place in the directory.
    const twice = zipSync(
      { 'scores.json': strToU8('1'), 'scorez.json': strToU8('2') },
      { level: 0 },
    );
    renamed(twice, 'scorez.json', 'scores.json');
    await expect(open(twice)).rejects.toThrow(/scores\.json": is in it twice/);
    const many = Object.fromEntries(
      Array.from({ length: 5001 }, (_, i) => [`subsets/s${i}.json`, strToU8('')]),
    );
    await expect(open(forged(many))).rejects.toThrow(/more than 5000 files/);
    await expect(open(strToU8('no zip'))).rejects.toThrow(/x\.limr: is no bundle/);
    await expect(open(zipSync({ 'config.json': strToU8('{}') }))).rejects.toThrow(
      /holds no limr\.json/,
    );
  });

  test('that is damaged anywhere is refused with a typed error, or reads as it was', async () => {
    const text = JSON.stringify(
      Array.from({ length: 40 }, (_, i) => ({ prompt: `${i}`, score: i })),
    );
    const whole = await wholeOf(bundleOf([part('scores.json', text), part('config.json', '{}')]));
    let refused = 0;
    for (let i = 0; i < whole.length; i += 3) {
      const bytes = whole.slice();
      bytes[i] ^= 0xff;
      try {
        const bundle = await open(bytes);
        expect(bundle.readText('scores.json')).toBe(text);
        expect(bundle.readText('config.json')).toBe('{}');
      } catch (error) {
        expect((error as Error).name).toBe('FormatError');
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(50);
    for (let length = 0; length < whole.length; length += 7) {
      await expect(open(whole.subarray(0, length))).rejects.toMatchObject({ name: 'FormatError' });
    }
  });

  test.each([
    ['another version', { limr: 2, files: {} }, /limr\.json: limr/],
    [
      'a file that is not there',
      { limr: 1, files: { 'config.json': { bytes: 2, sha256: '0'.repeat(64) } } },
      /config\.json": is damaged or missing/,
    ],
    ['too little', { limr: 1, files: {} }, /does not list every file/],
  ])('whose list says %s is refused', async (_, list, message) => {
    await expect(open(forged({ 'scores.json': strToU8('[]') }, list))).rejects.toThrow(message);
  });

  test('whose file is not what the list says is refused when the file is read', async () => {
    const bundle = await open(
      forged(
        { 'scores.json': strToU8('[]') },
        { limr: 1, files: { 'scores.json': { bytes: 2, sha256: '0'.repeat(64) } } },
      ),
    );
    expect(() => bundle.read('scores.json')).toThrow(/scores\.json: is damaged/);
  });
});

describe('commands', () => {
  const runFolder = (): string => {
    const folder = join(mkdtempSync(join(tmpdir(), 'limr-bundle-')), 'my-run');
    const { files, results } = makeRun();
    const all = new Map(files);
    all.set('results.json', JSON.stringify(results));
    all.set('verifier.mjs', 'throw new Error("code")');
    for (const [path, text] of all) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return folder;
  };

  test('limr bundle packs a run, and limr report opens it as it opens the folder', async () => {
    const folder = runFolder();
    const [bundle, a, b] = ['my-run.limr', 'a.html', 'b.html'].map((name) =>
      join(folder, '..', name),
    );
    const made = await limr('bundle', folder, '--out', bundle, '--json');
    expect(made.stderr).toContain('bundle of');
    expect(made.code).toBe(0);
    expect(Object.keys(unzipSync(new Uint8Array(readFileSync(bundle))))).not.toContain(
      'verifier.mjs',
    );
    expect((await limr('report', folder, '--out', a)).code).toBe(0);
    expect((await limr('report', bundle, '--out', b)).code).toBe(0);
    expect(readFileSync(b, 'utf8')).toBe(readFileSync(a, 'utf8'));
  });

  test("a run's name and note go into its bundle and come out as text, within bounds", async () => {
    const folder = runFolder();
    const { config } = makeRun().results;
    writeFileSync(join(folder, 'config.json'), await runFileText(config, [1]));
    const file = join(folder, 'label.json');
    const out = join(folder, '..', 'labelled.limr');
    const label = { title: '<b>one</b>\u202e', note: 'first\nsecond' };
    writeFileSync(file, JSON.stringify({ ...label, pinned: true }));
    expect((await limr('bundle', folder, '--out', out)).code).toBe(0);
    const opened = async (path: string) => {
      const bundle = await Bundle.open(bytesSource('x.limr', new Uint8Array(readFileSync(path))));
      const plain = new Map(bundle.paths.map((one) => [one, bundle.read(one)!]));
      return openBundledRun('x.limr', { plain, weights: new Map() });
    };
    const run = await opened(out);
    expect(run.label).toEqual(label);
    // Whether a browser keeps the run stays with that browser.
    expect(new TextDecoder().decode(await run.read('label.json'))).not.toContain('pinned');
    // The page's bundle of it is the same.
    const files = await bundledFiles({ ...run, settings: run.settings }, false);
    const parts = [...files].map(([path, blob]) => ({
      path,
      async *pieces() {
        yield new Uint8Array(await blob.arrayBuffer());
      },
    }));
    expect(await wholeOf(bundleOf(parts))).toEqual(new Uint8Array(readFileSync(out)));

    for (const [content, said] of [
      [JSON.stringify({ title: 'x'.repeat(121) }), /label\.json: title: .*120/],
      [JSON.stringify({ note: 'x'.repeat(2001) }), /label\.json: note: .*2000/],
      [JSON.stringify({ title: 3 }), /label\.json: title/],
      ['[', /label\.json/],
    ] as const) {
      writeFileSync(file, content);
      const { code, stderr } = await limr('bundle', folder, '--out', out);
      expect(code).toBe(2);
      expect(stderr).toMatch(said);
      const plain = new Map([
        ['config.json', (await run.read('config.json'))!],
        ['label.json', strToU8(content)],
      ]);
      await expect(openBundledRun('x.limr', { plain, weights: new Map() })).rejects.toThrow(said);
    }
    // A folder or a bundle without the file has neither.
    writeFileSync(file, JSON.stringify({ title: '', note: '', pinned: true }));
    expect((await limr('bundle', folder, '--out', out)).code).toBe(0);
    const without = await opened(out);
    expect(without.label).toEqual({ title: '', note: '' });
    expect(await without.read('label.json')).toBeUndefined();
  });

  test('a run that is not finished, and a bundle of nothing, are named', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'limr-bundle-'));
    const unfinished = await limr('bundle', folder, '--out', join(folder, 'x.limr'));
    expect(unfinished.code).toBe(2);
    expect(unfinished.stderr).toContain('results.json: no such file; is this a finished run?');
    const empty = join(folder, 'y.limr');
    writeFileSync(empty, zipSync({ 'config.json': strToU8('{}') }));
    for (const command of [
      ['report', empty],
      ['score', empty],
    ]) {
      const { code, stderr } = await limr(...command, '--out', join(folder, 'out'));
      expect(code).toBe(2);
      expect(stderr).toMatch(/y\.limr: holds no limr\.json/);
    }
  });

  test('a bundle is a folder of files to whoever imports', async () => {
    const rewards = readFileSync(
      join(import.meta.dirname, '../fixtures/rollouts/limr-writer/prompts.jsonl'),
      'utf8',
    );
    const bytes = await wholeOf(
      bundleOf([part('subsets/lim.json', '[]'), part('completions/seed-1-epoch-0.jsonl', rewards)]),
    );
    const held = heldFiles(new Map([['a.limr', new Blob([bytes as Uint8Array<ArrayBuffer>])]]));
    const files = await withBundles(held, ['a.limr']);
    expect(await files.info('a.limr')).toEqual({ kind: 'directory' });
    expect(await files.list('a.limr')).toEqual(['completions', 'subsets']);
    expect(await files.list('a.limr/subsets')).toEqual(['lim.json']);
    expect(await files.info('a.limr/subsets/lim.json')).toEqual({ kind: 'file' });
    expect(await files.info('a.limr/subsets/none.json')).toBeUndefined();
    const source = await files.open('a.limr/subsets/lim.json');
    expect(new TextDecoder().decode(await source.slice(0, 9))).toBe('[]');
    await expect(files.open('a.limr/nothing.json')).rejects.toThrow(/no such file/);
    await expect(
      ImportSession.open(held, ['a.limr'], {
        format: 'auto',
        signal: 'accuracy',
        rule: 'corrected',
        theta: 0.6,
        allowPartial: false,
      }),
    ).rejects.toThrow(/a\.limr/);
  });
});
