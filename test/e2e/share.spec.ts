import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, type Page } from 'playwright/test';
import { downloadOf, expectNoSidewaysScroll, seriousFaults, toRoom, watchFaults } from './page.ts';
import { serve } from './static-server.ts';

const root = join(import.meta.dirname, '../..');
const sent = readFileSync(join(root, 'test/support/shared-run.txt'), 'utf8').trim();

const act = (page: Page) => page.locator('.acts .now .number');

test('an address opens the view that it was copied from', async ({ page }) => {
  const faults = await watchFaults(page);
  await page.goto('#/run/recorded?at=3&p=4&cur=6&motion=0');
  await expect(act(page)).toHaveText('3');
  await expect(page.locator('#inspector')).toContainText('key wrong on purpose');
  await expect(page.locator('#share')).toBeVisible();
  await page.keyboard.press('4');
  await expect(act(page)).toHaveText('4');
  await expect(page).toHaveURL(/#\/run\?(?=.*p=4)(?=.*at=4)(?=.*cur=6)(?=.*motion=0)/);
  await toRoom(page, 'compare');
  await page.getByRole('radio', { name: 'own epochs' }).check();
  await expect(page.locator('#compare-curves output')).toHaveText('update 6');
  await expect(page).toHaveURL(/#\/compare\?.*over=epochs/);
  await page.reload();
  await expect(page.getByRole('radio', { name: 'own epochs' })).toBeChecked();
  await expect(page.locator('#compare-curves output')).toHaveText('update 6');

  // An address that somebody goes to is read, also where the page was about to write its own.
  await page.evaluate(() => {
    location.hash = '#/prompts?p=7&motion=0';
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '2', bubbles: true }));
  });
  await expect(page.locator('body')).toHaveAttribute('data-room', 'prompts');
  await expect(page).toHaveURL(/#\/prompts\?(?=.*p=7)/);

  // A run that this browser does not keep is told, and the recording stays.
  await page.goto('#/run/2026-11-30T12-00-00.000Z-0a1b2c3d?motion=0');
  await expect(page.locator('#problem')).toContainText('keeps no finished run 2026-11-30T12');
  await expect(page.locator('.provenance')).toContainText('Recorded');
  expect(page.workers()).toHaveLength(0);
  expect(faults.list).toEqual([]);
});

test('a view is shared: link, frame, figure, numbers, citation', async ({ page, context }) => {
  const faults = await watchFaults(page);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('#/run?at=3&motion=0');
  await page.locator('#share').focus();
  await page.keyboard.press('Enter');
  const panel = page.getByRole('dialog', { name: 'Share this view' });
  await expect(panel).toBeVisible();
  expect(await seriousFaults(page)).toEqual([]);
  await panel.getByRole('button', { name: 'Copy: Link to this view' }).click();
  await expect(panel.getByRole('status')).toHaveText('Copied: Link to this view.');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(
    /^http:\/\/127\.0\.0\.1:\d+\/#\/run\/recorded\?at=3&motion=0$/,
  );
  await expect(panel.getByRole('textbox', { name: 'Code for a page of your own' })).toHaveValue(
    /^<iframe src="http:\/\/127\.0\.0\.1:\d+\/\?embed=matrix&amp;motion=0" title="LIMR Lab: matrix"/,
  );
  const svg = (await downloadOf(page, () => panel.locator('#save-svg').click())).toString();
  expect(svg).toMatch(/^<svg [^]*epoch 5[^]*39 kept by LIM[^]*<\/svg>$/);
  expect(svg).not.toContain('var(');
  const csv = (await downloadOf(page, () => panel.locator('#save-csv').click())).toString();
  const lines = csv.trim().split('\r\n');
  expect(lines).toHaveLength(161);
  expect(lines[0]).toMatch(/^prompt,text,origin,wrong_key,accuracy_epoch_1,.*,score,in_lim/);
  const png = await downloadOf(page, () => panel.locator('#save-png').click());
  expect([...png.subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
  expect(png.length).toBeGreaterThan(2000);
  await panel.getByText('Cite', { exact: true }).click();
  await expect(panel.getByRole('textbox', { name: 'BibTeX' })).toHaveValue(
    /arXiv:2502\.11886[^]*@software\{limrlab/,
  );
  await page.setViewportSize({ width: 320, height: 700 });
  await expectNoSidewaysScroll(page);
  await page.keyboard.press('Escape');
  await expect(panel).toHaveCount(0);

  // Curves are SVG on the page: their file needs no style sheet.
  await page.setViewportSize({ width: 1200, height: 800 });
  await toRoom(page, 'compare');
  await expect(page.locator('#compare-curves .plot')).toBeVisible();
  await page.locator('#share').click();
  const curves = (await downloadOf(page, () => panel.locator('#save-svg').click())).toString();
  expect(curves).not.toMatch(/var\(|class=/);
  expect(curves).toContain('share right');
  const drawn = await downloadOf(page, () => panel.locator('#save-png').click());
  expect(drawn.length).toBeGreaterThan(5000);
  expect(faults.list).toEqual([]);
});

test('numbers ride in a link, marked as shared; what is none is refused', async ({ page }) => {
  const faults = await watchFaults(page);
  await page.goto(`#/share?d=${sent}&motion=0`);
  await expect(page.locator('.provenance')).toContainText('Shared, numbers only');
  await expect(page.locator('.sentence')).toContainText(/^LIM on 39 prompts: 49\.3/);
  await toRoom(page, 'compare');
  await expect(page.locator('#runs-table')).toContainText('Shared, numbers only');
  await expect(page.locator('#finding')).toContainText('5.3 points above FULL');
  await expect(page).toHaveURL(/#\/compare\?.*d=/);
  await page.goto('#/share?d=AAAA');
  await expect(page.locator('#problem')).toContainText('the numbers in the link');
  expect(faults.list).toEqual([]);
});

test('a frame of another page shows a view alone, as high as it is', async ({ page }) => {
  const server = await serve(root);
  try {
    const faults = await watchFaults(page);
    await page.goto(`${server.address}examples/embed.html`);
    const frame = page.frameLocator('iframe');
    await expect(frame.locator('#stage-matrix')).toBeVisible();
    await expect(frame.locator('.credits')).toContainText(/Open in LIMR Lab.*Recorded on \d+ \w+/);
    await expect(frame.locator('#banner')).toBeHidden();
    const height = () => page.locator('iframe').evaluate((one) => one.clientHeight);
    await expect.poll(height).toBeGreaterThan(420);
    expect(page.workers()).toHaveLength(0);
    expect(faults.list).toEqual([]);
  } finally {
    server.close();
  }
});

test('a frame names a view that there is, in a language that there is', async ({ page }) => {
  await page.goto('?embed=attic');
  await expect(page.getByRole('alert')).toContainText("no view 'attic'");
  await page.goto('?embed=spine&lang=%3Cb%3E');
  await expect(page.getByRole('alert')).toContainText("lang is en or de or zh, got '<b>'");
});
