import type { Gpu } from '../gpu/device.ts';
import { Landscape, LandscapeError, type LandscapeView } from './landscape.ts';

/** A canvas of a page, or one that a page has handed to a worker. */
export type LandscapeCanvas = HTMLCanvasElement | OffscreenCanvas;

/** What a page must know of who draws. */
export interface Drawn {
  /** Whether pictures are drawn in software: they take long, so few are asked for. */
  readonly software: boolean;
}

/**
 * Shows a landscape on a canvas. A software adapter's pictures are read back and put there: browsers may
 * lose a software device that presents, and with it whoever trains on it. A GPU presents them.
 */
export class LandscapeSurface {
  readonly #gpu: Gpu;
  readonly #landscape: Landscape;
  readonly #canvas: LandscapeCanvas;

  constructor(gpu: Gpu, landscape: Landscape, canvas: LandscapeCanvas) {
    this.#gpu = gpu;
    this.#landscape = landscape;
    this.#canvas = canvas;
  }

  /** @throws LandscapeError when the view or the canvas cannot be drawn. */
  async draw(view: LandscapeView): Promise<Drawn> {
    const canvas = this.#canvas;
    const { software } = this.#landscape;
    if (software) {
      const context =
        canvas instanceof OffscreenCanvas ? canvas.getContext('2d') : canvas.getContext('2d');
      if (!context) throw new LandscapeError('landscape: the canvas gives no context');
      const { width, height, pixels } = await this.#landscape.picture(view);
      this.#resize(view);
      context.putImageData(new ImageData(pixels, width, height), 0, 0);
      return { software };
    }
    const context = canvas.getContext('webgpu');
    if (!context) throw new LandscapeError('landscape: the canvas gives no context');
    this.#resize(view);
    const { device } = this.#gpu;
    await this.#landscape.present(view, () => {
      context.configure({ device, format: 'rgba8unorm', alphaMode: 'premultiplied' });
      return context.getCurrentTexture();
    });
    return { software };
  }

  destroy(): void {
    this.#landscape.destroy();
  }

  /** Sets the canvas's size where it is another one: that clears it. */
  #resize({ width, height }: LandscapeView): void {
    const canvas = this.#canvas;
    if (canvas.width === width && canvas.height === height) return;
    canvas.width = width;
    canvas.height = height;
  }
}
