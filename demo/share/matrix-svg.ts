// The reward matrix as an SVG that stands alone.
import type { RunView } from '../../src/index.ts';
import { rampSteps } from '../../src/look/tokens.ts';

const WIDTH = 960;
const ROW = 34;
const [LEFT, TOP, BOTTOM] = [70, 12, 40];

/** Prompts across in the order of the picture, epochs down; a rule where what LIM kept ends. */
export function matrixSvg(run: RunView, tone: (name: string) => string): string {
  const { columns, order, lim, config } = run;
  const wide = (WIDTH - LEFT) / Math.max(1, order.length);
  const near = (value: number): string => String(Math.round(100 * value) / 100);
  const share = (value: number): number =>
    config.lim.signal === 'reward' ? (Math.max(-1, Math.min(1, value)) + 1) / 2 : value;
  const colorOf = (value: number | undefined): string =>
    value === undefined || Number.isNaN(value)
      ? tone('missing')
      : tone(`ramp-${Math.round(share(value) * (rampSteps - 1))}`);
  const rows = columns.map((column, epoch) => {
    const y = TOP + epoch * ROW;
    const cells: string[] = [];
    // Neighbours of one colour are one rectangle.
    for (let from = 0; from < order.length;) {
      const color = colorOf(column[order[from] ?? 0]);
      let to = from + 1;
      while (to < order.length && colorOf(column[order[to] ?? 0]) === color) to++;
      cells.push(
        `<rect x="${near(LEFT + from * wide)}" y="${y}" width="${near((to - from) * wide)}" height="${ROW - 1}" fill="${color}"/>`,
      );
      from = to;
    }
    return `${cells.join('')}<text x="${LEFT - 8}" y="${y + 21}" text-anchor="end">epoch ${epoch + 1}</text>`;
  });
  const height = TOP + columns.length * ROW + BOTTOM;
  const kept = lim
    ? `<path d="M${near(LEFT + lim.kept * wide)} 0V${height - BOTTOM + 8}" stroke="${tone('lim')}" stroke-width="2"/>` +
      `<text x="${near(LEFT + lim.kept * wide + 6)}" y="${height - BOTTOM + 16}" fill="${tone('lim')}">${lim.kept} kept by LIM</text>`
    : '';
  const label = lim ? 'prompts, highest LIM score first' : 'prompts, highest mean first';
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="13" fill="${tone('quiet')}">` +
    `<rect width="${WIDTH}" height="${height}" fill="${tone('card')}"/>${rows.join('')}${kept}` +
    `<text x="${LEFT}" y="${height - 6}">${label}</text></svg>`
  );
}
