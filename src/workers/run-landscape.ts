import type { Gpu } from '../gpu/device.ts';
import {
  Landscape,
  LandscapeError,
  type LandscapeMatrix,
  type LandscapeView,
} from '../landscape/landscape.ts';
import { type Drawn, LandscapeSurface } from '../landscape/surface.ts';

/** The reward matrix of a run under way, and the device on which it lies. */
export interface LyingMatrix extends LandscapeMatrix {
  readonly gpu: Gpu;
}

/**
 * The landscape of a run under way, drawn on the trainer's device out of the trainer's own buffers. A
 * picture is one submit between two of the run's; nothing of the run waits for it.
 */
export class RunLandscape {
  readonly #matrix: () => LyingMatrix | undefined;
  #canvas: OffscreenCanvas | undefined;
  #shown: { readonly of: LyingMatrix; readonly surface: LandscapeSurface } | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @param matrix The matrix as it lies now: a run may go on with other buffers, on another device. */
  constructor(matrix: () => LyingMatrix | undefined) {
    this.#matrix = matrix;
  }

  /**
   * @param canvas Taken over from now on; the one before stays if left out.
   * @throws LandscapeError while there is no matrix, for a view that cannot be drawn, or when the device
   *   refuses it.
   */
  draw(view: LandscapeView, canvas?: OffscreenCanvas): Promise<Drawn> {
    const turn = this.#last.then(() => this.#draw(view, canvas));
    this.#last = turn.catch(() => undefined); // whoever asked hears of it
    return turn;
  }

  async #draw(view: LandscapeView, canvas: OffscreenCanvas | undefined): Promise<Drawn> {
    if (canvas) {
      this.#drop();
      this.#canvas = canvas;
    }
    const surface = await this.#surface();
    return surface.draw(view);
  }

  async #surface(): Promise<LandscapeSurface> {
    const matrix = this.#matrix();
    if (!matrix) throw new LandscapeError('landscape: the run has no rewards yet');
    const { gpu, sums, samples } = matrix;
    const before = this.#shown;
    if (before?.of.sums.buffer === sums.buffer) return before.surface;
    this.#drop();
    if (!this.#canvas) throw new LandscapeError('landscape: the first picture needs a canvas');
    const landscape = await Landscape.open(gpu, { sums, samples });
    const surface = new LandscapeSurface(gpu, landscape, this.#canvas);
    this.#shown = { of: matrix, surface };
    return surface;
  }

  #drop(): void {
    this.#shown?.surface.destroy();
    this.#shown = undefined;
  }
}
