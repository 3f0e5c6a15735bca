import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test, type Page } from 'playwright/test';
import {
  downloadOf,
  drop,
  expectNoSidewaysScroll,
  ready,
  seriousFaults,
  tabTo,
  toRoom,
  watchFaults,
} from './page.ts';
import { tinyHash } from './tiny.ts';

const RUN_MS = 300_000;

/** Presses Tab until what has the focus is of a selector. */
async function tabInto(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`${selector} cannot be reached with Tab`);
}

test('what was trained here answers beside its base, token by token, by keyboard alone', async ({
  page,
}) => {
  const faults = await watchFaults(page);
  await page.goto(tinyHash({ experiment: { methods: ['full'], epochs: 2, readouts: [4, 8] } }));
  await ready(page);
  await page.locator('#start').press('Enter');
  const panel = page.locator('#try-it');
  await expect(panel).toContainText('There is nobody to ask yet');

  // Under way and paused, the policy as it stands answers.
  const now = panel.getByRole('region', { name: 'Answers of Now' });
  await expect(panel.getByRole('button', { name: 'Now' })).toBeVisible({ timeout: RUN_MS });
  await page.locator('#pause').press('Enter');
  await panel.locator('#ask-prompt').fill('1+2');
  await page.keyboard.press('Enter');
  await expect(now).toContainText(/(\d|no two) of 8 agree · \d of 8 match(es)? the key/);
  await expect(now.locator('h3')).toContainText(/FULL, update \d/);
  await page.locator('#pause').press('Enter');
  await expect(page.locator('#phase')).toHaveText('Done', { timeout: RUN_MS });

  // The same prompt, to the base and to FULL.
  await tabTo(page, 'ask-prompt');
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('1+2');
  await page.keyboard.press('Enter');
  const base = panel.getByRole('region', { name: 'Answers of Base' });
  const full = panel.getByRole('region', { name: 'Answers of FULL' });
  for (const model of [base, full]) {
    await expect(model).toContainText(/(\d|no two) of 8 agree · \d of 8 match(es)? the key/);
    await expect(model.locator('.grouped li').first()).toContainText(/[✓✗∅]/);
    await expect(model.locator('.likely li').first()).toContainText(/\d+\.\d %/);
  }
  await expect(panel).toContainText('key 0');

  // Greedy sampling leaves one token, and answers stay as they were drawn.
  const answers = await full.locator('.grouped').textContent();
  await panel.getByRole('slider', { name: 'Temperature' }).press('Home');
  await expect(full.locator('.likely li').first()).toContainText('100.0 %');
  expect(await full.locator('.grouped').textContent()).toBe(answers);

  // A prompt that means nothing is refused in the model's place, with the reason.
  await panel.locator('#ask-prompt').fill('nonsense');
  await page.keyboard.press('Enter');
  await expect(full.locator('.problem')).toContainText("'nonsense' is not 2 to 3 digits");
  await panel.locator('#ask-prompt').fill('1+2');
  await page.keyboard.press('Enter');
  await expect(full).toContainText(/8 of 8 agree/);

  // Its tokens: the first has the focus, arrows move it, digits choose what colours them.
  await tabInto(page, '[aria-label="Answers of FULL"] .answer');
  await page.keyboard.press('Enter');
  const cells = panel.locator('.cell');
  await expect(cells.first()).toBeFocused();
  await expect(cells.first()).toHaveAccessibleName(/^\S+: Log-probability [−0]/);
  await page.keyboard.press('End');
  await expect(cells.last()).toBeFocused();
  await page.keyboard.press('5');
  await expect(cells.last()).toHaveAccessibleName(/: Reward −?\d/);
  await page.keyboard.press('ArrowLeft');
  await expect(cells.nth((await cells.count()) - 2)).toBeFocused();
  await expect(panel.locator('.token-detail')).toContainText('Most probable here');

  // What it looked at: one head's shares of prompt and answer, and the same as a table.
  await tabInto(page, '.token-attention > summary');
  await page.keyboard.press('Enter');
  await expect(panel.locator('.share-row')).toHaveCount(await cells.count());
  await panel.getByRole('button', { name: 'Head 2' }).press('Enter');
  await expect(panel.locator('.attention [role=img]')).toHaveAccessibleName(
    'Attention of layer 1, Head 2',
  );
  await panel.locator('.attention-table summary').press('Enter');
  const shares = panel.locator('.attention-table tbody tr').first().locator('td');
  const told = (await shares.allTextContents()).filter((text) => text !== '');
  // Each is rounded to one in a hundred.
  const sum = told.reduce((total, text) => total + parseInt(text, 10), 0);
  expect(Math.abs(sum - 100)).toBeLessThanOrEqual(told.length / 2);

  await tabInto(page, '.token-table summary');
  await page.keyboard.press('Enter');
  const rows = panel.locator('.token-table tbody tr');
  await expect(rows).toHaveCount(await cells.count());
  const numbers = await rows.first().locator('td').allTextContents();
  const [policy, before, kl] = numbers.map((text) => Number(text.replaceAll('−', '-')));
  expect(policy).toBeLessThanOrEqual(0);
  expect(before).toBeLessThanOrEqual(0);
  expect(kl).not.toBeNaN();

  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: colorScheme === 'light' ? 1280 : 390, height: 844 });
    expect(await seriousFaults(page), colorScheme).toEqual([]);
    await expectNoSidewaysScroll(page);
  }
  await cells.first().focus();
  await page.keyboard.press('Escape');
  await expect(panel.locator('.tokens')).toHaveCount(0);
  await expect(full.locator('.answer').first()).toBeFocused();
  expect(faults.list).toEqual([]);

  await test.step('after a reload the stored run answers the same', async () => {
    const before = await full.locator('.grouped').textContent();
    // Anew, and not at an address that names the run: it would be opened.
    await page.goto('about:blank');
    await page.goto('#/data');
    await ready(page);
    await page.locator('#stored').getByRole('button', { name: /^Open/ }).press('Enter');
    await panel.locator('#ask-prompt').fill('1+2');
    await panel.getByRole('slider', { name: 'Temperature' }).press('Home');
    await panel.locator('#ask-prompt').press('Enter');
    await expect(full).toContainText(/8 of 8 agree/);
    expect(await full.locator('.grouped').textContent()).toBe(before);
    expect(faults.list).toEqual([]);
  });

  await test.step('and so does its bundle, in a browser that keeps no run', async () => {
    const before = await full.locator('.grouped').textContent();
    await toRoom(page, 'data');
    const kept = page.locator('#stored').getByRole('button', { name: /^Bundle/ });
    const path = test.info().outputPath('tiny.limr');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, await downloadOf(page, () => kept.press('Enter')));
    page.once('dialog', (dialog) => void dialog.accept());
    await page
      .locator('#stored')
      .getByRole('button', { name: /^Delete/ })
      .press('Enter');
    await expect(page.locator('#stored-list')).toHaveCount(0);
    await drop(page, [path]);
    await expect(page.locator('body')).toHaveAttribute('data-room', 'run');
    await panel.locator('#ask-prompt').fill('1+2');
    await panel.getByRole('slider', { name: 'Temperature' }).press('Home');
    await panel.locator('#ask-prompt').press('Enter');
    await expect(base).toContainText(/8 of 8 agree/);
    await expect(full).toContainText(/8 of 8 agree/);
    expect(await full.locator('.grouped').textContent()).toBe(before);
    expect(faults.list).toEqual([]);
  });
});

test('a recording says that it has no weights', async ({ page }) => {
  await page.goto('#/run?motion=0');
  const panel = page.locator('#try-it');
  await expect(panel).toContainText('A recording has no weights');
  await expect(panel.getByRole('button', { name: 'Train it here' })).toBeEnabled();
});
