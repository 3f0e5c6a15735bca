// A panel as an SVG that needs no style sheet: light colours, a title and a legend of its own.
import { markPath, tones } from '../look/tokens.ts';
import type { LegendEntry } from './figures.ts';
import { escape } from './markup.ts';
import type { Panel } from './paper-figures.ts';

const FONT = 'system-ui, sans-serif';
/** Sizes in units of the drawing. Widths of text are estimates: nothing here can measure it. */
const EDGE = 14;
const TITLE_HEIGHT = 30;
const LEGEND_HEIGHT = 20;
const SWATCH_WIDTH = 36;
const LETTER_WIDTH = 7;

/** Markup with every custom property replaced by its colour in light. */
const inLight = (text: string): string =>
  text
    .replace(/var\(--([\w-]+)\)/g, (whole, name: string) => tones[name]?.light ?? whole)
    .replace(/(font-family(?:="|:\s*))inherit/g, `$1${FONT}`);

/** The panel as the text of an SVG file. */
export function standaloneSvg({ title, drawing, legend }: Panel): string {
  const inner = drawing.text.trim();
  const [, wide = '0', high = '0'] = /^<svg viewBox="0 0 (\d+) (\d+)"/.exec(inner) ?? [];
  const [width, height] = [Number(wide), Number(high)];
  const { text: entries, lines } = legendOf(legend, width);
  const top = TITLE_HEIGHT + lines * LEGEND_HEIGHT;
  const body = inner.replace(
    /^<svg viewBox="[^"]*" role="img"/,
    `<svg x="0" y="${top}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img"`,
  );
  return inLight(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top + height}" viewBox="0 0 ${width} ${top + height}" font-family="${FONT}">\n` +
      '<rect width="100%" height="100%" fill="var(--card)"/>\n' +
      `<text x="${EDGE}" y="20" font-size="14" font-weight="600" fill="var(--ink)">${escape(title)}</text>\n` +
      `${entries}${body}\n</svg>\n`,
  );
}

/** The legend under the title, in as many lines as it takes. */
function legendOf(legend: readonly LegendEntry[], width: number): { text: string; lines: number } {
  let [x, line, text] = [EDGE, 0, ''];
  for (const { style, text: name } of legend) {
    const needed = SWATCH_WIDTH + (name.length + 2) * LETTER_WIDTH;
    if (x > EDGE && x + needed > width) [x, line] = [EDGE, line + 1];
    const y = TITLE_HEIGHT + line * LEGEND_HEIGHT + 8;
    const dashes = style.dash ? ` stroke-dasharray="${style.dash.join(',')}"` : '';
    const mark = markPath(style.symbol, x + 14, y);
    text +=
      `<path d="M${x} ${y}h28" fill="none" stroke="${style.color}" stroke-width="${style.width ?? 2}"${dashes}/>` +
      (mark === '' ? '' : `<path d="${mark}" fill="${style.color}"/>`) +
      `<text x="${x + SWATCH_WIDTH}" y="${y + 4}" font-size="12" fill="var(--quiet)">${escape(name)}</text>\n`;
    x += needed;
  }
  return { text, lines: legend.length === 0 ? 0 : line + 1 };
}
