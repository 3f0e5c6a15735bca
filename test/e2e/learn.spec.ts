import { expect, test, type Page } from 'playwright/test';
import { countDevices, expectNoSidewaysScroll, seriousFaults, tabTo, watchFaults } from './page.ts';

const lessons = ['paid', 'sampling', 'credit', 'clip', 'kl', 'lim', 'less'] as const;

const widget = (page: Page) => page.locator('.lesson-widget');
/** Says who computed what the lesson shows. */
const by = (page: Page) => page.locator('[data-by]');
const question = (page: Page) => page.locator('.lesson-question');

/** What a lesson's numbers are, told in its tables and results. */
async function numbersOf(page: Page): Promise<string[]> {
  for (const summary of await page.locator('.lesson details:not([open]) > summary').all()) {
    await summary.evaluate((one: HTMLElement) => one.click());
  }
  return page
    .locator('.lesson :is(td, .lesson-number)')
    .evaluateAll((cells) => cells.map(({ textContent }) => textContent ?? ''));
}

test('seven lessons open by their addresses, in light and dark and small, without a fault', async ({
  page,
}) => {
  const faults = await watchFaults(page);
  await page.goto('#/learn?motion=0');
  await expect(page.locator('.lesson-cards li')).toHaveCount(lessons.length);
  for (const [i, name] of lessons.entries()) {
    await page.setViewportSize({ width: i % 2 === 0 ? 320 : 1400, height: 844 });
    await page.emulateMedia({ colorScheme: i % 3 === 0 ? 'dark' : 'light' });
    await page
      .locator('.lesson-steps a')
      .nth(i + 1)
      .click();
    await expect(page.locator(`[data-lesson=${name}]`)).toBeVisible();
    await expect(page).toHaveURL(new RegExp(`#/learn/${name}\\?`));
    await expect(page.locator('.lesson-tries li')).toHaveCount(3);
    // The others in every state: test/page.
    if (name === 'lim' || name === 'less') expect(await seriousFaults(page), name).toEqual([]);
    await expectNoSidewaysScroll(page);
    // Each thing to try does something.
    const before = await widget(page).innerHTML();
    for (const one of await page.locator('.lesson-try').all()) await one.click();
    await expect.poll(() => widget(page).innerHTML(), { message: name }).not.toBe(before);
  }
  expect(faults.list).toEqual([]);
});

test('the kernels that train compute what the page has computed in float64', async ({ page }) => {
  const faults = await watchFaults(page);
  const devices = await countDevices(page);
  for (const name of ['lim', 'credit', 'clip', 'sampling'] as const) {
    await page.goto(`#/learn/${name}?motion=0`);
    await page.reload();
    await expect(by(page)).toHaveAttribute('data-by', 'float64');
    const before = await numbersOf(page);
    expect(before.length).toBeGreaterThan(2);
    expect(await devices(), name).toBe(0);
    // A touch that changes nothing.
    await widget(page).locator('input, [role=slider]').first().press('Shift');
    await expect(by(page)).toHaveAttribute('data-by', 'kernel', { timeout: 60_000 });
    await expect(by(page)).toContainText(/kernel \S+, which trains too, on \S+/);
    expect(await numbersOf(page), name).toEqual(before);
    expect(await devices(), name).toBe(1);
  }
  expect(faults.list).toEqual([]);
});

test('without WebGPU a lesson computes in float64 and says why', async ({ page }) => {
  const faults = await watchFaults(page);
  await page.addInitScript(() => {
    Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined });
  });
  await page.goto('#/learn/lim?motion=0&lang=de');
  await expect(question(page)).toHaveText('Aus welchen Prompts lernt das Modell?');
  const score = page.locator('#lim-score');
  const first = await score.textContent();
  // By the keyboard alone: the last epoch's point goes down to no right answer.
  const handle = page.getByRole('slider', { name: 'Epoche 5' });
  await handle.press('Home');
  await expect(handle).toHaveAttribute('aria-valuetext', '0 von 8 Antworten richtig');
  await expect(score).not.toHaveText(first ?? '');
  await expect(by(page)).toContainText('können hier nicht rechnen');
  await expect(by(page).locator('[lang=en]')).toContainText('WebGPU');
  await expect(by(page)).toHaveAttribute('data-by', 'float64');
  expect(faults.list).toEqual([]);
});

test('an answer is typed and paid, and its prompt is seen in the run', async ({ page }) => {
  const faults = await watchFaults(page);
  await page.goto('#/learn/paid?motion=0');
  const [answer, reward] = [page.locator('#paid-answer'), page.locator('#paid-reward')];
  await expect(reward).toHaveText('−0.5');
  await tabTo(page, 'paid-answer');
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('<b>1</b>');
  await expect(answer).toHaveValue('<b>1</b>');
  await expect(reward).toHaveText('−1');
  await page.getByRole('button', { name: 'right', exact: true }).click();
  await expect(reward).toHaveText('+1');
  // A right answer to a prompt whose key is wrong is not paid.
  await page.locator('.lesson-try').nth(2).click();
  await expect(reward).toHaveText('−0.5');
  await expect(widget(page)).toContainText('It is right, and yet not paid');
  await page.locator('.lesson-see').click();
  await expect(page.locator('body')).toHaveAttribute('data-room', 'run');
  await expect(page.locator('#inspector')).toContainText('key wrong on purpose');
  await page.goBack();
  await expect(question(page)).toHaveText('What is paid?');
  expect(faults.list).toEqual([]);
});

test('a lesson stands alone in a frame', async ({ page }) => {
  const faults = await watchFaults(page);
  await page.goto('?embed=lesson-sampling&lang=de&theme=dark&motion=0');
  await expect(question(page)).toHaveText('Wie wird ein Token gezogen?');
  await page.locator('#sampling-roll').click();
  await expect(by(page)).toHaveAttribute('data-by', 'kernel', { timeout: 60_000 });
  await expect(page.locator('.lesson-see')).toBeHidden();
  expect(await seriousFaults(page)).toEqual([]);
  await expectNoSidewaysScroll(page);
  expect(faults.list).toEqual([]);
});

test('the tour presses the page’s own buttons, by the keyboard, and starts nothing', async ({
  page,
}) => {
  const faults = await watchFaults(page);
  const devices = await countDevices(page);
  await page.goto('#/learn?motion=0');
  await tabTo(page, 'take-tour');
  await page.keyboard.press('Enter');
  const tour = page.getByRole('complementary', { name: 'Tour' });
  await expect(tour.getByRole('button', { name: 'Next' })).toBeFocused();
  for (const act of ['1', '2', '3', '4', '5']) {
    await expect(page.locator('.acts .now .number')).toHaveText(act);
    await expect(tour).toContainText(`${act} of 9`);
    await expect(page.locator('.stage')).toHaveAttribute('data-toured', '');
    if (act === '3') expect(await seriousFaults(page)).toEqual([]);
    await page.keyboard.press('Enter');
  }
  for (const room of ['prompts', 'compare', 'learn', 'data']) {
    await expect(page.locator('body')).toHaveAttribute('data-room', room);
    await page.keyboard.press(room === 'data' ? 'ArrowLeft' : 'ArrowRight');
  }
  await expect(page.locator('body')).toHaveAttribute('data-room', 'learn');
  await page.keyboard.press('Escape');
  await expect(tour).toHaveCount(0);
  await expect(page.locator('#take-tour')).toBeFocused();
  // Nothing was trained, and no device asked for.
  await expect(page.locator('.provenance')).toContainText('Recorded');
  expect(page.workers()).toHaveLength(0);
  expect(await devices()).toBe(0);
  expect(faults.list).toEqual([]);
});

test('shown to others the page is larger and without controls, and its address says so', async ({
  page,
}) => {
  const faults = await watchFaults(page);
  await page.goto('#/run?motion=0');
  await expect(page.locator('#train-here')).toBeEnabled();
  await page.keyboard.press('P');
  await expect(page).toHaveURL(/present=1/);
  await page.reload();
  await expect(page.locator('#leave-present')).toBeVisible();
  expect(await page.evaluate(() => getComputedStyle(document.body).fontSize)).toBe('21.6px');
  await expect(page.locator('#film')).toBeVisible();
  for (const hidden of ['#to-data', '#train-here', '#curves', '#try-it', 'footer']) {
    await expect(page.locator(hidden)).toBeHidden();
  }
  // A recording says that it is one, to others too.
  await expect(page.locator('.provenance')).toBeVisible();
  await page.keyboard.press('5');
  await expect(page.locator('.acts .now .number')).toHaveText('5');
  expect(await seriousFaults(page)).toEqual([]);
  await expectNoSidewaysScroll(page);
  await page.locator('#leave-present').click();
  await expect(page).not.toHaveURL(/present/);
  await expect(page.locator('#train-here')).toBeVisible();
  expect(faults.list).toEqual([]);
});
