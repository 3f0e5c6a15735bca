// The only place of the colours, marks and dashes of page and report, light and dark. `toneRules`
// writes the colours as custom properties, and style sheets use the properties' names; `lineRules`
// writes the classes of lines.
import { isSubsetFile } from '../selection/file.ts';
import { isTaughtFile } from '../selection/sft.ts';
import { methodCode, methodLabel, methodNames, type MethodName } from '../selection/methods.ts';

/** One colour in both schemes. */
interface Tone {
  readonly light: string;
  readonly dark: string;
}

const both = (light: string, dark: string): Tone => ({ light, dark });

/** A line of a figure: a method, or the base from which all methods start. */
export type LineName = MethodName | 'base';

const baseTone = both('#7d8591', '#6d7583');

/**
 * Colours of methods, by their codes and again from the first; see `methodLook`. They are chosen for
 * distance under every kind of colour vision, full vision and Machado's matrices for its three
 * losses, from each other and from the base: the closest pair of the first four is 0.102 apart in
 * OKLab in light and 0.132 in dark, of all 0.061 in both. All serve for text: contrast at least
 * 4.5 : 1 on card and page.
 */
export const methodTones = [
  both('#1f2328', '#f2f4f8'),
  both('#0b62d6', '#4da3ff'),
  both('#8f2d56', '#ff86a2'),
  both('#a96300', '#ffc866'),
  both('#2028a1', '#bcccfd'),
  both('#605595', '#5976f3'),
  both('#541860', '#c176bb'),
  both('#313c26', '#a0fab3'),
  both('#777258', '#b8b91c'),
  both('#2925d5', '#a0b0df'),
  both('#3b1500', '#eaab78'),
  both('#5d2e7b', '#d939d2'),
] as const;

/** An item of a list that goes round. */
const round = <Item>(list: readonly [Item, ...Item[]], place: number): Item =>
  list[place % list.length] ?? list[0];

/**
 * The colour of the method with a code. Each dozen of codes begins five colours further, so that
 * methods of one colour have different marks.
 */
const toneOf = (code: number): Tone =>
  round(methodTones, code + 5 * Math.floor(code / methodTones.length));

/** Looks that subsets from files take in turn: those of the codes 16 to 19. */
const fileLooks = [16, 17, 18, 19] as const;

/**
 * Looks that methods which learn the rows of files take in turn. The first is told by its colour, too,
 * from the paper's methods and from SFT.
 */
const taughtLooks = [31, 28, 29] as const;

/** Runs of a comparison. Dashes and marks tell eight runs apart; colours alone do not (0.029). */
const runTones = [
  both('#0072b2', '#4db3f0'),
  both('#b06f00', '#eaa62f'),
  both('#00855f', '#2fc79a'),
  both('#c2518f', '#e88fc0'),
  both('#24292f', '#e6e9ec'),
  both('#c04a00', '#ff8a4d'),
  both('#3794c9', '#9ad4f5'),
  both('#7a6a00', '#d9c84a'),
];

/**
 * Shares from lowest to highest: cividis at equal steps, with even lightness for every kind of
 * colour vision. The dark scheme starts lighter, so that the lowest share does not look like a hole
 * in the card.
 */
const rampTones = [
  both('#00224e', '#31446d'),
  both('#123570', '#4a546d'),
  both('#3b496c', '#5f636f'),
  both('#575d6d', '#737374'),
  both('#707173', '#878377'),
  both('#8a8678', '#9c9575'),
  both('#a59c74', '#b2a66f'),
  both('#c3b369', '#d0bf5e'),
  both('#fee838', '#fee838'),
];

/** Number of steps `ramp-0`, `ramp-1`, ... */
export const rampSteps = rampTones.length;

/** The key of the look of a run's subset file at a place among its subset files. */
function fileKey(place: number): string {
  return `file-${(place % fileLooks.length) + 1}`;
}

/** The same for a file whose rows a method learns. */
function taughtKey(place: number): string {
  return `sft-${(place % taughtLooks.length) + 1}`;
}

/**
 * Differences from far below to far above: orange, grey, blue, which every kind of colour vision
 * tells apart. All carry text in `ink`.
 */
const differenceTones = [
  both('#ee9540', '#9a5a0c'),
  both('#f6b46e', '#784610'),
  both('#fbd3a6', '#573512'),
  both('#fdeada', '#382614'),
  both('#f0f1f3', '#20252d'),
  both('#e1edf9', '#14283f'),
  both('#bddaf4', '#153a62'),
  both('#8dbeea', '#164d87'),
  both('#5ba2de', '#1b62ad'),
];

/** Steps from 0 to the ends of `difference--4` to `difference-4`. */
export const differenceSteps = (differenceTones.length - 1) / 2;

/** Every colour by the name of its custom property. */
export const tones: Readonly<Record<string, Tone>> = {
  page: both('#fbfbfc', '#0d0f14'),
  card: both('#ffffff', '#12151b'),
  panel: both('#f3f5f8', '#1a1f27'),
  ink: both('#1f2328', '#f2f4f8'),
  quiet: both('#59616e', '#a5adba'),
  line: both('#e2e5ea', '#272c36'),
  grid: both('#e6e9ee', '#272c36'),
  axis: both('#9aa1aa', '#6b737c'),
  // The accent colour is LIM's colour.
  accent: toneOf(methodCode('lim')),
  'accent-ink': both('#ffffff', '#0d0f14'),
  bad: both('#a3261b', '#ff9086'),
  warn: both('#fff4d6', '#332a12'),
  'warn-edge': both('#b87700', '#e0a93b'),
  /** A match with a key that is wrong on purpose. */
  'wrong-key': both('#8a5a00', '#f0b03c'),
  base: baseTone,
  ...Object.fromEntries(methodNames.map((name) => [name, toneOf(methodCode(name))])),
  ...Object.fromEntries(fileLooks.map((code, i) => [fileKey(i), toneOf(code)])),
  ...Object.fromEntries(taughtLooks.map((code, i) => [taughtKey(i), toneOf(code)])),
  /** The pool's mean curve: red, as in the paper's figure. */
  mean: both('#d81e1e', '#ff5a52'),
  rejected: both('#7c8494', '#8b94a5'),
  missing: both('#eceff3', '#1e232b'),
  easy: both('#c5ccd8', '#465061'),
  learnable: both('#8b95a6', '#7f8a9a'),
  hard: both('#3f4756', '#ced5df'),
  'mark-1': both('#c3c8ce', '#3a4149'),
  'mark-2': both('#99a0a8', '#5e666f'),
  'mark-3': both('#6a717a', '#8f97a0'),
  'mark-4': both('#2f343a', '#d5dade'),
  ...Object.fromEntries(runTones.map((tone, i) => [`run-${i + 1}`, tone])),
  ...Object.fromEntries(rampTones.map((tone, i) => [`ramp-${i}`, tone])),
  /** The hatch of what is undecided. */
  hatch: both('#a3aab5', '#59626f'),
  ...Object.fromEntries(
    differenceTones.map((tone, i) => [`difference-${i - differenceSteps}`, tone]),
  ),
};

/** The shape of a point. */
export type Mark = 'circle' | 'diamond' | 'triangle' | 'rect' | 'none';

/** The look of a line in every figure: never colour alone. */
export interface LineLook {
  readonly label: string;
  /** The name of its classes: `line-KEY`. */
  readonly key: string;
  /** Custom property of its colour. */
  readonly tone: string;
  /** Custom property of the colour for text, if the line's own colour is too pale. */
  readonly textTone: string;
  /** Lengths of dashes and gaps; empty for a solid line. */
  readonly dash: readonly number[];
  readonly width: number;
  readonly mark: Mark;
}

const marks = ['circle', 'diamond', 'rect', 'triangle'] as const;
/** Dashes, and the first of them for each mark. */
const dashes: readonly [readonly number[], ...(readonly number[])[]] = [
  [],
  [4, 3],
  [8, 3, 2, 3],
  [2, 3],
  [11, 4],
  [6, 2, 2, 2, 2, 2],
  [14, 3, 4, 3],
  [3, 6],
];
const firstDashes = { circle: 0, diamond: 0, rect: 2, triangle: 1 } as const;

/** The look of the method with a code. The first 32 codes differ in mark or dash; later codes repeat. */
export function methodLook(code: number): Pick<LineLook, 'mark' | 'dash'> {
  const mark = round(marks, code);
  const dash = round(dashes, firstDashes[mark] + Math.floor(code / marks.length));
  return { mark, dash };
}

const lookOf = (key: string, code: number, label: string): LineLook => ({
  label,
  key,
  tone: `--${key}`,
  textTone: `--${key}`,
  // LIM is what the page is about.
  width: key === 'lim' ? 2.5 : 2,
  ...methodLook(code),
});

const baseLook: LineLook = {
  label: 'Base',
  key: 'base',
  tone: '--base',
  textTone: '--quiet',
  dash: [2, 4],
  width: 1.5,
  mark: 'none',
};

/**
 * The look of a line.
 *
 * @param methods The methods of the run, in any order that stays: it tells the run's files apart.
 */
export function lineLook(name: LineName, methods: readonly LineName[] = []): LineLook {
  if (name === 'base') return baseLook;
  if (isTaughtFile(name)) {
    const place = Math.max(0, methods.filter(isTaughtFile).indexOf(name));
    return lookOf(taughtKey(place), round(taughtLooks, place), methodLabel(name));
  }
  if (!isSubsetFile(name)) return lookOf(name, methodCode(name), methodLabel(name));
  const place = Math.max(0, methods.filter(isSubsetFile).indexOf(name));
  return lookOf(fileKey(place), round(fileLooks, place), methodLabel(name));
}

/** Keys and colours of all looks. */
const rules: readonly Pick<LineLook, 'key' | 'tone' | 'textTone'>[] = [
  baseLook,
  ...methodNames.map((name) => lineLook(name)),
  ...fileLooks.map((code, i) => lookOf(fileKey(i), code, '')),
  ...taughtLooks.map((code, i) => lookOf(taughtKey(i), code, '')),
];

/** The looks of the runs of a comparison, in order. */
export const runLooks: readonly Pick<LineLook, 'tone' | 'dash' | 'mark'>[] = (
  [
    ['circle', []],
    ['triangle', [7, 4]],
    ['rect', [3, 3]],
    ['diamond', []],
    ['circle', [7, 4]],
    ['triangle', [3, 3]],
    ['rect', []],
    ['diamond', [9, 3, 2, 3]],
  ] as const
).map(([mark, dash], i) => ({ tone: `--run-${i + 1}`, dash, mark }));

/** Opacity of the part of FULL's line that no other line can be compared with. */
export const DIMMED = 0.35;

/** A mark around a point, as SVG path data; empty for `none`. */
export function markPath(mark: Mark, x: number, y: number, radius = 3.5): string {
  const at = (dx: number, dy: number) => `${near(x + dx * radius)} ${near(y + dy * radius)}`;
  switch (mark) {
    case 'circle': {
      const arc = `a${radius} ${radius} 0 1 1`;
      return `M${at(-1, 0)}${arc} ${2 * radius} 0${arc} ${-2 * radius} 0Z`;
    }
    case 'diamond':
      return `M${at(0, -1.25)}L${at(1.25, 0)}L${at(0, 1.25)}L${at(-1.25, 0)}Z`;
    case 'triangle':
      return `M${at(0, -1.15)}L${at(1.15, 0.95)}L${at(-1.15, 0.95)}Z`;
    case 'rect':
      return `M${at(-0.9, -0.9)}L${at(0.9, -0.9)}L${at(0.9, 0.9)}L${at(-0.9, 0.9)}Z`;
    case 'none':
      return '';
  }
}

const near = (value: number): number => Math.round(value * 100) / 100;

/**
 * The style rules that define every tone as a custom property, light and dark: as the browser has it,
 * or as the root's `data-theme` says.
 */
export function toneRules(): string {
  const rules = (scheme: keyof Tone, indent: string): string =>
    Object.entries(tones)
      .map(([name, tone]) => `${indent}--${name}: ${tone[scheme]};\n`)
      .join('');
  return (
    `:root {\n  color-scheme: light dark;\n${rules('light', '  ')}}\n\n` +
    `@media (prefers-color-scheme: dark) {\n` +
    `  :root:not([data-theme='light']) {\n${rules('dark', '    ')}  }\n}\n\n` +
    `:root[data-theme='dark'] {\n${rules('dark', '  ')}}\n\n` +
    (['light', 'dark'] as const)
      .map((theme) => `:root[data-theme='${theme}'] {\n  color-scheme: ${theme};\n}\n`)
      .join('')
  );
}

/** The style rules that colour the text and the drawn line of each class `line-NAME`. */
export const lineRules = (): string =>
  rules
    .map(
      ({ key, tone, textTone }) =>
        `.line-${key} {\n  color: var(${textTone});\n}\n\n` +
        `svg.line-${key} {\n  color: var(${tone});\n}\n`,
    )
    .join('\n');
