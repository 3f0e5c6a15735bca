// What the page's canvases share: colours from the style sheet, sharp pixels, drawing when seen.

/** A custom property of the style sheet, as the colour scheme has it now. */
export const cssColor = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A canvas whose units are CSS pixels, cleared. */
export interface Surface {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  /** Device pixels in a CSS pixel. */
  readonly ratio: number;
}

/** Sizes the canvas's pixels to the room that the style sheet gives it; undefined without room. */
export function surfaceOf(canvas: HTMLCanvasElement): Surface | undefined {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = canvas.getContext('2d');
  if (!context || width === 0 || height === 0) return undefined;
  const ratio = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  // Setting either size clears the canvas and its state, which is wanted, and costs an allocation.
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = '12px system-ui, sans-serif';
  context.textBaseline = 'middle';
  return { context, width, height, ratio };
}

/** Least time between two drawings. */
const DRAW_EVERY_MS = 100;

/**
 * Calls `draw` once for any number of requests, at most ten times a second. Animation frames stop in
 * a hidden tab, so nothing is drawn there; the frame that was asked for comes when it is shown.
 */
export function throttled(draw: () => void): () => void {
  let asked = false;
  let last = -Infinity;
  const frame = (now: number) => {
    if (now - last < DRAW_EVERY_MS) {
      requestAnimationFrame(frame);
      return;
    }
    last = now;
    asked = false;
    draw();
  };
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(frame);
  };
}
