import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { chromium, expect, test, type Page } from 'playwright/test';
import { chromiumArguments, findChromium } from '../../scripts/chromium.mjs';
import { tones } from '../../src/look/tokens.ts';
import { downloadOf, ready, resolvedTones, seriousFaults, toRoom, watchFaults } from './page.ts';
import { tinyHash } from './tiny.ts';

const RUN_MS = 300_000;

/** The phase of a run for which the browser has no device. */
const gone = 'The browser gives no GPU';

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
  await toRoom(page, 'data');
  // They are read one after another once a run is done: what is still to come has no link yet.
  await expect(page.locator('#files .quiet')).toHaveCount(0);
  for (const link of await page.locator('#files a').all()) {
    const name = (await link.textContent()) ?? '';
    files.set(name, await downloadOf(page, () => link.click()));
  }
  return files;
}

/** Writes a warning into the results of each stored run, the same number into all. */
const warnEach = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const runs = await root.getDirectoryHandle('runs');
    const names: string[] = [];
    for await (const name of (runs as unknown as { keys(): AsyncIterable<string> }).keys()) {
      const folder = await runs.getDirectoryHandle(name);
      const file = await folder.getFileHandle('results.json');
      const results = JSON.parse(await (await file.getFile()).text()) as object;
      const writable = await file.createWritable();
      await writable.write(JSON.stringify({ ...results, warnings: [`of ${name}`] }));
      await writable.close();
      names.push(name);
    }
    return names.sort().reverse();
  });

/** What an element says from now on that begins so, each time that it says something else. */
async function linesOf(
  page: Page,
  selector: string,
  beginning: string,
): Promise<() => Promise<string[]>> {
  const seen = await page.evaluateHandle(
    ([wanted, start]) => {
      const element = document.querySelector(wanted);
      const lines: string[] = [];
      const note = (): void => {
        const text = element?.textContent ?? '';
        if (text.startsWith(start) && lines.at(-1) !== text) lines.push(text);
      };
      if (element) {
        const how = { childList: true, characterData: true, subtree: true };
        new MutationObserver(note).observe(element, how);
      }
      return lines;
    },
    [selector, beginning] as const,
  );
  return () => seen.jsonValue();
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
    await expect(list.locator('li').first()).toContainText(
      /unfinished, kept at FULL update (3|6|9|12|15|18|21) /,
    );
    expect(await seriousFaults(page)).toEqual([]);
    await button(page, /^Resume run of preset quick, seed 1/).press('Enter');
    await expectUpdateAbove(page, 4);
  });

  await test.step('a run goes on by itself after a GPU crash', async () => {
    const browser = await page.context().browser()!.newBrowserCDPSession();
    await browser.send('Browser.crashGpuProcess');
    await expect(phase).toHaveText('The GPU was lost');
    await expect(page.locator('#pace')).toHaveText(
      'Opening a device again in 1 s (1 of 5 within an hour)',
    );
    await expect(page.locator('#detail')).toContainText('device lost: ');
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
    await toRoom(page, 'compare');
    await expect(page.locator('#results-body tr')).toHaveCount(3);
    const opened = await filesOf(page);
    expect([...opened.keys()].sort()).toEqual([...resumed.keys()].sort());
    for (const [name, bytes] of opened) expect(bytes.equals(resumed.get(name)!), name).toBe(true);
    await toRoom(page, 'prompts');
    await page.locator('#look-table').click();
    await page.locator('#list button').first().click();
    await expect(page.locator('#answers .epoch')).toHaveCount(6);

    // Every key came back, those of prompts that nothing selected too; a wrong one is said to be.
    const title = page.locator('#answers .prompt-title');
    const scores = JSON.parse(String(opened.get('scores.json'))) as {
      readonly prompt: string;
      readonly key: string;
      readonly truth?: string;
    }[];
    for (const filter of ['rejected', 'wrong']) {
      await page.locator('#filter').selectOption(filter);
      const chosen = page.locator('#list button').first();
      if ((await chosen.count()) === 0) continue;
      await chosen.click();
      const text = (await chosen.textContent()) ?? '';
      const { key, truth } = scores.find(({ prompt }) => prompt.replace(/_+=$/, '=') === text)!;
      await expect(title).toContainText(`${text} key ${key}`);
      if (filter === 'wrong') await expect(title).toContainText(`the truth is ${truth}`);
    }
    await expect(title).toContainText('key wrong on purpose');
    await expect(page.locator('#answers li.right')).toHaveCount(0);
    await expect(page.locator('#answers .hint')).toContainText('⚠ matches the wrong key, 1');

    await toRoom(page, 'data');
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

    // What is handed out has the colours of the page.
    const names = Object.keys(tones);
    const handout = await page.context().newPage();
    await handout.setContent(String(report));
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const one of [page, handout]) await one.emulateMedia({ colorScheme });
      expect(await resolvedTones(handout, names)).toEqual(await resolvedTones(page, names));
    }
    const strokes = (of: Page, place: string): Promise<string[]> =>
      of
        .locator(`${place} path[stroke-width]`)
        .evaluateAll((paths) => paths.map((path) => getComputedStyle(path).stroke));
    expect(await strokes(handout, '#curves .legend')).toEqual(
      (await strokes(page, '#methods-legend')).slice(0, 3),
    );
    await handout.close();
  });

  await test.step('a run shows its own warnings, not those of the one before', async () => {
    const names = await warnEach(page);
    expect(names).toHaveLength(2);
    for (const [i, name] of names.entries()) {
      // Anew, and not at an address that names a run: it would be opened.
      await page.goto('about:blank');
      await page.goto('#/data');
      await ready(page);
      await button(page, /^Open/)
        .nth(1 - i)
        .click();
      await expect(page.locator('body')).toHaveAttribute('data-room', 'run');
      await toRoom(page, 'compare');
      await expect(page.locator('#warnings li')).toHaveText([`of ${names[1 - i]}`]);
      await toRoom(page, 'data');
      // Without a reload between: as many warnings, other ones.
      await button(page, /^Open/).nth(i).click();
      await expect(page.locator('body')).toHaveAttribute('data-room', 'run');
      await toRoom(page, 'compare');
      await expect(page.locator('#warnings li')).toHaveText([`of ${name}`]);
    }
  });

  await toRoom(page, 'data');
  await button(page, /^Delete/)
    .first()
    .click();
  await expect(list.locator('li')).toHaveCount(1);
  await button(page, /^Delete/).click();
  await expect(page.locator('#stored')).toBeHidden();
  expect(faults.list).toEqual([]);
});

test('a browser that gives no GPU any more is to be restarted, and the run goes on then', async () => {
  // A browser of its own: what is left of this one trains nothing.
  const executablePath = findChromium();
  const browser = await chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: chromiumArguments,
  });
  try {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(new URL(hash, test.info().project.use.baseURL).href);
    await ready(page);
    const told = await linesOf(page, '#pace', 'Opening a device again');
    await page.locator('#start').click();
    await expectUpdateAbove(page, 3);
    const session = await browser.newBrowserCDPSession();
    const phase = page.locator('#phase');
    // Chromium gives up on GPU processes after a few crashes: each on which the run goes on crashes.
    await expect(async () => {
      const now = await phase.textContent();
      if (now !== 'The GPU was lost' && now !== gone) await session.send('Browser.crashGpuProcess');
      expect(now).toBe(gone);
    }).toPass({ timeout: RUN_MS, intervals: [500] });
    expect(await told()).toEqual(
      [1, 2, 4, 8, 16].map(
        (seconds, i) => `Opening a device again in ${seconds} s (${i + 1} of 5 within an hour)`,
      ),
    );
    await expect(page.locator('#detail')).toContainText(
      'no device is opened again; the last good checkpoint is checkpoints/seed-0-full-',
    );
    await expect(page.locator('#pace')).toContainText('restart the browser');
    await expect(page.locator('#pace')).toContainText('Resume then goes on from there');
    await expect(page.locator('#unsupported')).toContainText('restart the browser');
    await toRoom(page, 'data');
    await expect(button(page, /^Resume/)).toBeDisabled();
    expect(await seriousFaults(page)).toEqual([]);
  } finally {
    await browser.close();
  }
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
