import { expect, test } from 'playwright/test';
import { tones } from '../../src/look/tokens.ts';
import {
  announcements,
  countDevices,
  downloadOf,
  expectNoSidewaysScroll,
  hideTab,
  hostile,
  poisonTexts,
  ready,
  resolvedTones,
  seriousFaults,
  tabTo,
  toRoom,
  watchFaults,
} from './page.ts';
import { tiny, tinyHash } from './tiny.ts';

/** Long enough for a software adapter that compiles everything on a busy machine. */
const RUN_MS = 300_000;

test('a whole experiment by keyboard alone, from the address to its files', async ({ page }) => {
  const faults = await watchFaults(page);
  const devices = await countDevices(page);
  await page.goto(tinyHash({ experiment: { methods: ['full', 'lim', 'rand'] } }));
  await ready(page);
  expect(await seriousFaults(page)).toEqual([]);

  // A seed that is not written is the preset's own, and said.
  await expect(page.locator('#seed')).toHaveAttribute('placeholder', '1');
  await expect(page.locator('#differences')).toContainText('lim.theta: 0.3');

  await tabTo(page, 'start');
  await expect(page.locator('#start')).toHaveCSS('outline-style', 'solid');
  await page.keyboard.press('Enter');
  await expect(page.locator('body')).toHaveAttribute('data-room', 'run');
  await expect(page.locator('#start')).toBeDisabled();
  await expect(page.locator('#preset')).toBeDisabled();
  await expect(page.locator('#detail')).toContainText(/Compiling kernel \d+ of \d+/, {
    timeout: RUN_MS,
  });
  await expect(page.locator('#pace')).toContainText(/left · \d+ tokens\/s/, { timeout: RUN_MS });
  await expect(page.locator('#phase')).toHaveText('Done', { timeout: RUN_MS });
  expect(await page.locator('#progress').evaluate((bar: HTMLProgressElement) => bar.value)).toBe(1);

  await toRoom(page, 'compare');
  const rows = page.locator('#results-body tr');
  await expect(rows).toHaveCount(4);
  for (const name of ['Base', 'FULL', 'LIM', 'RAND']) {
    const row = rows.filter({ has: page.getByRole('rowheader', { name, exact: true }) });
    await expect(row).toContainText(/\d+\.\d %.*\d+\.\d % – \d+\.\d %/);
  }
  const table = await rows.locator('td:nth-child(2)').allTextContents();
  await expect(page.locator('#readout')).toContainText('after 8 updates');
  await expect(page.locator('#finding')).toContainText('At update 8, LIM is');
  await expect(page.locator('.readout').first()).toContainText(/FULL −?\d.*LIM −?\d.*RAND −?\d/);
  await toRoom(page, 'learn');
  await expect(page.locator('#learn')).toContainText(/here \d+ of 64/);
  await toRoom(page, 'prompts');
  await page.locator('#look-curves').click();
  await expect(page.locator('#kept-title')).toHaveText('Kept by LIM');
  await page.locator('#look-heat').click();

  // Beside every chart stand values of one update, FULL's of 16 none of them.
  const whens = page.locator('.chart .when');
  await expect(whens).toHaveText(Array<string>(4).fill('at update 8, the fixed read-out'));
  const held = page.locator('.chart', { hasText: 'Held-out accuracy' }).locator('.readout li');
  expect(await held.locator('span').allTextContents()).toEqual(table);

  await toRoom(page, 'run');
  await tabTo(page, 'cursor');
  for (let presses = 0; presses < 3; presses++) await page.keyboard.press('ArrowLeft');
  await expect(page.locator('#cursor-text')).toHaveText('update 5, FULL’s data epoch 2');
  await expect(page.locator('#cursor')).toHaveAttribute('aria-valuetext', /update 5/);
  // Held-out accuracy was last read at 4.
  await expect(whens).toHaveText(['update 5', 'update 4', 'update 5', 'update 5']);
  for (let presses = 0; presses < 7; presses++) await page.keyboard.press('ArrowRight');
  await expect(whens.first()).toHaveText('update 12');
  await expect(page.locator('.readout').first()).toContainText(/FULL −?\d.*LIM –.*RAND –/);

  await toRoom(page, 'prompts');
  await tabTo(page, 'matrix');
  const matrix = page.locator('#matrix');
  await expect(matrix).toHaveAttribute('aria-valuemax', '64');
  await page.keyboard.press('End');
  await expect(matrix).toHaveAttribute('aria-valuenow', '64');
  await page.keyboard.press('ArrowLeft');
  await expect(matrix).toHaveAttribute('aria-valuenow', '63');
  await expect(matrix).toHaveAttribute('aria-valuetext', /rank 63 of 64, score .*(kept|rejected)/);
  const epochs = page.locator('#answers .epoch');
  await expect(epochs).toHaveCount(tiny.experiment.epochs);
  await expect(epochs.first().getByRole('listitem')).toHaveCount(8);
  // Update 12 is of the third data epoch.
  await expect(page.locator('#answers .pointed')).toHaveAttribute('data-epoch', '2');
  await toRoom(page, 'run');
  await tabTo(page, 'cursor-reset');
  await page.keyboard.press('Enter');
  await expect(page.locator('#cursor')).toBeFocused();
  await toRoom(page, 'prompts');
  await expect(page.locator('#answers .pointed')).toHaveCount(0);
  // The inspector reads the same prompt.
  await expect(page.locator('#inspector')).toContainText(/LIM score −?\d/);

  // The list shows the same prompt as chosen, and chooses another.
  await tabTo(page, 'look-table');
  await page.keyboard.press('Enter');
  await tabTo(page, 'filter');
  for (const place of ['#order', '#search', '.pages .next']) {
    await page.keyboard.press('Tab');
    await expect(page.locator(place)).toBeFocused();
  }
  await page.keyboard.press('Enter');
  await expect(page.locator('.pages .page')).toHaveText('11–20 of 64');
  const [button] = await page.locator('#list button').all();
  await button.focus();
  await page.keyboard.press('Enter');
  await expect(page.locator('#list button[aria-pressed="true"]')).toBeFocused();
  await page.locator('#look-heat').click();
  await expect(matrix).toHaveAttribute('aria-valuenow', '11');

  await toRoom(page, 'data');
  const names = ['results.json', 'scores.json', 'rewards.safetensors', 'metrics.jsonl'];
  const texts = new Map<string, string>();
  for (const name of names) {
    const link = page.getByRole('link', { name, exact: true });
    texts.set(name, (await downloadOf(page, () => link.press('Enter'))).toString('latin1'));
  }
  const results = JSON.parse(texts.get('results.json')!) as { schema: number; seeds: unknown[] };
  expect(results).toMatchObject({ schema: 1, config: { task: { poolPrompts: 64 } } });
  expect(JSON.parse(texts.get('scores.json')!)).toHaveLength(64);
  expect(texts.get('metrics.jsonl')!.trim().split('\n')).toHaveLength(16 + 8 + 8);

  // The worker owns the device: the page has only looked at the adapter.
  expect(await devices()).toBe(0);

  for (const [width, colorScheme] of [
    [1280, 'light'],
    [390, 'dark'],
    [360, 'light'],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 844 });
    for (const room of ['run', 'prompts', 'compare', 'learn', 'data'] as const) {
      await toRoom(page, room);
      await expectNoSidewaysScroll(page);
      // The other rooms have no more in other colours, as the recording's test says.
      if (room === 'run' || width === 390) expect(await seriousFaults(page), room).toEqual([]);
    }
    const names = Object.keys(tones);
    expect(await resolvedTones(page, names)).toEqual(
      names.map((name) => rgbText(tones[name][colorScheme])),
    );
  }

  await page.emulateMedia({ forcedColors: 'active' });
  await expect(page.locator('#progress')).toHaveCSS('border-top-style', 'solid');
  await page.emulateMedia({ forcedColors: 'none' });

  // Pointing at a view moves the others.
  await page.setViewportSize({ width: 1280, height: 844 });
  await toRoom(page, 'prompts');
  await matrix.hover({ position: { x: 600, y: 30 } });
  await expect(whens.first()).toHaveText('update 4');
  await expect(page.locator('#matrix-cell')).toContainText(/^Epoch 1, \d[^_]*=.*: \d\.\d\d$/);
  await page.locator('h1').hover();
  await expect(page.locator('#matrix-cell')).toBeEmpty();
  await page.locator('#look-curves').click();
  await page.locator('#kept').hover();
  await expect(whens.first()).toHaveText(/update (8|12)/);
  await page.locator('h1').hover();
  await expect(whens.first()).toHaveText('at update 8, the fixed read-out');
  expect(faults.list).toEqual([]);
});

/** `#rrggbb` as browsers compute it. */
const rgbText = (hex: string): string =>
  `rgb(${[1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(', ')})`;

test('pause, step, resume, stop; hostile text; a hidden tab', async ({ page }) => {
  const faults = await watchFaults(page);
  const devices = await countDevices(page);
  await poisonTexts(page);
  // Untrained, and every update a whole epoch: each prompt has answers after the first.
  const hash = tinyHash({
    task: { poolPrompts: 16 },
    base: { updates: 0 },
    experiment: { methods: ['full'], epochs: 6, readouts: [6], tableReadout: 6 },
  });
  await page.goto(hash);
  await ready(page);
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const states = async (): Promise<Record<string, boolean>> => {
    const entries = ['start', 'pause', 'step', 'stop'].map(
      async (id) => [id, await page.locator(`#${id}`).isEnabled()] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  };
  expect(await states()).toEqual({ start: true, pause: false, step: false, stop: false });

  const said = await announcements(page);
  await button('Start').click();
  await button('Pause').click({ timeout: RUN_MS });
  await expect(page.locator('#phase')).toContainText('Paused.', { timeout: RUN_MS });
  expect(await states()).toEqual({ start: false, pause: true, step: true, stop: true });
  await expect(button('Resume')).toBeVisible();

  // One step is one update; what was under way when Pause was pressed came before `Paused`.
  const update = async (): Promise<number> =>
    Number(/update (\d+) ·/.exec((await page.locator('#pace').textContent()) ?? '')?.[1] ?? 0);
  const step = async (): Promise<number> => {
    const before = await update();
    await button('Step').click();
    await expect.poll(update, { timeout: RUN_MS }).toBe(before + 1);
    await expect(page.locator('#phase')).toContainText('Paused.', { timeout: RUN_MS });
    await expect(button('Step')).toBeEnabled();
    return update();
  };
  // The base comes first: what was paused may have been before its end.
  const before = await step();
  expect(await step()).toBe(before + 1);
  // While it pauses the run may come to its next phase, which is told too.
  const words = (await said()).flatMap((text) => /^(?:Pausing|Paused|Stepping)/.exec(text) ?? []);
  expect(words.filter((word, i) => word !== words[i - 1])).toEqual([
    'Pausing',
    'Paused',
    'Stepping',
    'Paused',
    'Stepping',
    'Paused',
  ]);

  // Prompts and answers are text, with what cannot be seen spelled out.
  await toRoom(page, 'prompts');
  await page.locator('#look-table').click();
  await page.locator('#list button').first().click();
  const answer = page.locator('#answers li').first();
  await expect(answer).toContainText('<img src=x onerror="window.attacked=1">');
  await expect(answer.locator('.codepoint')).toHaveText(['U+202E', 'U+0000', 'U+200B']);
  await expect(page.locator('#list button').first()).toContainText('<img src=x');
  await page.locator('#look-heat').click();
  await expect(page.locator('#matrix')).toHaveAttribute('aria-valuetext', /\[U\+202E\]/);
  // The landscape comes from the worker that trains: the page itself asks for no device.
  await page.locator('#look-land').click();
  await expect(page.locator('.land-mark.chosen')).toContainText('[U+202E]');
  await expect(page.locator('#land-hint')).toContainText('the trainer’s own buffers.');
  const drawn = await page.locator('#landscape').screenshot();
  await page.locator('#landscape').press('+');
  await expect
    .poll(async () => (await page.locator('#landscape').screenshot()).equals(drawn))
    .toBe(false);
  expect(await devices()).toBe(0);

  // Lessons take the numbers of the run under way, and give them back.
  const source = page.locator('.lesson-source');
  const own = page.locator('#own-numbers');
  const updateNow = await update();
  for (const lesson of ['clip', 'credit', 'sampling']) {
    await page.evaluate((to) => void (location.hash = to), `#/learn/${lesson}`);
    await expect(page.locator('.lesson')).toHaveAttribute('data-lesson', lesson);
    if (lesson !== 'credit') {
      await expect(source).toContainText('Recorded on');
      await own.press('Enter');
    }
    // Clip and credit are of the same rollout.
    await expect(source).toContainText(
      `Numbers of the run under way, at update ${updateNow} of FULL.`,
    );
    await expect(source).not.toContainText('Recorded on');
    await expect(page.locator('.lesson-widget')).toContainText(lesson === 'clip' ? 'of ' : '<img');
  }
  expect(await seriousFaults(page)).toEqual([]);
  await page.getByRole('button', { name: 'Take the recorded ones' }).press('Enter');
  await expect(source).toContainText('Recorded on');

  expect(await page.locator('main img').count()).toBe(0);
  expect(await page.locator('body').innerHTML()).not.toContain('\u202e');
  expect(await page.evaluate(() => 'attacked' in window)).toBe(false);
  expect(hostile).toContain('\u202e');

  await toRoom(page, 'run');
  await button('Stop').click();
  await expect(page.locator('#phase')).toHaveText('Stopped', { timeout: RUN_MS });
  expect(await states()).toEqual({ start: true, pause: false, step: false, stop: false });

  // Again, and nobody looks: events are counted without a frame being drawn.
  await toRoom(page, 'data');
  await button('Start').click();
  await expect(button('Stop')).toBeEnabled({ timeout: RUN_MS });
  const show = await hideTab(page);
  await expect(page.locator('#announcer')).toHaveText('Done', { timeout: RUN_MS });
  await expect(page.locator('#phase')).not.toHaveText('Done');
  await show();
  await expect(page.locator('#phase')).toHaveText('Done');
  await toRoom(page, 'compare');
  await expect(page.locator('#results-body')).toContainText(/\d+\.\d %/);
  expect(faults.list).toEqual([]);
});

test('a link is checked and shown, and starts nothing', async ({ page }) => {
  const faults = await watchFaults(page);
  await page.goto(tinyHash());
  await ready(page);
  await expect(page.locator('#differences')).toContainText('task.modulus: 3 instead of 10');
  await expect(page.locator('#plan')).toContainText('PPO on 64 arithmetic prompts for 4 epochs');
  await expect(page.locator('#phase')).toHaveText('Ready');
  const memory = page.locator('#memory');
  await expect(memory).toHaveText(/^About \d+(\.\d)? [KM]iB of GPU memory/);
  expect(page.workers()).toHaveLength(0);

  // From one link to the next, as a user would: only the hash changes.
  const problem = page.locator('#problem');
  const open = async (hash: string) => {
    await page.evaluate((to) => void (location.hash = to), hash);
  };
  const config = (value: unknown) => `#config=${encodeURIComponent(JSON.stringify(value))}`;
  await open(config({ rollout: { samples: 0 } }));
  await expect(problem).toContainText('rollout.samples');
  await expect(page.locator('#start')).toBeDisabled();
  await expect(memory).toBeEmpty();
  await open(config({ model: { layers: 64, hiddenSize: 4096 } }));
  await expect(problem).toContainText('a tab takes at most');
  await open('#config=<b>nonsense');
  await expect(problem).toContainText('settings:');
  await expect(page.locator('main b')).toHaveCount(0);
  await open('#autostart=1');
  await expect(problem).toContainText("no setting 'autostart'");
  await open(`#config=${'x'.repeat(9000)}`);
  await expect(problem).toContainText('at most 8192 characters');
  await open('#preset=quick&seed=7');
  await expect(problem).toBeEmpty();
  await expect(page.locator('#start')).toBeEnabled();
  await expect(page.locator('#seed')).toHaveValue('7');

  const mebibytes = async () =>
    Number(/^About (\d+) MiB of/.exec((await memory.textContent()) ?? '')?.[1] ?? 0);
  await expect.poll(mebibytes).toBeGreaterThan(0);
  const quick = await mebibytes();
  await page.locator('#preset').selectOption('standard');
  await expect.poll(mebibytes).toBeGreaterThan(quick);
  await expect(page.locator('#start')).toBeEnabled();
  expect(faults.list).toEqual([]);
});

test('refuses what does not fit the adapter before anything starts', async ({ page }) => {
  await page.addInitScript(() => {
    const name: keyof GPUSupportedLimits = 'maxStorageBufferBindingSize';
    Object.defineProperty(GPUSupportedLimits.prototype, name, { get: () => 2 ** 20 });
  });
  await page.goto('');
  const memory = page.locator('#memory');
  await expect(memory).toHaveText(/too small: .* needs \d+ bytes in one binding, .* has 1048576/);
  await expect(page.locator('#start')).toBeDisabled();
  await expect(page.locator('#adapter')).toContainText('1 MiB');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await seriousFaults(page)).toEqual([]);
  }
  await page.goto(tinyHash());
  await ready(page);
  await expect(memory).toHaveText(/^About/);
});

test('says why it cannot train without WebGPU, and what to do', async ({ page }) => {
  await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'gpu'));
  await page.goto('');
  const notice = page.locator('#unsupported');
  await expect(notice).toBeVisible();
  await expect(notice).toContainText('navigator.gpu is missing');
  await expect(page.locator('#phase')).toHaveText('No GPU here: it cannot train');
  await notice.getByText('What to do').click();
  await expect(notice.getByRole('listitem').first()).toContainText('Chrome or Edge');
  await expect(page.locator('#start')).toBeDisabled();
  expect(await seriousFaults(page)).toEqual([]);
});

test('says so when WebGPU has no adapter', async ({ page }) => {
  await page.addInitScript(() => {
    GPU.prototype.requestAdapter = () => Promise.resolve(null);
  });
  await page.goto('');
  await expect(page.locator('#unsupported')).toContainText('offers no adapter');
  await expect(page.locator('#unsupported')).toContainText('hardware acceleration');
  // There is no terminal here to ask in.
  await expect(page.locator('#unsupported')).not.toContainText('limr doctor');
  await expect(page.locator('#phase')).toHaveText('No GPU here: it cannot train');
});
