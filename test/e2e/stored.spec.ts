import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test, type Page } from 'playwright/test';
import { downloadOf, ready, seriousFaults, watchFaults } from './page.ts';
import { tinyHash } from './tiny.ts';

const RUN_MS = 300_000;

/** FULL is long enough to be interrupted twice. */
const hash = tinyHash({
  experiment: {
    epochs: 6,
    methods: ['full', 'lim'],
    readouts: [8, 24],
    checkpointEvery: 3,
  },
});

const button = (page: Page, name: RegExp) => page.locator('#stored').getByRole('button', { name });

/** Of PPO: pre-training the base counts its own, `update 7 of 60`. */
const updateOf = async (page: Page): Promise<number> =>
  Number(/update (\d+) ·/.exec((await page.locator('#pace').textContent()) ?? '')?.[1] ?? 0);

const expectUpdateAbove = (page: Page, least: number) =>
  expect.poll(() => updateOf(page), { timeout: RUN_MS, intervals: [50] }).toBeGreaterThan(least);

/** Every file that the page offers, by name. */
async function filesOf(page: Page): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  // They are read one after another once a run is done: what is still to come has no link yet.
  await expect(page.locator('#files .quiet')).toHaveCount(0);
  for (const link of await page.locator('#files a').all()) {
    const name = (await link.textContent()) ?? '';
    files.set(name, await downloadOf(page, () => link.click()));
  }
  return files;
}

/** All that was computed, line by line; how long it took and when is left out. */
const computed = (metrics: Buffer | undefined): unknown[] =>
  String(metrics)
    .trim()
    .split('\n')
    .map((line): unknown =>
      JSON.parse(line, (key, value: unknown) =>
        /_ms$|_per_second$/.test(key) ? undefined : value,
      ),
    );

test('a run survives a reload and a GPU crash bit for bit, and its tab', async ({ page }) => {
  const faults = await watchFaults(page);
  page.on('dialog', (dialog) => void dialog.accept());
  const phase = page.locator('#phase');
  const list = page.locator('#stored-list');

  await page.goto(hash);
  await ready(page);
  await expect(list).toBeHidden();
  await page.locator('#start').click();
  await expect(phase).toHaveText('Done', { timeout: RUN_MS });
  const straight = await filesOf(page);

  await test.step('another tab leaves a run alone', async () => {
    await page.locator('#start').click();
    await expectUpdateAbove(page, 3);
    await page.locator('#pause').click();
    await expect(phase).toContainText('Paused');
    const other = await page.context().newPage();
    await other.goto(hash);
    const first = other.locator('#stored-list li').first();
    await expect(first).toContainText('belongs to another tab');
    await expect(first.getByRole('button')).toHaveCount(0);
    await other.close();
  });

  await test.step('a reload loses what came after the checkpoint alone', async () => {
    await page.reload();
    await ready(page);
    await expect(list.locator('li')).toHaveCount(2);
    await expect(list.locator('li').first()).toContainText(/unfinished, kept at FULL update [369]/);
    expect(await seriousFaults(page)).toEqual([]);
    await button(page, /^Resume run of preset quick, seed 1/).press('Enter');
    await expectUpdateAbove(page, 4);
  });

  await test.step('a GPU crash is told, and what it left goes on', async () => {
    const browser = await page.context().browser()!.newBrowserCDPSession();
    await browser.send('Browser.crashGpuProcess');
    await expect(phase).toHaveText('The GPU was lost');
    await expect(page.locator('#pace')).toContainText('Its last checkpoint is kept');
    await expect(page.locator('#detail')).toContainText("browser's GPU process or the driver");
    await button(page, /^Resume/).click();
    await expect(phase).toHaveText('Done', { timeout: RUN_MS });
  });

  const resumed = await filesOf(page);
  expect([...resumed.keys()]).toEqual([...straight.keys()]);
  expect([...resumed.keys()]).toEqual(
    expect.arrayContaining(['config.json', 'scores.json', 'subsets/lim.json']),
  );
  for (const [name, bytes] of resumed) {
    // Those two tell times too.
    if (name === 'results.json' || name === 'metrics.jsonl') continue;
    expect(bytes.equals(straight.get(name)!), name).toBe(true);
  }
  const updates = computed(resumed.get('metrics.jsonl'));
  expect(updates).toHaveLength(24 + 8);
  expect(updates).toEqual(computed(straight.get('metrics.jsonl')));

  await test.step('the report is the one that limr report writes', async () => {
    await page.reload();
    await ready(page);
    await button(page, /^Open/).first().click();
    await expect(phase).toHaveText('Done');
    await expect(page.locator('#results-body tr')).toHaveCount(3);
    const opened = await filesOf(page);
    expect([...opened.keys()].sort()).toEqual([...resumed.keys()].sort());
    for (const [name, bytes] of opened) expect(bytes.equals(resumed.get(name)!), name).toBe(true);
    await page.locator('#list button').first().click();
    await expect(page.locator('#answers .epoch')).toHaveCount(6);

    const report = await downloadOf(page, () => page.locator('#report').click());
    const folder = test.info().outputPath('run');
    for (const [name, bytes] of opened) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), bytes);
    }
    const limr = spawnSync(process.execPath, ['bin/limr.mjs', 'report', folder]);
    expect(String(limr.stderr)).toContain('report');
    expect(limr.status).toBe(0);
    expect(String(report)).toBe(readFileSync(join(folder, 'report.html'), 'utf8'));
  });

  await button(page, /^Delete/)
    .first()
    .click();
  await expect(list.locator('li')).toHaveCount(1);
  await button(page, /^Delete/).click();
  await expect(page.locator('#stored')).toBeHidden();
  expect(faults.list).toEqual([]);
});

test('says so where the browser keeps no files', async ({ page }) => {
  await page.addInitScript(() => {
    navigator.storage.getDirectory = () =>
      Promise.reject(new DOMException('Storage is off here', 'SecurityError'));
  });
  await page.goto(hash);
  await ready(page);
  const storage = page.locator('#storage');
  await expect(storage).toContainText('Storage is off here');
  await expect(storage).toContainText("in this tab's memory alone");
  await expect(page.locator('#stored')).toBeHidden();
});

test('says so when there is no more room, and starts nothing', async ({ page }) => {
  await page.goto(hash);
  await ready(page);
  const session = await page.context().newCDPSession(page);
  const { origin } = new URL(page.url());
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 16 });
  await page.locator('#start').click();
  await expect(page.locator('#problem')).toContainText('no more room for this page');
  await expect(page.locator('#phase')).toHaveText('Ready');
  await expect(page.locator('#start')).toBeEnabled();
  await session.send('Storage.overrideQuotaForOrigin', { origin });
});
