import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'playwright/test';
import { seriousFaults } from './page.ts';

const root = join(import.meta.dirname, '../..');
const html = execFileSync(
  process.execPath,
  ['--import', './scripts/ts-hooks.mjs', 'test/support/write-made-sweep.ts'],
  { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 24 },
);

for (const [colorScheme, width] of [
  ['light', 390],
  ['dark', 1400],
] as const) {
  test(`a sweep’s page has no faults in ${colorScheme} at ${width} pixels`, async ({ page }) => {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await page.setContent(html);
    // Folded tables count too.
    await page.evaluate(() => {
      for (const folded of document.querySelectorAll('details')) folded.open = true;
    });
    expect(await seriousFaults(page)).toEqual([]);
    // What is wider than the page scrolls in a frame of its own.
    expect(
      await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
    ).toBeLessThanOrEqual(0);
  });
}

test('a sweep’s page is read by keyboard, and without colours', async ({ page }) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await page.setContent(html);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Fixed before the run' })).toBeFocused();
  // Every frame that scrolls is reached by Tab.
  expect(
    await page.evaluate(
      () =>
        [...document.querySelectorAll<HTMLElement>('.scroll')].filter(
          (frame) => frame.scrollWidth > frame.clientWidth && frame.tabIndex < 0,
        ).length,
    ),
  ).toBe(0);
  await expect(page.getByText('LIM is behind FULL').first()).toBeVisible();
});
