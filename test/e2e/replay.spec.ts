import { gzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, type Page } from 'playwright/test';
import { expectNoSidewaysScroll, seriousFaults, tabTo, toRoom, watchFaults } from './page.ts';

const root = join(import.meta.dirname, '../..');

/** The page with a film that stands still. */
async function open(page: Page, hash = '#/run?motion=0'): Promise<void> {
  await page.goto(hash);
  await expect(page.locator('#film')).toBeVisible();
}

const sentence = (page: Page) => page.locator('.sentence');

/** Bytes of the page's scripts and styles that came before the first picture, as a host would zip them. */
async function bytesBeforePicture(page: Page): Promise<{ at: number; bytes: number }> {
  const { at, names } = await page.evaluate(async () => {
    while (performance.getEntriesByName('first-picture').length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const [{ startTime }] = performance.getEntriesByName('first-picture');
    const before = performance
      .getEntriesByType('resource')
      .filter((one) => one.startTime < startTime && /\.(?:js|css)$/.test(one.name));
    return { at: startTime, names: before.map(({ name }) => new URL(name).pathname) };
  });
  const sizes = names.map((name) => gzipSync(readFileSync(join(root, 'dist-demo', name))).length);
  return { at, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

test('a recorded run is there before anything is asked, and says that it is one', async ({
  page,
}) => {
  const faults = await watchFaults(page);
  await page.goto('');
  const { bytes } = await bytesBeforePicture(page);
  expect(bytes).toBeGreaterThan(20_000);
  expect(bytes).toBeLessThanOrEqual(60_000);

  // What is drawn is no empty frame: several colours stand in the picture.
  const colours = await page.locator('#stage-matrix').evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
  expect(colours).toBeGreaterThan(8);
  await expect(page.locator('.provenance')).toHaveText(/^Recorded on \d+ \w+ \d{4}, on \S+/);
  await expect(sentence(page)).toContainText(
    /PPO pays a language model for right answers: \d+ prompts, \d+ epochs/,
  );
  // It plays by itself, and can be held.
  const place = () => page.locator('#film').evaluate((one: HTMLInputElement) => Number(one.value));
  const before = await place();
  await expect.poll(place).toBeGreaterThan(before);
  await page.getByRole('button', { name: 'Pause the film' }).click();
  const held = await place();
  await expect(page.getByRole('button', { name: 'Play the film' })).toBeVisible();
  await page.waitForTimeout(300);
  expect(await place()).toBe(held);
  expect(await page.evaluate(() => navigator.serviceWorker.controller)).toBeNull();
  expect(page.workers()).toHaveLength(0);
  await expect(page.locator('#train-here')).toBeEnabled();
  expect(faults.list).toEqual([]);
});

test('the five acts by keyboard alone', async ({ page }) => {
  const faults = await watchFaults(page);
  await open(page);
  await page.keyboard.press('1');
  await expect(sentence(page)).toContainText(/slips: \d+(\.\d)? % of the answers/);
  await expect(page.locator('.problem-stage .step').first()).toContainText(/\d [+−×] \d = \d [✓✗]/);
  await page.keyboard.press('2');
  await expect(page.locator('.acts .now')).toContainText('All prompts');
  await expect(page.locator('.acts .now .fact')).toHaveText(/^update \d+ of \d+$/);
  await page.keyboard.press('3');
  await expect(sentence(page)).toContainText(/LIM keeps \d+ of \d+/);
  await page.keyboard.press('4');
  await expect(page.locator('.race svg')).toHaveAccessibleName(/FULL \d+.*at update \d+/);
  await page.keyboard.press('5');
  await expect(sentence(page)).toContainText(/^LIM on \d+ prompts: \d+.* Not told apart\.$/);
  // Whether it is sure stands beside who won, and what it cost.
  await expect(page.locator('.finding-stage .verdict')).toContainText(/95 % interval/);
  await expect(page.locator('.finding-stage')).toContainText(/With them charged, LIM’s .* updates/);

  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await expect(page.locator('.acts .now')).toContainText('Subsets');
  await page.keyboard.press('Space');
  await expect(page.getByRole('button', { name: 'Pause the film' })).toBeVisible();
  await page.keyboard.press('Space');

  // A prompt, its score and its answers.
  await page.keyboard.press('3');
  await tabTo(page, 'stage-matrix');
  await page.keyboard.press('Home');
  const inspector = page.locator('#inspector');
  await expect(inspector).toContainText('kept by LIM');
  await expect(page.locator('#stage-matrix')).toHaveAttribute('aria-valuetext', /rank 1 of \d+/);
  await page.keyboard.press('End');
  await expect(page.locator('#stage-matrix')).toHaveAttribute('aria-valuetext', /, rejected$/);
  await expect(inspector).toContainText('rejected by LIM');
  await expect(inspector.locator('.grouped li').first()).toContainText(/×\d/);
  await expect(page).toHaveURL(/[?&]p=\d+/);
  await page.keyboard.press('Escape');
  await expect(inspector).toContainText('A prompt that learned much');

  for (const [key, room] of [
    ['p', 'prompts'],
    ['c', 'compare'],
    ['l', 'learn'],
    ['d', 'data'],
    ['r', 'run'],
  ]) {
    await page.keyboard.press('g');
    await page.keyboard.press(key);
    await expect(page.locator('body')).toHaveAttribute('data-room', room);
  }
  await page.keyboard.press('/');
  await expect(page.locator('#search')).toBeFocused();
  await page.keyboard.press('Escape');
  await page.locator('#search').blur();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  expect(faults.list).toEqual([]);
});

test('every act and room shows the recording without a fault, rooms small and dark', async ({
  page,
}) => {
  const faults = await watchFaults(page);
  await open(page);
  await expect(page.locator('#train-here')).toBeEnabled();
  // `npm run test:page` looks at every state in both.
  for (const act of ['1', '2', '3', '4', '5']) {
    await toRoom(page, 'run');
    await page.keyboard.press(act);
    await expect(page.locator('.acts .now .number')).toHaveText(act);
    expect(await seriousFaults(page), `act ${act}`).toEqual([]);
    await expectNoSidewaysScroll(page);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const room of ['run', 'prompts', 'compare', 'learn', 'data'] as const) {
    await toRoom(page, room);
    expect(await seriousFaults(page), room).toEqual([]);
    await expectNoSidewaysScroll(page);
  }
  await toRoom(page, 'compare');
  await expect(page.locator('#results-body')).toContainText(/\d+\.\d %/);
  await expect(page.locator('#charged')).toContainText('With them charged');
  await toRoom(page, 'learn');
  await expect(page.locator('#learn')).toContainText(/here \d+ of \d+/);
  expect(faults.list).toEqual([]);
});

test('any curve can be shown, and is again at the next visit', async ({ page }) => {
  await open(page, '#/run?motion=0&at=5&lang=de');
  await expect(page.locator('#curves-title')).toHaveText(/^Das Lernen/);
  await page.locator('#choose-curves > summary').click();
  await page.locator('#choose-curves [name=actor_grad_norm]').check();
  const charts = page.locator('.chart h3');
  const names = ['Belohnung', 'Richtig bei ungesehenen Aufgaben', 'Antwortlänge'];
  const shown = [...names, 'KL zum Ausgangsmodell', 'Gradientennorm der Strategie'];
  await expect(charts).toHaveText(shown);
  await expect(page.locator('.chart').last().locator('.readout')).toContainText(/LIM \d,\d/);
  await page.reload();
  await expect(charts).toHaveText(shown);
  await page.locator('#choose-curves > summary').click();
  await page.locator('#choose-curves button').click();
  await expect(charts).toHaveCount(4);
  // A form that is wrong is not said to be the preset.
  await toRoom(page, 'data');
  await expect(page.locator('#new-run-title')).toHaveText('Ein neuer Lauf');
  await expect(page.locator('#plan')).toContainText('160 Prompts');
  await expect(page.locator('#differences-title')).toHaveText('Nichts weicht von der Vorgabe ab.');
  await page.locator('#settings > summary').click();
  await page.locator('#overrides').fill('{"rollout": {"samples": 0}}');
  await expect(page.locator('#problem')).toContainText('rollout.samples');
  await expect(page.locator('#differences-title')).toBeEmpty();
});

test('a wrong key is told as one, step by step', async ({ page }) => {
  await open(page);
  await page.keyboard.press('5');
  await toRoom(page, 'prompts');
  await page.locator('#look-table').click();
  await page.locator('#filter').selectOption('wrong');
  await page.locator('#list button').first().click();
  await expect(page.locator('#answers')).toContainText('key wrong on purpose');
  await toRoom(page, 'run');
  const inspector = page.locator('#inspector');
  await expect(inspector).toContainText('key wrong on purpose');
  await expect(inspector).toContainText('the truth is');
  await expect(inspector.locator('.grouped .right')).toHaveCount(0);
});

test('what every method answered to a prompt is read, and compared, by keyboard', async ({
  page,
}) => {
  const faults = await watchFaults(page);
  await open(page, '#/run?motion=0&at=3');
  await tabTo(page, 'stage-matrix');
  await page.keyboard.press('Home');
  const inspector = page.locator('#inspector');
  await expect(inspector).toContainText('kept by LIM');
  const methods = inspector.getByRole('group', { name: 'Answers of', exact: true });
  const epochs = inspector.getByRole('group', { name: 'Answers of epoch' });
  const against = inspector.getByRole('group', { name: 'Compared with epoch' });
  // While LIM chooses, nothing is trained on its choice.
  await methods.getByRole('button', { name: 'LIM' }).press('Enter');
  await expect(inspector).toContainText('LIM has not trained yet.');

  await page.keyboard.press('5');
  await expect(inspector).toContainText(/Epochs are those of LIM through its own \d+ prompts/);
  await expect(inspector.locator('.grouped li').first()).toContainText(/×\d/);
  await against.getByRole('button', { name: 'Epoch 1', exact: true }).press('Enter');
  const changes = inspector.getByRole('region', { name: /^From epoch 1 to epoch \d+$/ });
  await expect(changes).toContainText(/Right: \d of 8 → \d of 8\./);
  await changes.locator('summary').press('Enter');
  const [answers, steps] = [changes.locator('table').nth(0), changes.locator('table').nth(1)];
  const rows = answers.locator('tbody tr');
  await expect(rows).toHaveCount(await changes.locator('.grouped li').count());
  for (const column of [1, 2]) {
    const counts = await rows.locator(`td:nth-of-type(${column + 1})`).allTextContents();
    expect(counts.reduce((sum, count) => sum + Number(count), 0)).toBe(8);
  }
  await expect(steps.locator('tbody tr').first()).toContainText(/of \d/);
  await epochs.getByRole('button', { name: 'Epoch 1', exact: true }).press('Enter');
  await expect(changes).toHaveCount(0);
  expect(await seriousFaults(page)).toEqual([]);
  await expectNoSidewaysScroll(page);

  // The other end of the matrix: LIM has rejected it.
  await page.keyboard.press('3');
  await tabTo(page, 'stage-matrix');
  await page.keyboard.press('End');
  await expect(inspector).toContainText('LIM did not train on this prompt');
  expect(faults.list).toEqual([]);
});

test('without WebGPU the recording tells the whole story', async ({ page }) => {
  const faults = await watchFaults(page);
  await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'gpu'));
  await open(page);
  await expect(page.locator('#unsupported')).toContainText('navigator.gpu is missing');
  await expect(page.locator('#train-here')).toBeDisabled();
  for (const act of ['1', '2', '3', '4', '5']) {
    await page.keyboard.press(act);
    await expect(page.locator('.acts .now .number')).toHaveText(act);
  }
  await expect(page.locator('.finding-stage')).toContainText('95 % interval');
  await toRoom(page, 'prompts');
  await page.locator('#look-table').click();
  await page.locator('#list button').first().click();
  await expect(page.locator('#answers .epoch').first()).toBeVisible();
  expect(await seriousFaults(page)).toEqual([]);
  expect(faults.list).toEqual([]);
});

test('motion that is not wanted is not there', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.goto('');
  await expect(page.getByRole('button', { name: 'Play the film' })).toBeVisible();
  await expect(page.locator('.acts .now')).toContainText('All prompts');
});

test('a recording that cannot be read is told, and the rest of the page works', async ({
  page,
}) => {
  await page.route('**/replays/quick.json', (route) => route.fulfill({ body: '{"schema": 2}' }));
  await page.goto('');
  await expect(sentence(page)).toContainText(
    'The recorded run cannot be shown: replays/quick.json',
  );
  await toRoom(page, 'data');
  await expect(page.locator('#start')).toBeEnabled();
});
