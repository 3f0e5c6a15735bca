// The paper's panels as files: SVG, and PNG that a Chromium draws from it.
import type { Panel } from '../report/paper-figures.ts';
import { standaloneSvg } from '../report/standalone.ts';
import { UsageError } from './arguments.ts';
import { launchChromium } from './chromium.ts';
import { system } from './system.ts';

/** The kinds of image that figures are written as. */
const imageKinds = ['svg', 'png'] as const;
type ImageKind = (typeof imageKinds)[number];

/** Pixels of a PNG for each unit of its drawing. */
const PNG_SCALE = 2;

/** What `--images` names. @throws UsageError for another kind, or none. */
export function imageKindsOf(text: string): ImageKind[] {
  const kinds = text.split(',').map((word) => word.trim());
  const unknown = kinds.find((word) => !imageKinds.some((kind) => kind === word));
  if (unknown !== undefined) {
    throw new UsageError(`--images: '${unknown}' is none of ${imageKinds.join(', ')}`);
  }
  return imageKinds.filter((kind) => kinds.includes(kind));
}

/**
 * Writes panels into a folder, each as its file's name with the ending of the kind.
 *
 * @throws ChromiumError if PNG is asked for and no Chromium is there; SVG is written by then.
 */
export async function writeFigures(
  folder: string,
  panels: readonly Panel[],
  kinds: readonly ImageKind[],
): Promise<void> {
  const host = await system();
  const drawn = panels.map((panel) => ({ file: panel.file, svg: standaloneSvg(panel) }));
  if (kinds.includes('svg')) {
    for (const { file, svg } of drawn) await host.write(`${folder}/${file}.svg`, svg);
  }
  if (!kinds.includes('png') || drawn.length === 0) return;
  const browser = await launchChromium('software');
  try {
    const page = await browser.newPage({ deviceScaleFactor: PNG_SCALE });
    for (const { file, svg } of drawn) {
      await page.setContent(`<style>body{margin:0}svg{display:block}</style>${svg}`);
      const png = await page.locator('body > svg').screenshot({ type: 'png' });
      await host.write(`${folder}/${file}.png`, png);
    }
  } finally {
    await browser.close();
  }
}
