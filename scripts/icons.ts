// npm run icons: draws the page's icon, a reward matrix that fills from the left, as SVG and as PNG.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright';
import { rampSteps, tones } from '../src/look/tokens.ts';
import { chromiumArguments, findChromium } from './chromium.mjs';
import { root } from './process.mjs';

const SIZE = 64;
/** Shares by prompt, then epoch: prompts in order of what they learn. */
const shares = [
  [0.5, 0.8, 1, 1],
  [0.3, 0.6, 0.9, 1],
  [0.2, 0.4, 0.6, 0.8],
  [0, 0.1, 0.3, 0.4],
] as const;

const dark = (name: string): string => tones[name]?.dark ?? 'none';

/**
 * The icon's SVG.
 *
 * @param inset Share of the width around the matrix: more where a system cuts icons to its own form.
 * @param round Whether the corners are round.
 */
function icon(inset: number, round: boolean): string {
  const [left, gap] = [inset * SIZE, 2];
  const cell = (SIZE - 2 * left - gap * (shares.length - 1)) / shares.length;
  const at = (place: number): string => (left + place * (cell + gap)).toFixed(2);
  const cells = shares.flatMap((prompt, column) =>
    prompt.map((share, epoch) => {
      const fill = dark(`ramp-${Math.round(share * (rampSteps - 1))}`);
      const size = cell.toFixed(2);
      return `<rect x="${at(column)}" y="${at(epoch)}" width="${size}" height="${size}" rx="1.5" fill="${fill}"/>`;
    }),
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE} ${SIZE}">` +
    `<rect width="${SIZE}" height="${SIZE}" rx="${round ? 14 : 0}" fill="${dark('page')}"/>` +
    `${cells.join('')}</svg>\n`
  );
}

const folder = join(root, 'demo/public');
writeFileSync(join(folder, 'icon.svg'), icon(0.17, true));
const executablePath = findChromium();
const browser = await chromium.launch({
  ...(executablePath === undefined ? {} : { executablePath }),
  args: chromiumArguments,
});
for (const [name, size, svg] of [
  ['icon-192', 192, icon(0.17, true)],
  ['icon-512', 512, icon(0.17, true)],
  ['icon-maskable-512', 512, icon(0.26, false)],
] as const) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>body{margin:0}svg{display:block}</style>${svg}`);
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path, omitBackground: true });
  await page.close();
}
await browser.close();
