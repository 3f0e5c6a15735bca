import { errorFunction } from 'simple-statistics';

// No library of a fitting size has these functions: simple-statistics has no Student's t, and the one
// of @stdlib brings 231 packages. Degrees of freedom are whole here, for which sums are finite.

/**
 * P(|T| < t) of Student's t (Abramowitz and Stegun 26.7.3 and 26.7.4).
 *
 * @param t At least 0.
 * @param degrees Whole, at least 1.
 */
function within(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = 0;
  for (let k = odd ? 1 : 0; k <= degrees - 2; k += 2) {
    sum += term;
    term *= ((k + 1) / (k + 2)) * cosine * cosine;
  }
  return odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}

/** P(T < t) of Student's t with whole degrees of freedom, at least 1. */
export function studentCumulative(t: number, degrees: number): number {
  const half = within(Math.abs(t), degrees) / 2;
  return t < 0 ? 0.5 - half : 0.5 + half;
}

/**
 * The t with P(T < t) = share, for whole degrees of freedom.
 *
 * @throws RangeError unless `share` lies between 0 and 1 and there is a degree of freedom.
 */
export function studentQuantile(share: number, degrees: number): number {
  if (!(share > 0 && share < 1) || !Number.isInteger(degrees) || degrees < 1) {
    throw new RangeError(`no point ${share} of Student's t with ${degrees} degrees of freedom`);
  }
  if (share < 0.5) return -studentQuantile(1 - share, degrees);
  return rootOf((t) => studentCumulative(t, degrees) - share);
}

/** The root at or above 0 of a function that rises from a value of at most 0. */
function rootOf(rising: (x: number) => number): number {
  let high = 1;
  while (rising(high) < 0) high *= 2;
  let low = 0;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (rising(middle) < 0) low = middle;
    else high = middle;
  }
}

const normalCumulative = (z: number): number => (1 + errorFunction(z / Math.SQRT2)) / 2;

/** Steps of the integral in `pairedPower`. */
const STEPS = 1000;

/**
 * The chance that a two-sided paired t-test rejects: the noncentral t distribution, integrated over
 * the sample's standard deviation.
 *
 * @param effect The true difference in standard deviations of a pair's difference.
 */
export function pairedPower(pairs: number, effect: number, alpha: number): number {
  const degrees = pairs - 1;
  const critical = studentQuantile(1 - alpha / 2, degrees);
  const shift = effect * Math.sqrt(pairs);
  // s = sample over true standard deviation; its density is s^(d - 1) exp(-d s^2 / 2), up to a factor.
  const most = 1 + 9 / Math.sqrt(degrees);
  let [power, total] = [0, 0];
  for (let i = 0; i <= STEPS; i++) {
    // Steps of the square root of s: near 0 few degrees of freedom change fast.
    const root = i / STEPS;
    const s = most * root * root;
    const density = root * s ** (degrees - 1) * Math.exp((-degrees * (s * s - 1)) / 2);
    const weight = density * (i === 0 || i === STEPS ? 1 : i % 2 === 1 ? 4 : 2);
    total += weight;
    power +=
      weight * (normalCumulative(shift - critical * s) + normalCumulative(-shift - critical * s));
  }
  return power / total;
}

/**
 * The smallest true difference that a two-sided paired t-test finds with a given chance.
 *
 * @param deviation Standard deviation of the difference of a pair.
 */
export function detectableDifference(
  pairs: number,
  deviation: number,
  power = 0.8,
  alpha = 0.05,
): number {
  if (deviation === 0) return 0;
  return deviation * rootOf((effect) => pairedPower(pairs, effect, alpha) - power);
}
