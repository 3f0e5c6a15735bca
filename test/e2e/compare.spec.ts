import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'playwright/test';
import { expectNoSidewaysScroll, seriousFaults, toRoom, watchFaults } from './page.ts';

const results = join(import.meta.dirname, '../../studies/core-a/results');

test('the recording is compared: curves on three axes, differences, makeup, by keyboard', async ({
  page,
}) => {
  const faults = await watchFaults(page);
  await page.goto('#/compare?motion=0');
  await expect(page.locator('#runs-table tbody tr')).toHaveCount(1);
  await expect(page.locator('#runs-table')).toContainText(/Recorded \d+ \w+ \d{4}/);
  const curves = page.locator('#compare-curves .plot');
  await expect(curves).toHaveAccessibleName(/over updates; last values: FULL \d+.*LIM \d+/);
  const output = page.locator('#compare-curves output');
  await expect(output).toHaveText(/^update 12, the fixed read-out$/);
  await page.locator('#compare-cursor').focus();
  await page.keyboard.press('Home');
  await expect(output).toHaveText(/^update 6$/);
  await page.keyboard.press('End');
  // Only FULL goes on that long: no value of another update stands beside it.
  await expect(page.locator('.at-cursor li').first()).toContainText(/FULL \d+\.\d %/);
  await expect(page.locator('.at-cursor li').nth(1)).toHaveText(/LIM –/);
  await page.getByRole('button', { name: 'Back to the read-out' }).click();
  await page.getByRole('radio', { name: 'samples, scoring charged' }).check();
  await expect(curves).toHaveAccessibleName(/over samples, scoring charged/);
  await page.getByText('Numbers of the curves').click();
  await expect(page.locator('#compare-curves tbody tr').first()).toContainText(/\d+\.\d %/);

  const sure = page.locator('#compare-sure');
  await expect(sure.locator('.contrasts li')).toHaveCount(3);
  await expect(sure.getByRole('img').first()).toHaveAccessibleName(/LIM − FULL: \+\d/);
  await expect(sure).toContainText('over the held-out prompts alone');
  await expect(sure).toContainText('it says nothing about another seed');
  await sure.getByText(/^Exploratory: \d+ more comparisons/).click();
  await expect(sure).toContainText(/LIM − FULLupdate 6\+\d/);
  await expect(page.locator('#compare-makeup').getByRole('img').nth(1)).toHaveAccessibleName(
    /^LIM: \d+ prompts, \d+ easy, \d+ learnable, \d+ hard; 0 with a wrong key$/,
  );
  expect(await seriousFaults(page)).toEqual([]);
  await page.setViewportSize({ width: 320, height: 700 });
  await expectNoSidewaysScroll(page);
  await page.locator('#runs-table input').uncheck();
  await expect(page.locator('#compare-curves')).toContainText('No read-out yet');
  expect(faults.list).toEqual([]);
});

test('a sweep opens as phase diagrams, and what is none is told', async ({ page }) => {
  const faults = await watchFaults(page);
  await page.goto('#/compare?motion=0');
  const room = page.locator('#compare-sweep');
  await page.locator('#sweep-files').setInputFiles([
    { name: 'runs.csv', mimeType: 'text/csv', buffer: Buffer.from('cell\n') },
    {
      name: 'sweep.json',
      mimeType: 'application/json',
      buffer: readFileSync(join(results, 'sweep.json')),
    },
  ]);
  await expect(room.getByRole('alert')).toContainText("runs.csv: no column 'seed'");
  await page.locator('#show-study').click();
  await expect(room.locator('table.map').first()).toBeVisible();
  await expect(room).toContainText(/\d+ of 30 trainings are in/);
  expect(await seriousFaults(page)).toEqual([]);
  await page.setViewportSize({ width: 390, height: 800 });
  await expectNoSidewaysScroll(page);
  await toRoom(page, 'run');
  expect(faults.list).toEqual([]);
});
