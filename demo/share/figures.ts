// The figures that a room shows, and how each leaves the page: as PNG, as SVG, as numbers.
import type { RunView } from '../../src/index.ts';
import { cssColor } from '../plots/canvas.ts';
import type { Numbers } from './csv.ts';
import { matrixSvg } from './matrix-svg.ts';

/** A figure on the page. */
export interface ShownFigure {
  readonly title: string;
  readonly element: SVGSVGElement | HTMLCanvasElement;
  readonly numbers: Numbers;
}

/** Least area in square pixels: smaller drawings are signs in a text. */
const LEAST_AREA = 12_000;

/** Figures of the room, the largest first. */
export function shownFigures(): ShownFigure[] {
  const all = document.querySelectorAll<SVGSVGElement | HTMLCanvasElement>(
    '#main svg[role="img"], #main canvas',
  );
  return [...all]
    .flatMap((element) => {
      const { width, height } = element.getBoundingClientRect();
      const area = width * height;
      return area < LEAST_AREA || !element.checkVisibility() ? [] : [{ element, area }];
    })
    .sort((a, b) => b.area - a.area)
    .map(({ element }) => ({ element, title: titleOf(element), numbers: kindOf(element) }));
}

/** The heading of the section that a figure is in. */
function titleOf(element: Element): string {
  const own = element.closest('figure')?.querySelector('figcaption, h2, h3')?.textContent;
  const section = element.closest('section')?.querySelector('h2')?.textContent;
  return (own ?? section ?? element.getAttribute('aria-label') ?? '').trim().slice(0, 80);
}

function kindOf(element: Element): Numbers {
  if (element.closest('.finding-stage, #compare-sure')) return 'finding';
  if (element.closest('#compare-makeup')) return 'makeup';
  if (element.closest('.race, #compare-curves, #curves')) return 'curves';
  return 'matrix';
}

/** Whether a canvas is the reward matrix, which can be drawn again as an SVG. */
const isMatrix = ({ id }: Element): boolean => id === 'stage-matrix' || id === 'matrix';

/** What a drawing takes from the style sheet. */
const properties = [
  'color',
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'stroke-linecap',
  'stroke-linejoin',
  'opacity',
  'font-size',
  'font-weight',
  'font-family',
  'text-anchor',
  'dominant-baseline',
  'paint-order',
];

/** An SVG that looks the same without the page's style sheet. */
function standalone(element: SVGSVGElement): string {
  const copy = element.cloneNode(true) as SVGSVGElement;
  const [before, after] = [element, copy].map((one) => [one, ...one.querySelectorAll('*')]);
  for (const [i, original] of (before ?? []).entries()) {
    const style = getComputedStyle(original);
    const target = after?.[i];
    if (!(target instanceof SVGElement)) continue;
    for (const name of properties) target.setAttribute(name, style.getPropertyValue(name));
    target.removeAttribute('class');
    target.removeAttribute('style');
  }
  const { width, height } = element.getBoundingClientRect();
  const [wide, high] = [Math.round(width), Math.round(height)];
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  if (!copy.hasAttribute('viewBox')) copy.setAttribute('viewBox', `0 0 ${wide} ${high}`);
  copy.setAttribute('width', String(wide));
  copy.setAttribute('height', String(high));
  const paper = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  paper.setAttribute('width', '100%');
  paper.setAttribute('height', '100%');
  paper.setAttribute('fill', cssColor('--card'));
  copy.prepend(paper);
  return new XMLSerializer().serializeToString(copy);
}

/**
 * A figure as SVG text. A canvas other than the matrix is a picture of pixels in it.
 *
 * @param run The run that is shown.
 */
export function svgOf({ element }: ShownFigure, run: RunView | undefined): string {
  if (element instanceof SVGSVGElement) return standalone(element);
  if (isMatrix(element) && run) return matrixSvg(run, (name) => cssColor(`--${name}`));
  const { clientWidth: width, clientHeight: height } = element;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<image width="${width}" height="${height}" href="${onPaper(element).toDataURL('image/png')}"/></svg>`
  );
}

/** A canvas with the card's colour behind it. */
function onPaper(
  source: CanvasImageSource & { width: unknown; height: unknown },
): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = Number(source.width);
  canvas.height = Number(source.height);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('this browser draws on no canvas');
  context.fillStyle = cssColor('--card');
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** A figure as PNG, an SVG at twice its size. */
export async function pngOf(figure: ShownFigure): Promise<Uint8Array> {
  const { element } = figure;
  const canvas =
    element instanceof HTMLCanvasElement ? onPaper(element) : await drawn(standalone(element));
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (!blob) throw new Error('this browser makes no PNG');
  return new Uint8Array(await blob.arrayBuffer());
}

async function drawn(svg: string): Promise<HTMLCanvasElement> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  image.width *= 2;
  image.height *= 2;
  return onPaper(image);
}
