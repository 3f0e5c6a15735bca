// npm run screens -- [FOLDER]: screenshots of the built page's states, and a sheet of them all in
// FOLDER/index.html (default: test-results/screens). The states are of the recording, but for those in
// which models answer: they train a run of seconds first.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright';
import { preview } from 'vite';
import { chromiumArguments, findChromium } from './chromium.mjs';
import { tinyHash } from '../test/e2e/tiny.ts';
import { act, settled, states as recordedStates, type PageState } from '../test/page/states.ts';
import { root } from './process.mjs';

const folder = process.argv[2] ?? join(root, 'test-results/screens');
mkdirSync(folder, { recursive: true });

/** Trains a small run, and asks its models for one prompt. */
async function askModels(page: Page): Promise<void> {
  await page.locator('#start').click();
  await page.waitForFunction(() => document.getElementById('phase')?.textContent === 'Done', null, {
    timeout: 300_000,
  });
  await act(3)(page);
  await page.locator('#stage-matrix').focus();
  await page.keyboard.press('Home');
  await page.locator('#ask').click();
  await page.locator('[aria-label="Answers of LIM"] .answer').first().waitFor();
}

function stateOf(name: string): PageState {
  const found = recordedStates.find((state) => state.name === name);
  if (!found) throw new RangeError(`no state '${name}'`);
  return found;
}

/** Another tab of the same browser trains; this one is in a room of its own choice, or watches. */
const besideTraining =
  (seen: string) =>
  async (page: Page): Promise<void> => {
    const other = await page.context().newPage();
    const hash = tinyHash({ experiment: { methods: ['full', 'lim'], epochs: 40 } });
    await other.goto(new URL(hash, page.url()).href);
    await other.locator('#start:enabled').click();
    await other.locator('.fact', { hasText: 'update 9' }).waitFor({ timeout: 300_000 });
    await page.locator(seen).waitFor({ state: 'attached' });
  };

const states: readonly PageState[] = [
  ...recordedStates,
  { name: 'compare-zh', hash: '#/compare?motion=0&lang=zh', whole: true },
  {
    name: 'watching',
    hash: '#/run?motion=0',
    reach: besideTraining('#training[hidden]'),
    whole: true,
  },
  { name: 'watch-offered', hash: '#/learn', reach: besideTraining('#watch') },
  { ...stateOf('imported'), name: 'imported-zh', hash: '#/data?motion=0&lang=zh' },
  { ...stateOf('data'), name: 'data-de', hash: '#/data?motion=0&lang=de' },
  { ...stateOf('run-whole'), name: 'run-whole-zh', hash: '#/run?motion=0&lang=zh' },
  {
    name: 'try-it',
    hash: tinyHash({ experiment: { methods: ['full', 'lim'] } }),
    reach: async (page) => {
      await askModels(page);
      await page.locator('#try-it').scrollIntoViewIfNeeded();
    },
    whole: true,
  },
  {
    name: 'tokens',
    hash: tinyHash({ experiment: { methods: ['full', 'lim'] } }),
    reach: async (page) => {
      await askModels(page);
      await page.locator('[aria-label="Answers of LIM"] .answer').first().click();
      await page.locator('.cell').first().waitFor();
      await page.keyboard.press('6');
      await page.locator('.token-attention > summary').click();
      await page.locator('.share-row').first().waitFor();
      await page.locator('.attention-table summary').click();
      await page.locator('.token-table summary').click();
    },
    whole: true,
  },
];

const only = process.argv.slice(3);
const server = await preview({
  configFile: join(root, 'vite.config.ts'),
  root: join(root, 'demo'),
  preview: { host: '127.0.0.1', port: 0, strictPort: false },
});
const address = server.resolvedUrls?.local[0];
if (address === undefined) throw new Error('the preview has no address');
const executablePath = findChromium();
const browser = await chromium.launch({
  ...(executablePath === undefined ? {} : { executablePath }),
  args: chromiumArguments,
});
const shown: string[] = [];
for (const width of [1400, 390]) {
  for (const scheme of ['light', 'dark'] as const) {
    for (const { name, hash, reach, noGpu = false, whole = false } of states) {
      // Dark is the same page in other colours: some states show them.
      const dark = [
        'act-3',
        'act-5',
        'prompts-heat',
        'prompts-land',
        'compare',
        'tokens',
        'imported',
        'watching',
      ];
      if (scheme === 'dark' && !dark.includes(name)) continue;
      const file = `${name}-${width}-${scheme}.png`;
      if (only.length > 0 && !only.some((part) => file.includes(part))) continue;
      const context = await browser.newContext({
        viewport: { width, height: width === 390 ? 844 : 900 },
        colorScheme: scheme,
      });
      const page = await context.newPage();
      if (noGpu) {
        await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'gpu'));
      }
      await page.goto(new URL(hash, address).href);
      await settled(page);
      await reach?.(page);
      // What moves comes to rest.
      await page.waitForTimeout(1500);
      await page.screenshot({ path: join(folder, file), fullPage: whole });
      shown.push(file);
      console.error(file);
      await context.close();
    }
  }
}
await browser.close();
await server.close();
writeFileSync(
  join(folder, 'index.html'),
  `<!doctype html><title>States of the page</title>${shown
    .map(
      (file) => `<figure><figcaption>${file}</figcaption><img src="${file}" width="480"></figure>`,
    )
    .join('')}`,
);
