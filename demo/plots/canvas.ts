// Shared by the page's canvases: colours from the style sheet, sharp pixels, drawing only when
// visible.

/** The value of a custom property of the style sheet, in the current colour scheme. */
export const cssColor = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The size of the page's text, of its usual one: drawings grow with it, their texts and all. */
const zoomNow = (): number =>
  parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1;

/** A cleared canvas. A unit is a CSS pixel where text has its usual size, and larger with larger text. */
export interface Surface {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  /** Device pixels per unit. */
  readonly ratio: number;
}

/** Fits the canvas's pixels to its size in the style sheet; undefined if the canvas has no size. */
export function surfaceOf(canvas: HTMLCanvasElement): Surface | undefined {
  const zoom = zoomNow();
  const [width, height] = [canvas.clientWidth / zoom, canvas.clientHeight / zoom];
  const context = canvas.getContext('2d');
  if (!context || width === 0 || height === 0) return undefined;
  const ratio = (window.devicePixelRatio || 1) * zoom;
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

/** Where a pointer is in a canvas, and the canvas's size, in its units. */
export function placeIn(
  canvas: HTMLCanvasElement,
  { clientX, clientY }: { readonly clientX: number; readonly clientY: number },
): { readonly x: number; readonly y: number; readonly width: number; readonly height: number } {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const zoom = zoomNow();
  return {
    x: (clientX - left) / zoom,
    y: (clientY - top) / zoom,
    width: width / zoom,
    height: height / zoom,
  };
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
