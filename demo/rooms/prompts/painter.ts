// When pictures of the landscape are drawn: after a change, one at a time, and not too often.
import type { Drawn, LandscapeView } from '../../../src/entries/browser.ts';

/** Least milliseconds between two pictures. */
const SOFTWARE_MS = 100;
const GPU_MS = 33;

export interface Painting {
  /** The view as it stands; undefined while there is nothing to draw. */
  readonly view: () => LandscapeView | undefined;
  readonly draw: (view: LandscapeView) => Promise<Drawn>;
  /** Called after a picture, and with why there is none. */
  readonly onDrawn: () => void;
  readonly onFailed: (why: unknown) => void;
}

/** Animation frames stop in a hidden tab, so nothing is drawn there. */
export class Painter {
  readonly #painting: Painting;
  #wanted = false;
  #busy = false;
  #closed = false;
  #frame = 0;
  #last = -Infinity;
  #software = true;

  constructor(painting: Painting) {
    this.#painting = painting;
  }

  /** Asks for a picture of the view as it will stand. */
  ask(): void {
    this.#wanted = true;
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    cancelAnimationFrame(this.#frame);
  }

  #schedule(): void {
    if (this.#closed || this.#busy || !this.#wanted) return;
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame((now) => this.#step(now));
  }

  #step(now: number): void {
    const least = this.#software ? SOFTWARE_MS : GPU_MS;
    if (now - this.#last < least) {
      this.#schedule();
      return;
    }
    this.#wanted = false;
    const { view, draw, onDrawn, onFailed } = this.#painting;
    const shown = view();
    if (!shown) return;
    this.#last = now;
    this.#busy = true;
    draw(shown)
      .then(
        ({ software }) => {
          this.#software = software;
          if (!this.#closed) onDrawn();
        },
        (error: unknown) => {
          if (!this.#closed) onFailed(error);
        },
      )
      .finally(() => {
        this.#busy = false;
        this.#schedule();
      });
  }
}
