import type { FamilyChoice, VariantChoices } from '../../kernels/lib/variants.ts';
import { isRecord } from '../formats/json.ts';

/**
 * Reads choices out of a file: a run's results, a checkpoint, or the choices that tuning stored.
 * The form of version 0.1.0, in which one choice stood for all kernels, is read too.
 *
 * @returns Undefined when the value is not choices. The caller decides whether the families and the
 *   variants are known.
 */
export function storedChoices(value: unknown): VariantChoices | undefined {
  if (!isRecord(value)) return undefined;
  if (typeof value['preferred'] === 'string') return choicesForAll(value);
  const choices: [string, FamilyChoice][] = [];
  for (const [family, entry] of Object.entries(value)) {
    const choice = familyChoice(entry);
    if (!choice) return undefined;
    choices.push([family, choice]);
  }
  return choices.length === 0 ? undefined : Object.fromEntries(choices);
}

function familyChoice(value: unknown): FamilyChoice | undefined {
  if (!isRecord(value)) return undefined;
  const { preferred, measured, wrong } = value;
  if (!isStrings(preferred) || preferred.length === 0 || !isRecord(measured)) return undefined;
  if (wrong !== undefined && !isStrings(wrong)) return undefined;
  const entries = stringEntries(measured);
  if (!entries) return undefined;
  return { preferred, measured: Object.fromEntries(entries), ...(wrong && { wrong }) };
}

const isStrings = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'string');

function stringEntries(record: Readonly<Record<string, unknown>>) {
  const entries = Object.entries(record).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return entries.length === Object.keys(record).length ? entries : undefined;
}

const preferences: readonly string[] = ['plain', 'registers', 'subgroup', 'quad', 'workgroup'];
const splits: readonly string[] = ['split32', 'split16'];

/**
 * Names of a layer's products in the form of version 0.1.0, and the variants that each product had.
 */
const forms: Readonly<Record<'forward' | 'backward-input' | 'backward-weight', readonly string[]>> =
  {
    forward: [...preferences, 'ragged'],
    'backward-input': preferences,
    'backward-weight': [...preferences, ...splits],
  };

/**
 * Converts choices of the form of version 0.1.0: `preferred` was the variant of matmuls, which
 * attention followed where it could; `fewTiles` held variants for weight gradients; each measured
 * key began with the product's name.
 */
function choicesForAll(value: Readonly<Record<string, unknown>>): VariantChoices | undefined {
  const { preferred, measured, fewTiles = [] } = value;
  if (typeof preferred !== 'string' || !preferences.includes(preferred)) return undefined;
  if (!isStrings(fewTiles) || !fewTiles.every((one) => splits.includes(one))) return undefined;
  const entries = isRecord(measured) ? stringEntries(measured) : undefined;
  if (!entries) return undefined;
  const products = new Map<string, Record<string, string>>(
    Object.keys(forms).map((form) => [form, {}]),
  );
  for (const [key, variant] of entries) {
    const [form = '', ...shape] = key.split(' ');
    const found = products.get(form);
    if (!found || !forms[form as keyof typeof forms].includes(variant)) return undefined;
    found[shape.join(' ')] = variant;
  }
  const only = (variant: string): FamilyChoice => ({ preferred: [variant], measured: {} });
  const followed = only(preferred === 'subgroup' || preferred === 'quad' ? preferred : 'plain');
  return {
    ...Object.fromEntries(
      Array.from(products, ([form, found]) => [
        `matmul-${form}`,
        {
          preferred: [preferred, ...(form === 'backward-weight' ? fewTiles : [])],
          measured: found,
        },
      ]),
    ),
    'attention-forward': followed,
    'attention-backward-query': followed,
    'attention-backward-key-value': followed,
    'attention-decode': only(preferred === 'quad' ? 'registers' : 'plain'),
  };
}
