// The Prompts room on the recording: a cut to try, orders, filters and picks, in four looks.
import { expect, test, type Page } from 'playwright/test';
import { countDevices, downloadOf, seriousFaults, watchFaults } from './page.ts';

/** Opens the room at the end of the recorded run. */
async function open(page: Page, query = ''): Promise<void> {
  await page.goto(`#/prompts?motion=0${query}`);
  await expect(page.locator('#matrix-title')).toBeVisible();
  await page.keyboard.press('5');
  await expect(page.locator('#theta')).toBeVisible();
}

test('another cut is tried by keyboard and pointer, and its prompts are downloaded', async ({
  page,
}) => {
  const faults = await watchFaults(page);
  await open(page);
  const words = page.locator('.cut-words');
  await expect(words).toHaveText('θ = 0.6 keeps 39 of 160 prompts');
  await expect(page.locator('#cut-own')).toContainText('This is the cut that the run trained on.');
  await expect(page.locator('#own-cut')).toBeDisabled();

  await page.locator('#theta').focus();
  await page.keyboard.press('ArrowLeft');
  await expect(words).toContainText('θ = 0.59 keeps');
  await page.keyboard.press('Shift+ArrowLeft');
  await expect(words).toContainText('θ = 0.49 keeps');
  const [, kept = ''] = /keeps (\d+) of 160/.exec((await words.textContent()) ?? '') ?? [];
  expect(Number(kept)).toBeGreaterThan(39);
  await expect(page.locator('#cut-own')).toContainText(`${Number(kept) - 39} more.`);
  await expect(page.locator('#theta')).toHaveAttribute('aria-valuetext', /θ = 0\.49, keeps/);
  // The picture of the matrix has the same cut.
  await page.locator('#matrix').focus();
  await page.keyboard.press('Home');
  for (let rank = 1; rank < 45; rank++) await page.keyboard.press('ArrowRight');
  await expect(page.locator('#matrix')).toHaveAttribute('aria-valuetext', /rank 45 .*, kept$/);
  const file = await downloadOf(page, () => page.locator('#download-subset').click());
  const rows = String(file).trim().split('\n');
  expect(rows).toHaveLength(Number(kept));
  const row = JSON.parse(rows[0]) as Record<string, unknown>;
  expect(Object.keys(row)).toEqual(['id', 'prompt', 'answer']);

  await page.locator('#count').fill('10');
  await expect(words).toHaveText('the 10 highest keeps 10 of 160 prompts');
  await page.locator('.histogram').scrollIntoViewIfNeeded();
  const { x, y, width } = (await page.locator('.histogram svg').boundingBox())!;
  await page.mouse.move(x + width * 0.75, y + 60);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.5, y + 60);
  await page.mouse.up();
  await expect(words).toContainText(/θ = -?0(\.0\d)? keeps/);
  await page.locator('#own-cut').click();
  await expect(words).toHaveText('θ = 0.6 keeps 39 of 160 prompts');

  // A cut below what prompts that nobody solved score is said to keep them all.
  await page.locator('#theta').focus();
  await page.keyboard.press('Home');
  await expect(page.locator('#cut-rejection')).toHaveCount(0);
  await expect(page.locator('#cut-bound')).toContainText('keeps prompts that nobody solved');
  await page.locator('#explorer summary').click();
  await expect(page.locator('#explorer details tbody tr')).toHaveCount(22);
  expect(await seriousFaults(page)).toEqual([]);
  expect(faults.list).toEqual([]);
});

test('prompts are put in order, filtered, and picked by a drag', async ({ page }) => {
  await open(page, '&look=curves');
  const count = page.locator('.shown-count');
  await expect(page.locator('#kept-text')).toContainText('39 prompts');
  const { x, y, width, height } = (await page.locator('#kept').boundingBox())!;
  await page.mouse.move(x + width * 0.88, y + height * 0.02);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.99, y + height * 0.2);
  await page.mouse.up();
  await expect(count).toContainText(/^\d+ of 160 prompts, \d+ picked/);
  await page.locator('#look-heat').click();
  await expect(page).toHaveURL(/look=heat/);
  await page.locator('#show-all').click();
  await expect(count).toHaveText('160 of 160 prompts');

  const matrix = (await page.locator('#matrix').boundingBox())!;
  await page.mouse.move(matrix.x + matrix.width * 0.4, matrix.y + 80);
  await page.mouse.down();
  await page.mouse.move(matrix.x + matrix.width * 0.6, matrix.y + 80);
  await page.mouse.up();
  await expect(count).toContainText(/3\d of 160 prompts, 3\d picked/);
  await page.locator('#show-all').click();

  await page.locator('#matrix').focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('o');
  await expect(page.locator('#order')).toHaveValue('mean');
  await expect(page.locator('#matrix-text')).toContainText('the highest mean first');
  await page.locator('#order').selectOption('likeness');
  await expect(page.locator('#matrix')).toHaveAttribute('aria-valuetext', /rank 1 of 160/);
  await page.locator('#filter').selectOption('wrong');
  await expect(count).toContainText('16 of 160 prompts');
});

test('the landscape: a picture that goes round, picks and keeps to the heat map’s prompts', async ({
  page,
}) => {
  const faults = await watchFaults(page);
  const devices = await countDevices(page);
  await open(page);
  expect(await devices()).toBe(0);
  await page.locator('#look-land').click();
  const canvas = page.locator('#landscape');
  await expect(page.locator('.land-mark.cut')).toHaveText('θ = 0.6');
  expect(await devices()).toBe(1);
  const shot = (): Promise<Buffer> => canvas.screenshot();
  const before = await shot();

  // Bars are met where they are: under the pointer stands the cell that the matrix has.
  const { x, y, width, height } = (await canvas.boundingBox())!;
  await page.mouse.move(x + width * 0.5, y + height * 0.55);
  await expect(page.locator('#matrix-cell')).toContainText(/^Epoch [1-5], .*: \d\.\d\d$/);
  const told = (await page.locator('#matrix-cell').textContent()) ?? '';
  await page.mouse.down();
  await page.mouse.up();
  const [, prompt = ''] = /^Epoch \d, (.*?)(?:, wrong key on purpose)?: /.exec(told) ?? [];
  await expect(page.locator('.land-mark.chosen')).toHaveText(prompt);
  await expect(
    page.locator('#prompt-title ~ .prompt-title, .prompts-side .prompt-title'),
  ).toContainText(prompt);

  await canvas.focus();
  for (const key of ['ArrowLeft', 'ArrowUp', '+', 'Shift+ArrowRight'])
    await page.keyboard.press(key);
  await expect.poll(async () => (await shot()).equals(before)).toBe(false);
  await page.keyboard.press('PageDown');
  await expect(page.locator('.land-mark.chosen')).not.toHaveText(prompt);
  await page.locator('#theta').focus();
  await page.keyboard.press('Shift+ArrowLeft');
  await expect(page.locator('.land-mark.cut')).toHaveText('θ = 0.5');
  expect(await seriousFaults(page)).toEqual([]);
  await canvas.focus();
  await page.keyboard.press('h');
  await expect(page.locator('#matrix')).toBeVisible();
  expect(faults.list).toEqual([]);
});

test('without WebGPU the landscape says so and is a heat map', async ({ page }) => {
  await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'gpu'));
  await open(page, '&look=land');
  await expect(page.locator('.notice-line')).toContainText('The landscape needs WebGPU');
  await expect(page.locator('#matrix')).toBeVisible();
});
