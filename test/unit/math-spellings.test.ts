import { describe, expect, test } from 'vitest';
import { compareAnswers } from '../../src/tasks/math-answer.ts';

/** Whole numbers below `count`, the same ones on every run. */
function draws(seed: number): (count: number) => number {
  let state = seed;
  return (count) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * count);
  };
}

const grouped = (digits: string, comma: string): string =>
  digits.replace(/\B(?=(?:\d{3})+$)/g, comma);

/** A whole number in many spellings. */
const wholes = (n: number): string[] => [
  `${n}`,
  ` ${n} `,
  `$${n}$`,
  `\\(${n}\\)`,
  `\\boxed{${n}}`,
  `${n}.`,
  `${n}.0`,
  `+${n}`,
  `(${n})`,
  `{${n}}`,
  `\\text{${n}}`,
  `\\mathbf{${n}}`,
  `**${n}**`,
  `\\frac{${n * 7}}{7}`,
  `\\dfrac{${n}}{1}`,
  `${n * 3}/3`,
  `\\sqrt{${n}^2}`,
  `${n}\\cdot 1`,
  `${n - 1} + 1`,
  `x=${n}`,
  `x_{1} = ${n}`,
  `\\lambda=${n}`,
  `f(2) = ${n}`,
  `\\text{Total}=${n}`,
  `n = ${n - 3} + 3 = ${n}`,
  `${n}\\text{ cm}`,
  `${n} cm^2`,
  `${n}^\\circ`,
  `${n} \\text{ people}`,
  `\\$${n}`,
  `\\text{The answer is } ${n}`,
  `\\approx ${n}`,
  `\\{${n}\\}`,
  `${100 * n}\\%`,
  grouped(`${n}`, ','),
  grouped(`${n}`, '{,}'),
  grouped(`${n}`, ',\\!'),
  grouped(`${n}`, '\\,'),
  Array.from(`${n}`, (digit) => String.fromCharCode(0xff10 + Number(digit))).join(''),
];

/** The fraction n/d, below 1 and in lowest terms, in many spellings. */
const fractions = (n: number, d: number): string[] => [
  `\\frac{${n}}{${d}}`,
  `\\dfrac{${n}}{${d}}`,
  `\\cfrac{${n}}{${d}}`,
  `\\frac{${3 * n}}{${3 * d}}`,
  `${n}/${d}`,
  `{${n} \\over ${d}}`,
  `${n}\\div ${d}`,
  `1 - \\frac{${d - n}}{${d}}`,
  `\\left(\\frac{${d}}{${n}}\\right)^{-1}`,
  `-\\frac{-${n}}{${d}}`,
  `y = \\frac{${n}}{${d}}`,
  `\\frac{${n}}{${d}}\\text{ hours}`,
  `\\log_{5} 5^{\\frac{${n}}{${d}}}`,
  (n / d).toPrecision(12),
];

/** Two numbers a ± b times a root, in many spellings. */
const pairs = (a: number, b: number, c: number): string[] => [
  `${a}\\pm ${b}\\sqrt{${c}}`,
  `${a} ± ${b}√${c}`,
  `x = ${a} \\pm ${b}\\sqrt{${c}}`,
  `${a}+${b}\\sqrt{${c}}, ${a}-${b}\\sqrt{${c}}`,
  `${a}-${b}\\sqrt{${c}}, ${a}+${b}\\sqrt{${c}}`,
  `x=${a}+${b}sqrt(${c}) \\text{ or } x=${a}-${b}sqrt(${c})`,
  `\\{${a}-\\sqrt{${b * b * c}}, ${a}+\\sqrt{${b * b * c}}\\}`,
  `${a}+${b}\\sqrt{${c}} \\text{ and } ${a}-${b}\\sqrt{${c}}`,
];

/** a <= x < b in many spellings. */
const intervals = (a: number, b: number): string[] => [
  `[${a},${b})`,
  `\\left[${a}, ${b}\\right)`,
  `x \\in [${a}, ${b})`,
  `${a} \\leq x < ${b}`,
  `${a}\\leqslant x<${b}`,
  `${a}<=x<${b}`,
  `${b} > x \\ge ${a}`,
  `x \\geq ${a} \\text{ and } x < ${b}`,
  `[${a},${a}] \\cup (${a},${b})`,
  `\\{x : ${a} ≤ x < ${b}\\}`,
];

/** A line in many spellings. */
const lines = (a: number, b: number, c: number): string[] => [
  `${a}x+${b}y=${c}`,
  `${a}x + ${b}y - ${c} = 0`,
  `${c} = ${b}y + ${a}x`,
  `${2 * a}x+${2 * b}y=${2 * c}`,
  `-${a}x-${b}y=-${c}`,
  `y = \\frac{${c}-${a}x}{${b}}`,
  `\\frac{x}{${b}}+\\frac{y}{${a}}=\\frac{${c}}{${a * b}}`,
];

/** A quadratic in many spellings. */
const quadratics = (a: number, b: number): string[] => [
  `x^2 + ${a + b}x + ${a * b}`,
  `(x+${a})(x+${b})`,
  `(${b}+x)\\cdot(x+${a})`,
  `x^{2}+${a * b}+${a + b}x`,
  `x*(x+${a + b})+${a * b}`,
  `f(x) = x² + ${a + b}x + ${a * b}`,
  `\\left(x+${a}\\right)^2 + ${b - a}\\left(x+${a}\\right)`,
];

function expectSame(spellings: readonly string[]): void {
  const [first = '', ...others] = spellings;
  for (const other of others) {
    expect(compareAnswers(first, other), `${first} is ${other}`).toMatchObject({ same: true });
    expect(compareAnswers(other, first), `${other} is ${first}`).toMatchObject({ same: true });
  }
}

function expectDifferent(a: readonly string[], b: readonly string[]): void {
  for (const [i, one] of a.entries()) {
    const other = b[(i * 5 + 3) % b.length] ?? '';
    expect(compareAnswers(one, other), `${one} is not ${other}`).toMatchObject({ same: false });
    expect(compareAnswers(other, one), `${other} is not ${one}`).toMatchObject({ same: false });
  }
}

describe('a value in many spellings is itself, and not its neighbour', () => {
  const draw = draws(20_261_129);
  const rounds = Array.from({ length: 20 }, (_, round) => round);

  test.each(rounds)('whole numbers, round %i', (round) => {
    const n = 2 + draw(10 ** (1 + (round % 8)));
    expectSame(wholes(n));
    expectDifferent(wholes(n), wholes(n + 1));
    expectDifferent(
      wholes(n),
      wholes(n)
        .map((text) => text.replace(/\d/, '-$&'))
        .filter((text) => text.startsWith('-')),
    );
  });

  test.each(rounds)('fractions, round %i', () => {
    const [d, shift] = [[7, 11, 13, 17, 19, 101, 1009][draw(7)] ?? 7, draw(5)];
    const n = 1 + ((draw(d) + shift) % (d - 2));
    expectSame(fractions(n, d));
    expectDifferent(fractions(n, d), fractions(n + 1, d));
  });

  test.each(rounds)('pairs of surds, round %i', () => {
    const [a, b, c] = [1 + draw(20), 2 + draw(9), [2, 3, 5, 6, 7][draw(5)] ?? 2];
    expectSame(pairs(a, b, c));
    expectDifferent(pairs(a, b, c), pairs(a, b + 1, c));
    expectDifferent(pairs(a, b, c), pairs(a + 1, b, c));
  });

  test.each(rounds)('intervals, round %i', () => {
    const a = draw(50) - 25;
    const b = a + 1 + draw(30);
    expectSame(intervals(a, b));
    expectDifferent(intervals(a, b), intervals(a, b + 1));
    expectDifferent(intervals(a, b), [`(${a},${b})`, `[${a},${b}]`, `${a}<x<${b}`, `x\\ge ${a}`]);
  });

  test.each(rounds)('lines, round %i', () => {
    const [a, b, c] = [1 + draw(30), 1 + draw(30), 1 + draw(99)];
    expectSame(lines(a, b, c));
    expectDifferent(lines(a, b, c), lines(a, b, c + 1));
  });

  test.each(rounds)('quadratics, round %i', () => {
    const [a, b] = [1 + draw(30), 1 + draw(30)];
    expectSame(quadratics(a, b));
    expectDifferent(quadratics(a, b), quadratics(a, b + 1));
  });
});
