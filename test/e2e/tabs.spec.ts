import { expect, test } from 'playwright/test';
import { hideTab, ready, seriousFaults, toRoom, watchFaults } from './page.ts';
import { tinyHash } from './tiny.ts';

const RUN_MS = 300_000;

test('a second tab watches the run of the first, late, to where that one is closed', async ({
  page,
  context,
}) => {
  await page.goto(tinyHash({ experiment: { methods: ['full', 'lim'], epochs: 40 } }));
  await ready(page);
  await page.locator('#start').click();
  await expect(page.locator('.acts .now .fact')).toHaveText(/^update \d+ of \d+$/, {
    timeout: RUN_MS,
  });
  // Who looks at another tab reads how far it is.
  await expect.poll(() => page.title()).toMatch(/^\d+ % · All prompts · LIMR Lab$/);

  const second = await context.newPage();
  const faults = await watchFaults(second);
  await second.goto('#/run?motion=0');
  await expect(second.locator('.provenance')).toContainText('Another tab trains; this one watches');
  const fact = second.locator('.acts .now .fact');
  await expect(fact).toHaveText(/^update \d+ of \d+$/);
  await expect.poll(() => second.title()).toMatch(/^\d+ % · All prompts · LIMR Lab$/);
  const before = await fact.textContent();
  await expect(fact).not.toHaveText(before!, { timeout: RUN_MS });
  await expect(second.locator('#pace')).toContainText(/update \d+/);
  // It is not this tab's to pause.
  await expect(second.locator('#pause')).toBeHidden();
  expect(second.workers()).toHaveLength(0);
  expect(await seriousFaults(second)).toEqual([]);

  // Back to the recording, and to the run again.
  await second.getByRole('button', { name: 'Show the recording' }).click();
  await expect(second.locator('.provenance')).toContainText('Recorded');
  await second.locator('#watch').click();
  await expect(second.locator('.provenance')).toContainText('this one watches');
  await toRoom(second, 'prompts');
  await expect(second.locator('#matrix')).toHaveAttribute('aria-valuemax', '64');
  await toRoom(second, 'run');

  // Where nothing is drawn the title goes on.
  const show = await hideTab(page);
  const title = await page.title();
  await expect.poll(() => page.title(), { timeout: RUN_MS }).not.toBe(title);
  await show();
  await page.close({ runBeforeUnload: false });
  await expect(second.locator('.provenance')).toContainText('ended this run before it was done');
  await expect.poll(() => second.title()).toBe('LIMR Lab');
  expect(faults.list).toEqual([]);
});
