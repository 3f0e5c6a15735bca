import { AxeBuilder } from '@axe-core/playwright';
import { expect, test, type Page } from 'playwright/test';
import { expectNoSidewaysScroll } from '../e2e/page.ts';
import { lowContrast } from './contrast.ts';
import { open, states } from './states.ts';

/** Of Playwright itself, which keeps service workers off. */
const blocked = 'Service Worker registration blocked by Playwright';
const widths = [320, 390, 768, 1400];
const themes = ['light', 'dark'];
/**
 * Where axe looks: in one language everywhere, for colours know no language; in the others where lines
 * break first and last.
 */
const looked: Readonly<Record<string, (width: number, theme: string) => boolean>> = {
  en: () => true,
  de: (width, theme) => (theme === 'dark' ? width === 320 : width === 1400),
  zh: (width, theme) => (theme === 'dark' ? width === 320 : width === 1400),
};

/** What axe finds wrong, and what of the contrast that it leaves undecided is too low. */
async function faultsOf(page: Page): Promise<string[]> {
  const results = await new AxeBuilder({ page }).analyze();
  return [
    ...results.violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`,
    ),
    ...(await lowContrast(page, results)).map((one) => `contrast: ${JSON.stringify(one)}`),
  ];
}

for (const state of states) {
  for (const [lang, looks] of Object.entries(looked)) {
    test(`${state.name} in ${lang}: no fault at any width, light and dark`, async ({ page }) => {
      const said: string[] = [];
      page.on('console', (message) => {
        if (message.text() !== blocked) said.push(message.text());
      });
      page.on('pageerror', (error) => said.push(error.message));
      await open(page, state, { lang, theme: 'light' });
      await expect(page.locator('html')).toHaveAttribute('lang', lang);
      for (const width of widths) {
        await page.setViewportSize({ width, height: width < 700 ? 844 : 900 });
        for (const theme of themes) {
          await page.evaluate((wanted) => {
            document.documentElement.dataset['theme'] = wanted;
          }, theme);
          if (looks(width, theme))
            expect(await faultsOf(page), `${width} px, ${theme}`).toEqual([]);
        }
        await expectNoSidewaysScroll(page);
      }
      expect(said).toEqual([]);
    });
  }
}
