// Every view of the page that can stand in a frame of another page.
import { expect, test } from 'playwright/test';
import { seriousFaults, watchFaults } from '../e2e/page.ts';

test('every view stands alone in a frame, in its language and colours', async ({ page }) => {
  const faults = await watchFaults(page);
  for (const [view, inside] of [
    ['spine', '.acts'],
    ['matrix', '#stage-matrix'],
    ['curves', '#compare-curves .plot'],
    ['finding', '.finding-stage svg'],
    ['answers', '.inspector .grouped li'],
  ]) {
    await page.goto(`?embed=${view}&theme=dark&lang=de&motion=0&p=4`);
    await expect(page.locator(inside).first()).toBeVisible();
    await expect(page.locator('html')).toHaveAttribute('lang', 'de');
    await expect(page.locator('.credits')).toContainText('In LIMR Lab öffnen');
    expect(await seriousFaults(page), view).toEqual([]);
  }
  expect(faults.list).toEqual([]);
});
