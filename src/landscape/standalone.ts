import type { Tensor } from '../../kernels/lib/tensor.ts';
import { type Gpu, openGpu } from '../gpu/device.ts';
import { Landscape, type LandscapeView } from './landscape.ts';
import { type Drawn, type LandscapeCanvas, LandscapeSurface } from './surface.ts';

/** A landscape of a run that nobody trains: its matrix is uploaded to a small device of its own. */
export class StandaloneLandscape {
  readonly #gpu: Gpu;
  readonly #canvas: LandscapeCanvas;
  #shown:
    | { readonly sums: Tensor; readonly samples: Tensor; readonly surface: LandscapeSurface }
    | undefined;

  private constructor(gpu: Gpu, canvas: LandscapeCanvas) {
    this.#gpu = gpu;
    this.#canvas = canvas;
  }

  /** @throws AdapterError when there is no WebGPU, or no adapter. */
  static async open(canvas: LandscapeCanvas): Promise<StandaloneLandscape> {
    return new StandaloneLandscape(await openGpu(), canvas);
  }

  /**
   * Replaces the matrix. A value counts as one sample.
   *
   * @param columns Values by epoch, then by prompt; NaN where missing.
   * @param epochs Epochs of the whole run: those that are not there yet have no bars.
   */
  async fill(columns: readonly Float32Array[], prompts: number, epochs: number): Promise<void> {
    const { sums, samples } = await this.#matrix(prompts, epochs);
    const values = new Float32Array(prompts * epochs);
    const counts = new Uint32Array(prompts * epochs);
    for (const [epoch, column] of columns.entries()) {
      for (const [prompt, value] of column.entries()) {
        if (Number.isNaN(value)) continue;
        values[prompt * epochs + epoch] = value;
        counts[prompt * epochs + epoch] = 1;
      }
    }
    this.#gpu.upload(sums, values);
    this.#gpu.upload(samples, counts);
  }

  /** @throws LandscapeError before `fill`, or for a view that cannot be drawn. */
  async draw(view: LandscapeView): Promise<Drawn> {
    if (!this.#shown) throw new TypeError('a landscape is filled before it is drawn');
    return this.#shown.surface.draw(view);
  }

  /** Closes the device. Nothing may be drawn any more. */
  async close(): Promise<void> {
    await this.#gpu.close();
  }

  /** The tensors of a matrix: those before where the matrix has the same shape. */
  async #matrix(
    prompts: number,
    epochs: number,
  ): Promise<{ readonly sums: Tensor; readonly samples: Tensor }> {
    const before = this.#shown;
    if (before?.sums.shape[0] === prompts && before.sums.shape[1] === epochs) return before;
    this.#shown = undefined;
    if (before) {
      before.surface.destroy();
      this.#gpu.destroy(before.sums, before.samples);
    }
    const shape = [prompts, epochs];
    const { sums, samples } = await this.#gpu.allocating(() => ({
      sums: this.#gpu.tensor('landscape sums', shape, 'f32', 'rewards'),
      samples: this.#gpu.tensor('landscape samples', shape, 'u32', 'rewards'),
    }));
    const landscape = await Landscape.open(this.#gpu, { sums, samples });
    const surface = new LandscapeSurface(this.#gpu, landscape, this.#canvas);
    this.#shown = { sums, samples, surface };
    return this.#shown;
  }
}
