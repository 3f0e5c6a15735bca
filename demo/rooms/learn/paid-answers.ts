// The lesson about pay: prompts of digit arithmetic, and answers that are worth a try.
import type { PoolPrompt } from '../../../src/index.ts';

/** A prompt of digit arithmetic with its key. */
export interface Problem {
  readonly place: number;
  readonly text: string;
  readonly key: string;
  /** The right answer, if the key is wrong on purpose. */
  readonly truth: string | undefined;
}

/** The values that a prompt's operators give from left to right; undefined if it is no such prompt. */
function valuesOf(prompt: string, modulus: number, wrongStep = -1): number[] | undefined {
  const [, first, rest = ''] = /^(\d)((?:[-+*]\d)+)_*=$/.exec(prompt) ?? [];
  if (first === undefined) return undefined;
  let value = Number(first);
  return Array.from(rest.matchAll(/([-+*])(\d)/g), ([, operator, operand], step) => {
    const by = Number(operand);
    const exact = operator === '+' ? value + by : operator === '-' ? value - by : value * by;
    const slip = step === wrongStep ? 1 : 0;
    value = (((exact + slip) % modulus) + modulus) % modulus;
    return value;
  });
}

const written = (values: readonly number[], mark: '#' | '?'): string =>
  `${values.join(',')}${mark}${values.at(-1) ?? ''};`;

/** Answers that are worth a try. */
export type Example = 'right' | 'slip' | 'malformed' | 'open' | 'key';

/**
 * An answer to a prompt; undefined if the prompt is no digit arithmetic, or its key is right and the
 * example is of wrong keys. A slip is in the last step.
 */
export function exampleOf(
  example: Example,
  { text, key, truth }: Problem,
  modulus: number,
): string | undefined {
  const values = valuesOf(text, modulus);
  if (!values) return undefined;
  switch (example) {
    case 'right':
      return written(values, '#');
    case 'slip':
      return written(valuesOf(text, modulus, values.length - 1) ?? [], '#');
    case 'malformed':
      return written(values, '?');
    case 'open':
      return written(values, '#').slice(0, -1);
    case 'key':
      return truth === undefined ? undefined : written([...values.slice(0, -1), Number(key)], '#');
  }
}

/** Operators of a prompt. */
const stepsOf = ({ text }: Problem): number => text.replace(/_*=$/, '').length / 2 - 0.5;

/**
 * A few prompts of a pool whose keys are known: the wanted one, a short one, and one with a wrong key.
 *
 * @param wanted Place of the prompt that comes first, if it is good.
 */
export function problemsOf(pool: readonly PoolPrompt[], wanted: number | undefined): Problem[] {
  const all = pool.flatMap(({ text, key, truth }, place): Problem[] =>
    key !== undefined && valuesOf(text, 10) !== undefined ? [{ place, text, key, truth }] : [],
  );
  const found = [
    all.find(({ place }) => place === wanted),
    all.find((one) => one.truth === undefined && stepsOf(one) === 2),
    all.find((one) => one.truth !== undefined && stepsOf(one) <= 3),
  ];
  return found.flatMap((one, i) => (one && found.indexOf(one) === i ? [one] : []));
}
