import { type Cut, cutScores } from './cut.ts';
import { type BaseAnswers, known, type Selection, type StaticMethod } from './method.ts';

/** The band of pass rates, its ends included. */
const BAND = { low: 0.2, high: 0.8 } as const;

/** The score of a pass rate outside the band; scores of others are from -0.3 to 0. */
const outside = -1;

/** The pass rate's score: its negated distance from one half. */
function passScore(right: number, formatted: number): number {
  if (formatted === 0) return NaN;
  // In whole answers, so that no rounding decides at the ends of the band.
  const inBand =
    10 * right >= 10 * BAND.low * formatted && 10 * right <= 10 * BAND.high * formatted;
  return inBand ? -Math.abs(right / formatted - 0.5) : outside;
}

/**
 * PASS: the prompts that the base solves about half of the time before training, of its well-formed
 * answers: 20 to 80 %, nearest 50 % first. Answers that are not well formed say nothing of
 * difficulty, and do not count.
 */
function selectPassed({ right, formatted }: BaseAnswers, cut: Cut): Promise<Selection> {
  const scores = Float64Array.from(right, (count, prompt) =>
    passScore(count, formatted[prompt] ?? 0),
  );
  const out = {
    score: outside,
    others: `has a pass rate from ${BAND.low} to ${BAND.high}`,
    own: `its pass rate is not from ${BAND.low} to ${BAND.high}`,
  };
  return cutScores(
    { method: 'pass', label: 'negated distance from one half', out },
    { scores },
    cut,
  );
}

export const pass = {
  name: 'pass',
  code: 15,
  label: 'PASS',
  takes: () =>
    'as many prompts as LIM, those that the base solves nearest half of the time, from 20 to 80 % of its ' +
    'well-formed answers before training, or fewer where fewer are in that band',
  needs: ['answers'],
  usualSize: 'as LIM',
  samples: ({ prompts, samples }) => prompts * samples,
  choose: ({ answers }, cut) => selectPassed(known(answers, 'pass', 'answers'), cut),
} as const satisfies StaticMethod;
