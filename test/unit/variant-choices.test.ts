import { describe, expect, test } from 'vitest';
import type { MatmulShape } from '../../kernels/lib/matmul-shape.ts';
import type { VariantChoices } from '../../kernels/lib/variants.ts';
import { choicesOf, choicesOfRun, readChoices, unrunnable } from '../../src/variants/choices.ts';
import { families } from '../../src/variants/families.ts';

/** What recorded all kernels of a run before they had families. */
interface FirstForm {
  readonly preferred: string;
  readonly fewTiles?: readonly string[];
  readonly measured: Readonly<Record<string, string>>;
}

/** An adapter of some subgroups; none where `lanes` is undefined. */
const adapterOf = (kind: 'cpu' | 'gpu', lanes?: number) => ({
  kind,
  features: new Set(lanes === undefined ? [] : ['subgroups']) as unknown as GPUSupportedFeatures,
  info: (lanes === undefined ? {} : { subgroupMinSize: lanes }) as unknown as GPUAdapterInfo,
});

const lanes = [undefined, 0, 2, 4, 6, 8, 16, 32, 64] as const;

const softwareAdapters = lanes.map((count) => adapterOf('cpu', count));

/** The choice of the first form for a software adapter on which nothing was measured. */
function firstDefault({ features, info }: ReturnType<typeof adapterOf>): FirstForm {
  const { subgroupMinSize = 0 } = info as { subgroupMinSize?: number };
  const width = features.has('subgroups') ? subgroupMinSize : 0;
  return {
    preferred: width >= 8 ? 'subgroup' : width >= 4 ? 'quad' : 'registers',
    measured: {},
  };
}

/** The rules by which the first form chose a matmul's variant, restated. */
function firstMatmul(
  form: string,
  [rows, inner, columns, storage = 'f32']: MatmulShape,
  { preferred, fewTiles = [], measured }: FirstForm,
): string {
  const takes = (variant: string): boolean => {
    if (variant === 'plain') return true;
    if (inner % 4 !== 0) return false;
    if (variant === 'ragged') return form === 'forward';
    if (variant.startsWith('split')) return form === 'backward-weight';
    return columns % 4 === 0 || (variant === 'workgroup' && form === 'forward');
  };
  const key = `${form} ${2 ** Math.ceil(Math.log2(rows))}x${inner}x${columns}`;
  const known = (storage === 'f32' ? undefined : measured[`${key} ${storage}`]) ?? measured[key];
  if (known && takes(known)) return known;
  const tiles = (side: number): number => Math.ceil(inner / side) * Math.ceil(columns / side);
  if (form === 'backward-weight' && !(takes(preferred) && tiles(64) >= 64)) {
    const enough = fewTiles.find((one) => tiles(Number(one.slice(5))) >= 64) ?? fewTiles.at(-1);
    if (enough && takes(enough)) return enough;
  }
  const few = form !== 'backward-weight' && rows < 24;
  const wanted = preferred === 'quad' && few ? 'registers' : preferred;
  return [wanted, 'registers', 'ragged'].find(takes) ?? 'plain';
}

/** What attention followed from it. */
function firstAttention(family: string, headDim: number, { preferred }: FirstForm): string {
  if (headDim > 32) return 'plain';
  if (family === 'attention-decode') return preferred === 'quad' ? 'registers' : 'plain';
  return preferred === 'subgroup' || preferred === 'quad' ? preferred : 'plain';
}

const rows = [1, 8, 23, 24, 64, 512, 1000, 8192];
const features = [1, 3, 4, 12, 18, 40, 64, 66, 76, 128, 172, 344, 512, 1152, 50_257];
const sizes = rows.flatMap((m) => features.flatMap((k) => features.map((n) => [m, k, n] as const)));

/** Every shape at which the families choose otherwise than the first form did. */
function differences(first: FirstForm, choices: VariantChoices): string[] {
  const found: string[] = [];
  for (const family of families) {
    const choice = choices[family.name];
    const form = /^matmul-(.*)/.exec(family.name)?.[1];
    const compare = (shape: MatmulShape | { readonly headDim: number }, want: string): void => {
      const got = family.choose(shape, choice);
      if (got !== want) found.push(`${family.name} ${JSON.stringify(shape)}: ${got}, not ${want}`);
    };
    if (form === undefined) {
      for (const headDim of [4, 8, 16, 24, 32, 36, 64, 128]) {
        compare({ headDim }, firstAttention(family.name, headDim, first));
      }
      continue;
    }
    const storages = form === 'backward-weight' ? (['f32'] as const) : (['f32', 'f16'] as const);
    for (const size of sizes) {
      for (const storage of storages) {
        const shape = [...size, storage] as const;
        compare(shape, firstMatmul(form, shape, first));
      }
    }
  }
  return found;
}

const measured = {
  'forward 512x64x64': 'plain',
  'forward 1024x64x66': 'ragged',
  'forward 1024x64x64 f16': 'workgroup',
  'forward 8x12x3': 'workgroup',
  'backward-input 64x64x64': 'registers',
  'backward-weight 1024x128x344': 'split16',
  'backward-weight 8192x1152x1152': 'split32',
  // They do not fit there.
  'backward-input 64x64x18': 'workgroup',
  'backward-weight 8x12x3': 'workgroup',
};

describe('families choose as one choice for all kernels did', () => {
  test.each(softwareAdapters.map((adapter) => [adapter.info, adapter] as const))(
    'on a software adapter of %j',
    (_info, adapter) => {
      expect(differences(firstDefault(adapter), choicesOf({ ...adapter, choices: {} }))).toEqual(
        [],
      );
    },
  );

  test.each<FirstForm>(
    ['plain', 'registers', 'subgroup', 'quad', 'workgroup'].flatMap((preferred) =>
      [undefined, ['split32', 'split16'], ['split32'], ['split16'], []].flatMap((fewTiles) =>
        [{}, measured].map((known) => ({
          preferred,
          ...(fewTiles && { fewTiles }),
          measured: known,
        })),
      ),
    ),
  )('as recorded in %j', (first) => {
    const choices = choicesOfRun(JSON.parse(JSON.stringify(first)))!;
    expect(Object.keys(choices).sort()).toEqual(families.map(({ name }) => name).sort());
    expect(differences(first, choices)).toEqual([]);
    // What is read is known, and written in the families' form.
    expect(readChoices(JSON.parse(JSON.stringify(choices)))).toEqual(choices);
  });

  test('and cannot run where it could not', () => {
    const quad = choicesOfRun({ preferred: 'quad', measured: {} })!;
    const tuned = choicesOfRun({
      preferred: 'registers',
      measured: { 'backward-input 8x8x8': 'subgroup' },
    })!;
    const of = (choices: VariantChoices, count: number) =>
      unrunnable(adapterOf('cpu', count), choices);
    expect(of(quad, 4)).toBeUndefined();
    expect(of(quad, 8)).toEqual({ family: 'matmul-forward', variant: 'quad' });
    expect(of(tuned, 8)).toBeUndefined();
    expect(of(tuned, 4)).toEqual({ family: 'matmul-backward-input', variant: 'subgroup' });
  });
});

describe('a GPU on which nothing was measured', () => {
  const choices = choicesOf({ ...adapterOf('gpu', 32), choices: {} });
  const chosen = (name: string, shape: unknown): string =>
    families.find((family) => family.name === name)!.choose(shape, choices[name]);

  // Rows, inner and outer features. An output of 64 tiles keeps the GPU busy.
  test.each([
    ['matmul-forward', [8192, 768, 2304], 'tiles128'],
    // 192 columns fill three tiles of 64, and one and a half of 128.
    ['matmul-forward', [8192, 64, 192], 'tiles64'],
    ['matmul-forward', [64, 768, 768], 'tiles32'],
    // Any number of columns.
    ['matmul-forward', [8192, 768, 50_257], 'tiles128'],
    ['matmul-backward-input', [8192, 768, 50_257], 'tiles128'],
    ['matmul-backward-input', [512, 64, 19], 'tiles32'],
    ['matmul-backward-weight', [8192, 768, 32_000], 'tiles128'],
    ['matmul-backward-weight', [8192, 64, 192], 'tiles32'],
    // Four inner features are read at once.
    ['matmul-forward', [8192, 66, 192], 'plain'],
  ] as const)('takes %s of %j in %s', (name, shape, variant) => {
    expect(chosen(name, shape)).toBe(variant);
  });

  // A tile of rows would hold many of the short sequences of models with small heads.
  test.each([
    ['attention-forward', ['plain', 'tiles', 'tiles', 'plain']],
    ['attention-backward-query', ['plain', 'tiles', 'tiles', 'plain']],
    ['attention-backward-key-value', ['tiles', 'tiles', 'tiles', 'plain']],
  ])('takes %s at heads of 16, 32, 128 and 132 in %j', (name, variants) => {
    expect([16, 32, 128, 132].map((headDim) => chosen(name, { headDim }))).toEqual(variants);
  });
});

test('tiles run on software adapters, and tuning does not measure them there', () => {
  for (const family of families) {
    const tiles = family.ids.filter((id) => id.startsWith('tiles'));
    for (const kind of ['cpu', 'gpu'] as const) {
      const adapter = adapterOf(kind, 32);
      expect(family.runnableOn(adapter)).toEqual(expect.arrayContaining([...tiles]));
      expect(family.tunedOn(adapter).filter((id) => id.startsWith('tiles'))).toEqual(
        kind === 'gpu' ? tiles : [],
      );
    }
  }
});

test('a family that a run does not name was computed in plain', () => {
  const forward = { preferred: ['quad'], measured: {} };
  const choices = choicesOfRun({ 'matmul-forward': forward })!;
  expect(choices['matmul-forward']).toEqual(forward);
  expect(choices['attention-forward']).toEqual({ preferred: ['plain'], measured: {} });
});

test('a variant that computes wrong is taken nowhere, not even where little else fits', () => {
  const forward = families.find(({ name }) => name === 'matmul-forward')!;
  const choice = { preferred: ['quad'], measured: {} };
  const few = [8, 64, 64];
  expect(forward.choose(few, choice)).toBe('registers');
  expect(forward.choose(few, { ...choice, wrong: ['registers'] })).toBe('plain');
  const ragged = [64, 64, 18];
  expect(forward.choose(ragged, choice)).toBe('ragged');
  expect(forward.choose(ragged, { ...choice, wrong: ['ragged'] })).toBe('plain');
});
