import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rgbOf } from '../../demo/plots/ramp.ts';
import {
  differenceSteps,
  lineLook,
  lineRules,
  markPath,
  methodLook,
  methodTones,
  rampSteps,
  runLooks,
  toneRules,
  tones,
  type LineName,
} from '../../src/look/tokens.ts';
import { methodNames, type MethodName } from '../../src/selection/methods.ts';
import { readRun } from '../../src/run-folder/finished-run.ts';
import { renderReport } from '../../src/report/page.ts';
import viteConfig from '../../vite.config.ts';
import { makeRun } from '../support/report-run.ts';

type Scheme = 'light' | 'dark';
type Vector = readonly [number, number, number];
const schemes: readonly Scheme[] = ['light', 'dark'];
const root = join(import.meta.dirname, '../..');

/** Linear light of a colour. */
const linear = (hex: string): Vector =>
  rgbOf(hex).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as unknown as Vector;

/** Ottosson's OKLab. */
function okLab([r, g, b]: Vector): Vector {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** Machado, Oliveira and Fernandes 2009, at full severity; then full colour vision. */
const visions: Readonly<Record<string, readonly Vector[]>> = {
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
  full: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
};

const seen = (hex: string, matrix: readonly Vector[]): Vector =>
  okLab(
    matrix.map((row) =>
      Math.min(
        1,
        Math.max(
          0,
          row.reduce((sum, part, i) => sum + part * linear(hex)[i], 0),
        ),
      ),
    ) as unknown as Vector,
  );

const distance = (one: string, other: string, matrix: readonly Vector[]): number =>
  Math.hypot(...seen(one, matrix).map((part, i) => part - seen(other, matrix)[i]));

const closestOf = (colours: readonly string[]): number =>
  Math.min(
    ...Object.values(visions).flatMap((matrix) =>
      colours.flatMap((one, i) =>
        colours.slice(i + 1).map((other) => distance(one, other, matrix)),
      ),
    ),
  );

const closest = (names: readonly string[], scheme: Scheme): number =>
  closestOf(names.map((name) => tones[name][scheme]));

/** Contrast of two colours. */
function contrast(one: string, other: string): number {
  const light = (hex: string) => {
    const [r, g, b] = linear(hex);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const [a, b] = [light(one), light(other)];
  return Math.max(a, b) / Math.min(a, b);
}

/** As many subset files as have looks of their own. */
const subsets = ['a', 'b', 'c', 'd'].map((name): MethodName => `file:${name}.json`);
const methods: readonly MethodName[] = [...methodNames, ...subsets];
const lines: readonly LineName[] = ['base', ...methods];
const lookOf = (name: LineName) => lineLook(name, methods);

describe('colours', () => {
  test('of methods are apart under every kind of colour vision, as their text says', () => {
    const first = ['base', 'full', 'lim', 'linear', 'rand'];
    expect(closest(first, 'light')).toBeCloseTo(0.102, 3);
    expect(closest(first, 'dark')).toBeCloseTo(0.132, 3);
    const all = (scheme: Scheme) => [
      tones.base[scheme],
      ...methodTones.map((tone) => tone[scheme]),
    ];
    expect(closestOf(all('light'))).toBeCloseTo(0.061, 3);
    expect(closestOf(all('dark'))).toBeCloseTo(0.061, 3);
    const runs = Object.keys(tones).filter((name) => name.startsWith('run-'));
    expect(runs.length).toBeGreaterThan(1);
    expect(closest(runs, 'light')).toBeCloseTo(0.029, 3);
  });

  test('that colour text are readable on card, panel and page', () => {
    const names = ['ink', 'quiet', 'bad', 'accent', 'wrong-key'];
    const texts = [...names, ...lines.map((name) => lookOf(name).textTone.slice(2))];
    for (const scheme of schemes) {
      for (const ground of ['card', 'page']) {
        for (const name of texts) {
          const found = contrast(tones[name][scheme], tones[ground][scheme]);
          expect(found, `${name} on ${ground}, ${scheme}`).toBeGreaterThanOrEqual(4.5);
        }
        for (const tone of methodTones) {
          const found = contrast(tone[scheme], tones[ground][scheme]);
          expect(found, `${tone[scheme]} on ${ground}`).toBeGreaterThanOrEqual(4.5);
        }
      }
      expect(contrast(tones['accent-ink'][scheme], tones['accent'][scheme])).toBeGreaterThan(4.5);
    }
  });

  test('of the ramp rise in lightness, and its lowest is no hole in a dark card', () => {
    for (const scheme of schemes) {
      const lightness = Array.from(
        { length: rampSteps },
        (_, i) => okLab(linear(tones[`ramp-${i}`][scheme]))[0],
      );
      expect(lightness).toEqual([...lightness].sort((a, b) => a - b));
    }
    expect(contrast(tones['ramp-0'].dark, tones['card'].dark)).toBeGreaterThan(1.5);
  });
});

describe('lines', () => {
  test('differ in dash or mark, not by colour alone', () => {
    const looks = (list: readonly { readonly dash: readonly number[]; readonly mark: string }[]) =>
      new Set(list.map(({ dash, mark }) => `${dash.join()} ${mark}`));
    expect(looks(lines.map(lookOf)).size).toBe(lines.length);
    expect(looks(Array.from({ length: 32 }, (_, code) => methodLook(code))).size).toBe(32);
    expect(looks(runLooks).size).toBe(runLooks.length);
  });

  test('of one colour have different marks', () => {
    const all = methods.map(lookOf);
    for (const [i, one] of all.entries()) {
      for (const other of all.slice(i + 1)) {
        const [own, their] = [one, other].map(({ tone }) => tones[tone.slice(2)].light);
        if (own === their) expect(one.mark, `${one.label}, ${other.label}`).not.toBe(other.mark);
      }
    }
  });

  test('of subset files keep their looks in a run, and name no folder', () => {
    const [one, other] = ['file:x/y/top.json', 'file:x/z/top.json'] as const;
    const looks = [one, other].map((name) => lineLook(name, ['full', one, other]));
    expect(looks.map(({ key }) => key)).toEqual(['file-1', 'file-2']);
    for (const { label } of looks) expect(label).toMatch(/^FILE top\.json \([a-p]{4}\)$/);
    expect(looks[0].label).not.toBe(looks[1].label);
  });

  test('carry text on every colour of a difference, whose sides every eye tells apart', () => {
    for (const scheme of schemes) {
      for (let step = -differenceSteps; step <= differenceSteps; step++) {
        const cell = tones[`difference-${step}`][scheme];
        expect(contrast(tones.ink[scheme], cell), `${step} ${scheme}`).toBeGreaterThan(4.5);
      }
      for (const [vision, matrix] of Object.entries(visions)) {
        for (const step of [2, 3, 4]) {
          const [below, above] = [-step, step].map((at) => tones[`difference-${at}`][scheme]);
          const apart = distance(below, above, matrix);
          expect(apart, `${vision} ${scheme} ${step}`).toBeGreaterThan(0.06);
        }
      }
    }
  });

  test.each(['circle', 'diamond', 'triangle', 'rect'] as const)('mark a point by a %s', (mark) => {
    expect(markPath(mark, 10, 20)).toMatch(/^M[\d.]+ [\d.]+[aL\d. -]*Z$/);
    expect(markPath(mark, 11, 20)).not.toBe(markPath(mark, 10, 20));
  });
});

/** Colours written out: `#` digits or a colour function, but for those that mix custom properties. */
const literal = /#[0-9a-f]{3,8}\b(?!-)|\b(?:rgba?|hsla?|oklch|oklab|lab|lch|color)\(/i;

const sources = (folder: string, ending: RegExp): [string, string][] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => ending.test(path))
    .map((path) => [`${folder}/${path}`, readFileSync(join(root, folder, path), 'utf8')]);

describe('the rules of lines', () => {
  test('colour the text and the drawn line of every method', () => {
    for (const name of lines) {
      const { key, tone, textTone } = lookOf(name);
      expect(lineRules()).toContain(`.line-${key} {\n  color: var(${textTone});\n}`);
      expect(lineRules()).toContain(`svg.line-${key} {\n  color: var(${tone});\n}`);
      expect(tones).toHaveProperty([tone.slice(2)]);
    }
  });
});

describe('page and report', () => {
  const files = [
    ...sources('demo', /\.(?:tsx?|css|html)$/),
    ...sources('src/report', /\.(?:ts|css)$/),
  ];

  test('have no colour of their own', () => {
    expect(files.length).toBeGreaterThan(20);
    for (const [path, text] of files) {
      const found = text.split('\n').filter((line) => literal.test(line.replace(/&#\d+;/g, '')));
      expect(found, path).toEqual([]);
    }
  });

  test('name no custom property that is not there', () => {
    for (const [path, text] of files) {
      const named = Array.from(text.matchAll(/var\(--([\w-]+)\)|cssColor\('--([\w-]+)'\)/g));
      for (const [, inStyle, inCode] of named) {
        expect(tones, `${path}: ${inStyle ?? inCode}`).toHaveProperty([inStyle ?? inCode]);
      }
    }
  });

  test('are given the same rules', async () => {
    const html = renderReport([await readRun(makeRun({ preset: 'quick' }).folder)]);
    expect(html).toContain(toneRules());
    // As the page's build writes its style sheet.
    const config = viteConfig({ command: 'build', mode: 'production' });
    const plugin = config.plugins?.find(
      (one): one is { name: string; transform: (code: string, id: string) => string } =>
        typeof one === 'object' && one !== null && 'name' in one && one.name === 'tones',
    );
    const path = join(root, 'demo/style.css');
    const style = plugin?.transform(readFileSync(path, 'utf8'), path);
    expect(style).toContain(toneRules());
    expect(style).toContain(lineRules());
    for (const name of ['base', 'full', 'lim', 'rand', 'linear'] as const) {
      expect(html).toContain(`var(${lookOf(name).tone})`);
    }
  });

  test('have every colour in both schemes', () => {
    const [light, dark, chosen] = toneRules().split(/@media|:root\[data-theme='dark'\]/);
    for (const [name, tone] of Object.entries(tones)) {
      expect(light).toContain(`--${name}: ${tone.light};`);
      expect(dark).toContain(`--${name}: ${tone.dark};`);
      expect(chosen).toContain(`--${name}: ${tone.dark};`);
    }
  });
});
