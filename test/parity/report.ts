/** One comparison of what we compute with what a file expects. */
export interface Check {
  /** File, and what in it was compared. */
  readonly file: string;
  readonly what: string;
  readonly ok: boolean;
  /** The largest error over what is allowed: above 1 fails. Absent for exact comparisons. */
  readonly share?: number;
  /** Why it failed. */
  readonly why?: string;
}

/** How far numbers may lie from what is expected. */
export interface Allowed {
  /** Largest absolute error of any number. */
  readonly max: number;
  /**
   * Share of an expected number that it may be off by where that is more than `max`: float32 rounds
   * what is large by more, and the README's tolerances were measured on numbers of a few units.
   */
  readonly relative?: number;
  /** Largest mean absolute error. */
  readonly mean?: number;
}

const limitAt = (want: number, { max, relative = 0 }: Allowed): number =>
  Math.max(max, relative * Math.abs(want));

/** Collects the comparisons of a run. */
export class Report {
  readonly checks: Check[] = [];
  readonly notes: string[] = [];
  readonly #onCheck: (check: Check) => void;

  constructor(onCheck: (check: Check) => void = () => undefined) {
    this.#onCheck = onCheck;
  }

  get failed(): number {
    return this.checks.filter(({ ok }) => !ok).length;
  }

  #add(check: Check): void {
    this.checks.push(check);
    this.#onCheck(check);
  }

  /** Numbers against expected numbers. NaN fails, and so do too few, too many or none. */
  close(
    file: string,
    what: string,
    got: ArrayLike<number>,
    want: ArrayLike<number>,
    allowed: Allowed,
  ): void {
    if (want.length === 0 || got.length !== want.length) {
      this.fail(file, what, `${want.length} numbers are expected, we have ${got.length}`);
      return;
    }
    let worst = 0;
    let at = 0;
    let sum = 0;
    for (let i = 0; i < want.length; i++) {
      const error = Math.abs((got[i] ?? NaN) - (want[i] ?? NaN));
      sum += error;
      // Nothing off is no share of any tolerance, also of 0.
      const own = error === 0 ? 0 : error / limitAt(want[i] ?? NaN, allowed);
      if (own > worst || Number.isNaN(own)) {
        worst = own;
        at = i;
        if (Number.isNaN(own)) break;
      }
    }
    const mean = sum / want.length;
    const share = Math.max(worst, mean / (allowed.mean ?? Infinity));
    const ok = share <= 1;
    const limit = limitAt(want[at] ?? NaN, allowed);
    this.#add({
      file,
      what,
      ok,
      share,
      ...(ok
        ? {}
        : {
            why:
              `[${at}] is ${String(got[at])}, expected ${String(want[at])} within ${limit}` +
              (allowed.mean === undefined ? '' : `; mean error ${mean} of ${allowed.mean}`),
          }),
    });
  }

  /** Anything that JSON can hold, to be equal. */
  equal(file: string, what: string, got: unknown, want: unknown): void {
    const [ours, theirs] = [JSON.stringify(got), JSON.stringify(want)];
    if (ours === theirs) this.#add({ file, what, ok: true });
    else this.fail(file, what, `we have ${cut(ours)}, expected ${cut(theirs)}`);
  }

  fail(file: string, what: string, why: string): void {
    this.#add({ file, what, ok: false, why });
  }

  /** Something to print that is not a comparison. */
  note(text: string): void {
    this.notes.push(text);
  }
}

const cut = (text: string | undefined): string => {
  const whole = text ?? 'nothing';
  return whole.length > 200 ? `${whole.slice(0, 200)}...` : whole;
};
