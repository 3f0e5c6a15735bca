import { AxeBuilder } from '@axe-core/playwright';
import { expect, test, type Page } from 'playwright/test';
import { expectNoSidewaysScroll } from '../e2e/page.ts';
import { settledContrast } from './contrast.ts';
import { open, states } from './states.ts';

const widths = [320, 390, 768, 1400];
const languages = ['en', 'de', 'zh'];
const themes = ['light', 'dark'];

/** What axe finds wrong, and what contrast it can neither pass nor fail that nobody has settled. */
async function faultsOf(page: Page): Promise<string[]> {
  const { violations, incomplete } = await new AxeBuilder({ page }).analyze();
  const unsettled = incomplete
    .filter(({ id }) => id === 'color-contrast')
    .flatMap(({ nodes }) => nodes)
    .filter(({ target, html }) => {
      const node = `${target.join(' ')} ${html}`;
      return !settledContrast.some((one) => one.node.test(node));
    })
    .map(
      ({ target, html, any }) =>
        `unsettled: ${target.join(' ')} ${html.slice(0, 120)} ${any[0]?.message ?? ''}`,
    );
  return [
    ...violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
    ...unsettled,
  ];
}

for (const state of states) {
  for (const lang of languages) {
    test(`${state.name} in ${lang}: no fault at any width, light and dark`, async ({ page }) => {
      const said: string[] = [];
      page.on('console', (message) => said.push(message.text()));
      page.on('pageerror', (error) => said.push(error.message));
      await open(page, state, { lang, theme: 'light' });
      await expect(page.locator('html')).toHaveAttribute('lang', lang);
      for (const width of widths) {
        await page.setViewportSize({ width, height: width < 700 ? 844 : 900 });
        for (const theme of themes) {
          await page.evaluate((wanted) => {
            document.documentElement.dataset['theme'] = wanted;
          }, theme);
          const where = `${width} px, ${theme}`;
          expect(await faultsOf(page), where).toEqual([]);
        }
        await expectNoSidewaysScroll(page);
      }
      expect(said).toEqual([]);
    });
  }
}
