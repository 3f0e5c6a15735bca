import { markPath, type LineLook } from '../../src/look/tokens.ts';

/** A short piece of a line with its mark, for legends. A CSS class sets its colour. */
export function lineSwatch({ key, dash, mark, width }: LineLook): SVGSVGElement {
  const svg = shape('svg', { viewBox: '0 0 36 12', class: `line line-${key}` });
  svg.ariaHidden = 'true';
  svg.append(
    shape('path', { d: 'M1 6H35', 'stroke-width': width, 'stroke-dasharray': dash.join(' ') }),
    shape('path', { d: markPath(mark, 18, 6), class: 'mark' }),
  );
  return svg;
}

function shape<Tag extends 'svg' | 'path'>(
  tag: Tag,
  attributes: Readonly<Record<string, string | number>>,
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
