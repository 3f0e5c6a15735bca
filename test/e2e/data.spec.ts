// The room of data on the recording alone: nothing trains but where a test says so.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { strToU8, unzipSync, zipSync } from 'fflate';
import { expect, test } from 'playwright/test';
import { keepRun } from './kept-run.ts';
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

/** Text that would run or turn something; files may hold no NUL. */
const hostile = '<img src=x onerror="window.attacked=1">\u202egnp\u200b';

const [prompts, epochs, samples] = [30, 4, 4];

/** Samples that are right: a third of the prompts learns, a third never does, a third always did. */
const rightOf = (prompt: number, epoch: number): number =>
  prompt % 3 === 0 ? samples : prompt % 3 === 1 ? 0 : Math.min(samples, epoch + 1);

/** Rollouts as TRL logs them, one file a step; a prompt's text is hostile. */
function writeRollouts(folder: string): void {
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rows = Array.from({ length: prompts * samples }, (_, i) => {
      const prompt = Math.floor(i / samples);
      return JSON.stringify({
        step: epoch,
        prompt: prompt === 2 ? hostile : `${prompt}+${prompt}=`,
        completion: `${2 * prompt}`,
        reward: i % samples < rightOf(prompt, epoch) ? 1 : -0.5,
        advantage: 0,
      });
    });
    const path = join(folder, `completions_${String(epoch).padStart(5, '0')}.jsonl`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${rows.join('\n')}\n`);
  }
}

test('rollouts that are dropped are scored, cut and taken away', async ({ page }) => {
  const faults = await watchFaults(page);
  const folder = test.info().outputPath('rollouts');
  writeRollouts(folder);
  await page.goto('#/run?motion=0');
  await ready(page);
  await drop(page, [folder]);
  const kept = page.locator('#kept-count');
  await expect(kept).toContainText(/^LIM keeps \d+ of 30 prompts/);
  await expect(page.locator('.imports')).toContainText('30 prompts × 4 data epochs');
  await expect(page.locator('.imports')).toContainText('Everything fitted together');
  expect(await seriousFaults(page)).toEqual([]);

  // The slider's number is there at once, and the subset has as many rows.
  await page.locator('#cut-threshold').focus();
  await page.keyboard.press('Home');
  await expect(kept).toContainText('LIM keeps 30 of 30');
  await page.locator('#cut-count').focus();
  await page.keyboard.press('Home');
  for (let i = 0; i < 7; i++) await page.keyboard.press('ArrowRight');
  await expect(kept).toContainText('LIM keeps 7 of 30');
  const scores = JSON.parse(
    String(await downloadOf(page, () => page.locator('#download-scores').click())),
  ) as { prompt: string; score: number; rewards: number[] }[];
  expect(scores).toHaveLength(prompts);
  expect(scores[2].prompt).toBe(hostile);
  expect(scores[5].rewards).toEqual([0.25, 0.5, 0.75, 1]);
  const subset = JSON.parse(
    String(await downloadOf(page, () => page.locator('#download-subset').click())),
  ) as { prompt: string }[];
  expect(subset).toHaveLength(7);
  const highest = [...scores].sort((a, b) => b.score - a.score)[6].score;
  for (const { prompt } of subset) {
    expect(scores.find((row) => row.prompt === prompt)!.score).toBeGreaterThanOrEqual(highest);
  }

  // The tables say what the pictures show, and hostile text is text.
  await page.locator('.tables > summary').click();
  await expect(page.locator('#imported-rows tbody tr')).toHaveCount(20);
  await expect(page.locator('#imported-rows .codepoint').first()).toHaveText('U+202E');
  expect(await page.evaluate(() => 'attacked' in window)).toBe(false);
  expect(await seriousFaults(page)).toEqual([]);
  for (const width of [320, 768]) {
    await page.setViewportSize({ width, height: 800 });
    await expectNoSidewaysScroll(page);
  }
  expect(faults.list).toEqual([]);
});

test("LIMR's released scores give 1,389; a file that is nothing is named", async ({ page }) => {
  const faults = await watchFaults(page);
  const made = test.info().outputPath('scores.json');
  const released = join(import.meta.dirname, '../../../shared/data/limr/scores.json');
  const has = existsSync(released);
  mkdirSync(dirname(made), { recursive: true });
  // Where the release is not at hand: as many scores, as many of them kept.
  writeFileSync(
    made,
    has
      ? readFileSync(released)
      : JSON.stringify(
          Array.from({ length: 7935 }, (_, i) => ({
            prompt: `${i}`,
            score: i < 1389 ? 0.6 : 0.59,
          })),
        ),
  );
  test
    .info()
    .annotations.push({ type: 'data', description: has ? 'released' : 'made, no ../shared' });
  await page.goto('#/data?lang=de');
  await drop(page, [made]);
  await expect(page.locator('#kept-count')).toContainText('LIM behält 1.389 von 7.935 Prompts');
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  expect(await seriousFaults(page)).toEqual([]);

  const bad = test.info().outputPath('nothing.jsonl');
  writeFileSync(bad, '{"colour":"red"}\n');
  await drop(page, [bad]);
  await expect(page.locator('#problem')).toContainText(
    'nothing.jsonl row 1: no known rollout format has the fields colour',
  );
  const cutOff = test.info().outputPath('cut.jsonl');
  writeFileSync(cutOff, '{"prompt":"a","response":"b","reward":1}\n{"prompt":"a","resp');
  await drop(page, [cutOff]);
  await expect(page.locator('.imports .problem').last()).toContainText(/cut\.jsonl line 2/);
  // The way out that the message names is beside it.
  await page.locator('.ways input[type=checkbox]').check();
  await expect(page.locator('#kept-count')).toContainText('von 1 Prompt');
  await tabTo(page, 'download-subset');
  expect(faults.list).toEqual([]);
});

test('a bundle opens in the page and in limr, and comes back as it was', async ({ page }) => {
  const faults = await watchFaults(page);
  await page.goto('#/data?motion=0');
  await ready(page);
  const recorded = await downloadOf(page, () => page.locator('#recorded-bundle').click());
  const path = test.info().outputPath('shared.limr');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, recorded);
  await drop(page, [path]);
  await expect(page.locator('body')).toHaveAttribute('data-room', 'run');
  await expect(page.locator('#phase')).toHaveText('Done');
  await expect(page.locator('.provenance')).not.toContainText('ecorded');
  await expect(page.locator('#try-it')).toContainText('came without the weights');
  await expect(page.locator('#problem')).toBeEmpty();

  await toRoom(page, 'data');
  const again = await downloadOf(page, () => page.locator('#bundle').click());
  expect(again.equals(recorded)).toBe(true);
  const [made, out] = [test.info().outputPath('again.limr'), test.info().outputPath('report.html')];
  writeFileSync(made, again);
  const limr = spawnSync(process.execPath, ['bin/limr.mjs', 'report', made, '--out', out]);
  expect(String(limr.stderr)).toContain('report');
  expect(limr.status).toBe(0);
  const report = await downloadOf(page, () => page.locator('#report').click());
  expect(String(report)).toContain('</html>');

  // One byte of a file in it: nothing of it is shown.
  const broken = Buffer.from(recorded);
  broken[Math.floor(broken.length / 2)] ^= 0xff;
  const bad = test.info().outputPath('broken.limr');
  writeFileSync(bad, broken);
  await drop(page, [bad]);
  await expect(page.locator('#problem')).toContainText('broken.limr');
  await expect(page.locator('#problem')).toContainText(/damaged|zip/);
  expect(await seriousFaults(page)).toEqual([]);
  expect(faults.list).toEqual([]);
});

test('a kept run is freed once its bundle has left the page, with its name and note', async ({
  page,
}) => {
  const faults = await watchFaults(page);
  // The browser's own dialog cannot be pressed here: what it gives is a file all the same.
  await page.addInitScript(() => {
    Object.assign(window, {
      declines: true,
      showSaveFilePicker: async (options: { readonly suggestedName: string }) => {
        if ((window as unknown as { declines: boolean }).declines) {
          throw new DOMException('declined', 'AbortError');
        }
        const root = await navigator.storage.getDirectory();
        return root.getFileHandle(options.suggestedName, { create: true });
      },
    });
  });
  await page.goto('#/data?motion=0');
  await ready(page);
  const recorded = await downloadOf(page, () => page.locator('#recorded-bundle').click());
  const files = { ...unzipSync(recorded) };
  files['given/0'] = strToU8('1+1');
  const title = 'Runs of <i>Mo</i>';
  files['label.json'] = strToU8(JSON.stringify({ title, note: hostile, pinned: true }));
  await keepRun(page, Buffer.from(zipSync(files)), '2026-11-30T10-00-00.000Z-0123abcd');
  const row = page.locator('#stored-list li').first();
  await expect(row).toContainText(title);
  const take = row.getByRole('button', { name: /^Download the bundle of the run/ });

  await take.press('Enter');
  await expect(row).toContainText('No file was saved, so the run stays.');
  await page.evaluate(() => Object.assign(window, { declines: false }));
  await take.press('Enter');
  await expect(row).toContainText('Runs of iMoi.limr is saved');
  await expect(row).toContainText('One file is part of no bundle and goes with the run: given/0');
  expect(await seriousFaults(page)).toEqual([]);
  await page.setViewportSize({ width: 320, height: 800 });
  await expectNoSidewaysScroll(page);
  const saved = await page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const file = await (await root.getFileHandle('Runs of iMoi.limr')).getFile();
    return [...new Uint8Array(await file.arrayBuffer())];
  });
  await row.getByRole('button', { name: 'Keep the run' }).press('Enter');
  await expect(row).toContainText(title);
  await expect(row.getByRole('button', { name: 'Keep the run' })).toHaveCount(0);

  // Where the browser cannot ask, it gets the file, and its user says when it is there.
  await page.evaluate(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));
  const handed = await downloadOf(page, () => take.press('Enter'));
  expect([...handed]).toEqual(saved);
  await expect(row).toContainText('Once you see it among your downloads');
  await row.getByRole('button', { name: /^Free \d/ }).press('Enter');
  await expect(page.locator('#stored-list')).toHaveCount(0);
  expect(
    await page.evaluate(async () => {
      const runs = await (await navigator.storage.getDirectory()).getDirectoryHandle('runs');
      const names: string[] = [];
      for await (const name of (runs as unknown as { keys(): AsyncIterable<string> }).keys()) {
        names.push(name);
      }
      return names;
    }),
  ).toEqual([]);

  // The file opens it again, with its name and note, and text in them is text.
  const path = test.info().outputPath('freed.limr');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, handed);
  await drop(page, [path]);
  await expect(page.locator('#phase')).toHaveText('Done');
  await toRoom(page, 'data');
  const label = page.locator('#run-label');
  await expect(label).toContainText(title);
  await expect(label.locator('.note')).toContainText('U+202E');
  expect(await page.evaluate(() => 'attacked' in window)).toBe(false);
  expect(faults.list).toEqual([]);
});

test('every setting has a field; a link that is not allowed says what to do', async ({ page }) => {
  const faults = await watchFaults(page);
  const wrong = encodeURIComponent(JSON.stringify({ rollout: { samples: 0 } }));
  await page.goto(`#/data?motion=0&preset=standard&config=${wrong}`);
  const banner = page.locator('#bad-link');
  await expect(banner).toContainText('Nothing was started');
  await expect(page.locator('#problem')).toContainText('rollout.samples: must be at least 1');
  await banner.getByRole('button', { name: 'Edit the settings' }).click();
  const samples = page.locator('#setting-rollout-samples');
  await expect(samples).toBeFocused();
  await expect(samples).toHaveAttribute('aria-invalid', 'true');
  await expect(page.locator('#setting-rollout-samples-fault')).toContainText('at least 1');
  await samples.fill('4');
  await samples.press('Enter');
  await expect(page.locator('#problem')).toBeEmpty();
  await expect(page).toHaveURL(/samples%22%3A4/);
  await expect(page.locator('#overrides')).toHaveValue('{"rollout":{"samples":4}}');
  await expect(page.locator('.setting.differs')).toContainText('Preset: 8.');
  expect(await seriousFaults(page)).toEqual([]);
  await page.getByRole('button', { name: 'Reset rollout.samples to the preset' }).click();
  await expect(page.locator('#overrides')).toHaveValue('');

  // Too large: the nearest that fits, and the command.
  await page.locator('#overrides').fill('{"model":{"hiddenSize":1024,"intermediateSize":2048}}');
  await expect(page.locator('#too-large')).toContainText('npx limr run settings.json');
  await page
    .locator('#too-large')
    .getByRole('button', { name: /^Use \d+/ })
    .click();
  await expect(page.locator('#too-large')).toBeHidden();
  await expect(page.locator('#problem')).toBeEmpty();

  await page.goto('#/nowhere');
  await expect(banner).toContainText('for the reason above');
  await banner.getByRole('button', { name: 'Use quick' }).click();
  await expect(page.locator('#problem')).toBeEmpty();
  await expect(page).toHaveURL(/#\/data/);
  await page.setViewportSize({ width: 320, height: 700 });
  await expectNoSidewaysScroll(page);
  expect(faults.list).toEqual([]);
});
