// Contrast where axe cannot tell it: computed here from the colours that the browser resolved.
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright/test';

/**
 * Why axe leaves a node undecided, by the key of its message, and why the colour of the node against the
 * nearest background of its ancestors decides it.
 */
const reasons: Readonly<Record<string, string>> = {
  shortTextContent: 'one character, such as a tick of an axis, is text all the same',
  nonBmp: 'a mark such as ✓ is drawn in the colour of text',
  bgOverlap: 'what overlaps it are lines of the same figure or a bar that it scrolls under',
  elmPartiallyObscured:
    'it is scrolled out of its frame or lies under a bar, as it does not when it is read',
  elmPartiallyObscuring: 'what it overlaps is no background of its own',
  imgNode: 'a figure is drawn on the card: an svg without a background',
  bgImage: 'the picture behind it is the tick of a select, beside the text',
};

export interface Undecided {
  readonly node: string;
  /** The key of axe's message. */
  readonly why: string;
  /** Undefined where the node is not there any more. */
  readonly ratio?: number;
  /** What WCAG asks of the node's size. */
  readonly least?: number;
}

/** The nodes of a result whose contrast is too low, or that axe leaves undecided for an unknown reason. */
export async function lowContrast(page: Page, results: AxeResults): Promise<Undecided[]> {
  const nodes = results.incomplete
    .filter(({ id }) => id === 'color-contrast')
    .flatMap(({ nodes: found }) => found)
    .map(({ target, any }) => ({
      node: target.join(' '),
      why: (any[0]?.data as { messageKey?: string } | undefined)?.messageKey ?? '',
    }));
  const judged = await page.evaluate((asked: { node: string; why: string }[]) => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const context = canvas.getContext('2d', { willReadFrequently: true })!;
    /** A colour of CSS as red, green, blue and alpha, each in [0, 1]. */
    const rgba = (color: string): number[] => {
      context.clearRect(0, 0, 1, 1);
      context.fillStyle = color;
      context.fillRect(0, 0, 1, 1);
      return [...context.getImageData(0, 0, 1, 1).data].map((one) => one / 255);
    };
    const luminance = (rgb: readonly number[]): number => {
      const [red, green, blue] = rgb.map((one) =>
        one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4,
      );
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = (element: Element): number[] => {
      const layers: number[][] = [];
      for (let one: Element | null = element; one; one = one.parentElement) {
        const layer = rgba(getComputedStyle(one).backgroundColor);
        layers.push(layer);
        if (layer[3] === 1) break;
      }
      return layers.reduceRight(
        (below, [red, green, blue, alpha]) =>
          [red, green, blue].map((one, i) => one * alpha + below[i] * (1 - alpha)),
        [1, 1, 1],
      );
    };
    return asked.map(({ node, why }) => {
      const element = document.querySelector(node);
      if (!element) return { node, why };
      const style = getComputedStyle(element);
      const own = rgba(element instanceof SVGElement ? style.fill : style.color);
      const back = behind(element);
      const front = back.map((one, i) => own[i] * own[3] + one * (1 - own[3]));
      const [light, dark] = [luminance(front), luminance(back)].sort((a, b) => b - a);
      const [size, weight] = [parseFloat(style.fontSize), Number(style.fontWeight)];
      const large = size >= 24 || (size >= 18.66 && weight >= 700);
      return { node, why, ratio: (light + 0.05) / (dark + 0.05), least: large ? 3 : 4.5 };
    });
  }, nodes);
  return judged.filter(
    ({ why, ratio = 0, least = Infinity }) => !Object.hasOwn(reasons, why) || ratio < least,
  );
}
