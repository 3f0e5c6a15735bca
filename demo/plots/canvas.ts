// Shared by the page's canvases: colours from the style sheet, sharp pixels, drawing only when
// visible.

/** The value of a custom property of the style sheet, in the current colour scheme. */
export const cssColor = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A cleared canvas whose units are CSS pixels. */
export interface Surface {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  /** Device pixels per CSS pixel. */
  readonly ratio: number;
}

/** Fits the canvas's pixels to its size in the style sheet; undefined if the canvas has no size. */
export function surfaceOf(canvas: HTMLCanvasElement): Surface | undefined {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = canvas.getContext('2d');
  if (!context || width === 0 || height === 0) return undefined;
  const ratio = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  // Setting a size allocates a new bitmap, so a size is set only when it changes.
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
 * Returns a function that requests a drawing. `draw` runs once for any number of requests, at most
 * ten times a second. Animation frames stop in a hidden tab, so nothing is drawn there; the
 * requested frame comes when the tab is visible.
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
