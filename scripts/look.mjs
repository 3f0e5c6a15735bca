// npm run look [-- FILE.html …]: pictures of pages on screen and in print, for whoever changes them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { chromium } from 'playwright';
import { chromiumArguments, findChromium } from './chromium.mjs';
import { readArguments, root } from './process.mjs';

const { values, positionals } = readArguments('npm run look', {
  options: {
    out: { type: 'string', default: join(root, 'runs/look') },
    help: { type: 'boolean', short: 'h', default: false },
  },
  allowPositionals: true,
});

/** The page of a sweep that was made without training. @returns {string} */
const madeSweep = () =>
  execFileSync(
    process.execPath,
    ['--import', './scripts/ts-hooks.mjs', 'test/support/write-made-sweep.ts'],
    { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 },
  );

if (values.help) {
  process.stdout.write(`npm run look [-- FILE.html ...] [--out DIR]

Writes NAME-light.png, NAME-dark.png, NAME-narrow.png and NAME.pdf of each page to DIR, runs/look
when left out. Without a page: that of a sweep that was made without training.
`);
  process.exit(0);
}

const pages = positionals.map((file) => ({
  name: basename(file, '.html'),
  html: readFileSync(file, 'utf8'),
}));
if (pages.length === 0) pages.push({ name: 'sweep', html: madeSweep() });
mkdirSync(values.out, { recursive: true });
const executablePath = findChromium();
const browser = await chromium.launch({
  args: chromiumArguments,
  ...(executablePath === undefined ? {} : { executablePath }),
});
try {
  for (const { name, html } of pages) {
    const place = join(values.out, name);
    const page = await browser.newPage();
    await page.setContent(html);
    for (const [look, colorScheme, width] of /** @type {const} */ ([
      ['light', 'light', 1400],
      ['dark', 'dark', 1400],
      ['narrow', 'light', 390],
    ])) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${place}-${look}.png`, fullPage: true });
    }
    await page.emulateMedia({ media: 'print', colorScheme: 'light' });
    const margin = { top: '12mm', bottom: '12mm', left: '12mm', right: '12mm' };
    await page.pdf({ path: `${place}.pdf`, format: 'A4', margin });
    await page.close();
    process.stdout.write(`${place}-{light,dark,narrow}.png, ${place}.pdf\n`);
  }
} finally {
  await browser.close();
}
