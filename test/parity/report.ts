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
  /** Largest mean absolute error. */
  readonly mean?: number;
}

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
      if (error > worst || Number.isNaN(error)) {
        worst = error;
        at = i;
        if (Number.isNaN(error)) break;
      }
    }
    const mean = sum / want.length;
    const share = Math.max(worst / allowed.max, mean / (allowed.mean ?? Infinity));
    const ok = worst <= allowed.max && mean <= (allowed.mean ?? Infinity);
    this.#add({
      file,
      what,
      ok,
      share,
      ...(ok
        ? {}
        : {
            why:
              `[${at}] is ${String(got[at])}, expected ${String(want[at])} within ${allowed.max}` +
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
