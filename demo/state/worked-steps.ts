// A response to a problem of digit arithmetic, step by step: what was computed, and what was right.

/** One operation of a response. */
export interface WorkedStep {
  /** As `7 − 3`: the value before it as the response has it, operator and operand. */
  readonly text: string;
  readonly given: string;
  readonly want: string;
  readonly right: boolean;
}

/** A response as a reader checks it by hand. */
export interface WorkedResponse {
  readonly steps: readonly WorkedStep[];
  /** The answer that it ends with; undefined if it has none of the right form. */
  readonly answer: string | undefined;
  /** Whether it reached the right answer over a wrong step. */
  readonly lucky: boolean;
}

const signs: Readonly<Record<string, string>> = { '+': '+', '-': '−', '*': '×' };

function applied(value: number, operator: string, operand: number, modulus: number): number {
  const result =
    operator === '+' ? value + operand : operator === '-' ? value - operand : value * operand;
  return ((result % modulus) + modulus) % modulus;
}

/**
 * The steps of a response such as `4,6#6;` to `7-3*4=`. Undefined if the prompt is no chain of
 * operators on digits, or the response has another number of values than the prompt has operators.
 *
 * @param modulus Values are digits below it.
 */
export function workedSteps(
  prompt: string,
  response: string,
  modulus: number,
): WorkedResponse | undefined {
  const [, first, rest = ''] = /^(\d)((?:[-+*]\d)+)_*=$/.exec(prompt) ?? [];
  const [, values = '', mark, answer] = /^(\d(?:,\d)*)([#?])(\d);?$/.exec(response) ?? [];
  const operations = Array.from(rest.matchAll(/([-+*])(\d)/g));
  const given = values.split(',');
  if (first === undefined || mark === undefined || given.length !== operations.length) {
    return undefined;
  }
  let before = Number(first);
  let truth = before;
  const steps = operations.map(([, operator = '', operand = ''], i): WorkedStep => {
    const value = given[i] ?? '';
    const want = String(applied(before, operator, Number(operand), modulus));
    truth = applied(truth, operator, Number(operand), modulus);
    const text = `${before} ${signs[operator] ?? operator} ${operand}`;
    before = Number(value);
    return { text, given: value, want, right: value === want };
  });
  const last = given.at(-1);
  const proper = mark === '#' && answer === last ? answer : undefined;
  return {
    steps,
    answer: proper,
    lucky: proper === String(truth) && steps.some(({ right }) => !right),
  };
}
