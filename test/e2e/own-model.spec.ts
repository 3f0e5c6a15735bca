import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, type Page } from 'playwright/test';
import { expectNoSidewaysScroll, seriousFaults, tabTo, toRoom, watchFaults } from './page.ts';

/** Long enough for a software adapter that compiles everything on a busy machine. */
const RUN_MS = 300_000;

const root = join(import.meta.dirname, '../..');
const stories = join(root, '../shared/models/stories260K');
/** The small fixture stands in where the model is not at hand. */
const model = existsSync(stories) ? stories : join(root, 'test/fixtures/models/qwen2-tied');
const modelName = model.split('/').at(-1)!;

const settings = {
  task: { template: 'none', lastBatch: 'short' },
  rollout: { samples: 2 },
  lim: { signal: 'reward', theta: -1e6 },
  experiment: { epochs: 1, armLength: 1, readouts: [1], tableReadout: 1, checkpointEvery: 1 },
};

const hashOf = (epochs: number): string => {
  const readouts = [epochs];
  const experiment = { ...settings.experiment, epochs, armLength: epochs, readouts };
  const config = { ...settings, experiment: { ...experiment, tableReadout: epochs } };
  return `#${new URLSearchParams({ preset: 'pretrained', config: JSON.stringify(config) })}`;
};

const texts = ['Once upon a time', 'The dog', 'A red ball', 'She was'];
const lines = (rows: readonly object[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('');

let folder = '';
test.beforeEach(({}, info) => {
  folder = info.outputPath('chosen');
  mkdirSync(folder, { recursive: true });
  const rows = texts.map((prompt) => ({ prompt, answer: 'x' }));
  writeFileSync(join(folder, 'prompts.jsonl'), lines(rows));
});

/** Drops files and folders of this machine on the page. */
async function drop(page: Page, paths: readonly string[]): Promise<void> {
  // While a run is being opened, the page takes no files.
  await expect(page.locator('#pretrained')).toBeEnabled();
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [...paths], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: 300, y: 200, data });
  }
  await session.detach();
}

async function open(page: Page, hash: string): Promise<void> {
  await page.goto(hash);
  await expect(page.locator('#phase')).toHaveText('Ready');
}

/** Few tokens, so that a software adapter takes seconds. */
async function fillTokens(page: Page): Promise<void> {
  await page.getByLabel('Tokens of a prompt').fill('24');
  await page.getByLabel('Tokens of a response').fill('4');
  await page.getByLabel('LoRA rank').fill('4');
  await page.getByLabel('Verifier').selectOption('exact');
}

test('a dropped model and prompts train in the tab, and go on after a reload', async ({ page }) => {
  const faults = await watchFaults(page);
  page.on('dialog', (dialog) => void dialog.accept());
  const phase = page.locator('#phase');
  await open(page, '');
  await expect(page.locator('#pretrained')).toBeHidden();

  await test.step('what is dropped is looked at, and its memory told', async () => {
    await drop(page, [model, join(folder, 'prompts.jsonl')]);
    await expect(page.locator('#preset')).toHaveValue('pretrained');
    await expect(page.locator('#model-name')).toContainText(
      new RegExp(`^${modelName} · .* weights, .*iB, \\d+ positions$`),
    );
    await expect(page.locator('#prompts-name')).toHaveText('prompts.jsonl · 4 rows');
    await page.evaluate((to) => void (location.hash = to), hashOf(1));
    await fillTokens(page);
    await expect(page.locator('#memory')).toHaveText(
      /^GPU memory: \d+\.\d+ MiB of 3\.50 GiB; rows that decode together: 8, .*\.$/,
    );
    await page.getByLabel('GPU memory, GiB').fill('0.001');
    await expect(page.locator('#memory')).toContainText('training needs');
    await expect(page.locator('#start')).toBeDisabled();
    await page.getByLabel('GPU memory, GiB').fill('3.5');
    await expect(page.locator('#plan')).toContainText('4 prompts for 1 epoch (1 update of');
    await expect(page.locator('#start')).toBeEnabled();
    await toRoom(page, 'learn');
    await expect(page.locator('#about')).toContainText(
      'Reinforcement learning (GRPO) samples several responses to each, your verifier pays',
    );
    await expect(page.locator('#about')).not.toContainText('arithmetic', { useInnerText: true });
    await toRoom(page, 'data');
    expect(await seriousFaults(page)).toEqual([]);
  });

  await test.step('one epoch by the keyboard: rewards, curves and responses', async () => {
    await tabTo(page, 'start');
    await page.keyboard.press('Enter');
    await expect(page.locator('#rank')).toBeDisabled();
    await expect(phase).toHaveText('Done', { timeout: RUN_MS });
    await expect(page.locator('.readout').first()).toContainText(/FULL −?\d/);
    await toRoom(page, 'prompts');
    await page.locator('#look-table').click();
    await expect(page.locator('.pages .page')).toHaveText('1–4 of 4');
    await page.locator('#list button').first().click();
    await expect(page.locator('#answers .epoch').first().getByRole('listitem')).toHaveCount(2);
    await toRoom(page, 'compare');
    await expect(page.locator('#readout')).toContainText('no held-out tiers');
    await toRoom(page, 'data');
    await expect(
      page.getByRole('link', { name: 'adapter/adapter_model.safetensors' }),
    ).toBeVisible();
    await expectNoSidewaysScroll(page);
  });

  await test.step('all its weights are trained where that is asked for', async () => {
    await page.locator('#trained').selectOption('full');
    await expect(page.getByLabel('LoRA rank')).toBeDisabled();
    await expect(page.getByLabel('Base stored in')).toHaveValue('f32');
    await expect(page.locator('#plan')).toContainText('with all its weights in training; GRPO');
    await page.locator('#start').click();
    await expect(page.locator('body')).toHaveAttribute('data-room', 'run');
    await toRoom(page, 'data');
    await expect(page.getByRole('link', { name: 'model/model.safetensors' })).toBeVisible({
      timeout: RUN_MS,
    });
    await expect(phase).toHaveText('Done');
    await page.locator('#trained').selectOption('lora');
    await expect(page.getByLabel('Base stored in')).toHaveValue('f16');
  });

  await test.step('a kept model is there after a reload, and the run goes on', async () => {
    await page.getByRole('button', { name: 'Keep in this browser' }).click();
    await expect(page.locator('#kept-models-list li')).toContainText(modelName);
    await page.evaluate((to) => void (location.hash = to), hashOf(40));
    await page.locator('#start').click();
    const updates = async () =>
      Number(/update (\d+) ·/.exec((await page.locator('#pace').textContent()) ?? '')?.[1] ?? 0);
    await expect.poll(updates, { timeout: RUN_MS, intervals: [50] }).toBeGreaterThan(2);
    await page.reload();
    await expect(phase).toHaveText('Ready');
    await toRoom(page, 'data');
    await page.getByRole('button', { name: /^Resume run of/ }).click();
    await expect.poll(updates, { timeout: RUN_MS, intervals: [50] }).toBeGreaterThan(3);
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await expect(phase).toHaveText('Stopped', { timeout: RUN_MS });
  });

  await test.step('without its model a run asks for it, and refuses another', async () => {
    await toRoom(page, 'data');
    await page.getByRole('button', { name: `Remove the kept model ${modelName}` }).click();
    await expect(page.locator('#kept-models')).toBeHidden();
    await page.reload();
    await expect(phase).toHaveText('Ready');
    await toRoom(page, 'data');
    const resume = page.getByRole('button', { name: /^Resume run of/ });
    await resume.click();
    await expect(page.locator('#problem')).toContainText(
      `This run began with the model ${modelName}, which this browser does not keep`,
    );
    const other = join(folder, modelName);
    cpSync(model, other, { recursive: true });
    writeFileSync(join(other, 'tokenizer_config.json'), '{ "bos_token": null }');
    await drop(page, [other]);
    await expect(page.locator('#model-name')).toContainText(modelName);
    await resume.click();
    await expect(page.locator('#detail')).toContainText('has changed since the run began');
    await drop(page, [model]);
    await expect(page.locator('#model-name')).toContainText(modelName);
    await toRoom(page, 'data');
    await resume.click();
    await expect(page.locator('#pace')).toContainText('tokens/s', { timeout: RUN_MS });
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await expect(phase).toHaveText('Stopped', { timeout: RUN_MS });
  });
  expect(faults.list).toEqual([]);
});

/** Judges every response alike, if it runs in a frame of opaque origin. */
const judging = (reward: number): string =>
  `export default (prompt, answer, response, { finished }) => ({
    reward: self.origin === 'null' ? ${reward} : -1, correct: finished, formatted: true, extracted: null,
  });`;

test('a verifier module judges in a frame, and never comes by itself', async ({ page }) => {
  const faults = await watchFaults(page);
  page.on('dialog', (dialog) => void dialog.accept());
  const [phase, start] = [page.locator('#phase'), page.locator('#start')];
  const [chosen, told] = [page.locator('#module-name'), page.locator('#module-problem')];
  const mine = join(folder, 'mine.js');
  writeFileSync(mine, judging(0.75));
  await open(page, hashOf(1));

  await test.step('what is typed while a model is looked at stays, and too much is told', async () => {
    const [prompt, response] = ['Tokens of a prompt', 'Tokens of a response'] as const;
    await page.getByLabel(prompt).fill('24');
    await page.getByLabel(response).focus();
    await drop(page, [model, join(folder, 'prompts.jsonl')]);
    await expect(page.locator('#prompts-name')).toContainText('4 rows');
    await expect(page.getByLabel(prompt)).toHaveValue('24');
    await expect(page.getByLabel(response)).toHaveValue('1024');
    await expect(page.locator('#problem')).toContainText(
      '24 tokens of a prompt and 1024 of a response are more than the',
    );
    await expect(start).toBeDisabled();
    await fillTokens(page);
    await expect(start).toBeEnabled();
  });

  await test.step('what is wrong with it is told beside it, before a start', async () => {
    await page.getByLabel('Verifier').selectOption('module');
    await expect(page.locator('#plan')).toHaveText('Choose a verifier module.');
    await expect(start).toBeDisabled();
    const code = page.getByLabel('Or paste its code');
    const use = page.getByRole('button', { name: 'Use this code' });
    await code.fill('export default (');
    await use.click();
    await expect(told).toContainText('pasted.mjs: it cannot be loaded: SyntaxError');
    await code.fill('export const judge = () => 1;');
    await use.click();
    await expect(told).toContainText('pasted.mjs: it cannot be loaded: Error: it has no default');
    await expect(start).toBeDisabled();
    expect(await seriousFaults(page)).toEqual([]);
    await code.fill(judging(0.5));
    await expect(start).toBeDisabled();
    await use.click();
    await expect(chosen).toContainText('pasted.mjs · ');
    await expect(told).toBeEmpty();
    await expect(start).toBeEnabled();
    await code.press('End');
    await code.press('Space');
    await expect(start).toBeDisabled();
    await expectNoSidewaysScroll(page);
  });

  await test.step('one that is dropped judges a run, in frames that end with it', async () => {
    await drop(page, [mine]);
    await expect(chosen).toContainText('mine.js · ');
    await expect(page.locator('iframe')).toHaveCount(0);
    await start.click();
    await expect(phase).toHaveText('Done', { timeout: RUN_MS });
    await expect(page.locator('.readout').first()).toContainText('FULL 0.75');
    await expect(page.locator('iframe')).toHaveCount(0);
  });

  await test.step('a link that names it leaves it to be chosen', async () => {
    const config = { ...settings, task: { ...settings.task, verifier: 'mine.js' } };
    const link = new URLSearchParams({ preset: 'pretrained', config: JSON.stringify(config) });
    await page.evaluate((to) => void (location.hash = to), `#${link}`);
    await expect(chosen).toContainText('The link names the module mine.js, but code never comes');
    await expect(page.getByLabel('Verifier')).toHaveValue('module');
    await expect(page.locator('#plan')).toHaveText('Choose a verifier module.');
    await expect(start).toBeDisabled();
    expect(new URL(page.url()).hash).not.toContain('mine.js');
    expect(new URL(page.url()).hash).toContain('lastBatch');
  });

  await test.step('a run asks for the same module again after a reload', async () => {
    await page.evaluate((to) => void (location.hash = to), hashOf(200));
    await drop(page, [mine]);
    await expect(chosen).toContainText('mine.js · ');
    await start.click();
    const updates = async () =>
      Number(/update (\d+) ·/.exec((await page.locator('#pace').textContent()) ?? '')?.[1] ?? 0);
    await expect.poll(updates, { timeout: RUN_MS, intervals: [50] }).toBeGreaterThan(2);
    const kept = await storedNames(page);
    expect(kept).toContain('given/0');
    expect(kept).not.toContain('given/1');
    await page.reload();
    await expect(phase).toHaveText('Ready');
    await toRoom(page, 'data');
    await drop(page, [model]);
    await expect(page.locator('#model-name')).toContainText(modelName);
    const resume = page.getByRole('button', { name: /^Resume run of/ });
    await resume.click();
    const problem = page.locator('#problem');
    await expect(problem).toContainText(
      /^This run began with the module mine\.js \(SHA-256 \w+…\)/,
    );
    await expect(problem).toContainText('never starts by itself: choose the module again');
    await expect(page.getByLabel('Verifier')).toHaveValue('module');
    await expect(page.locator('iframe')).toHaveCount(0);
    writeFileSync(mine, judging(0.25));
    await drop(page, [mine]);
    await expect(chosen).toContainText('mine.js · ');
    await resume.click();
    await expect(problem).toContainText('is not: choose the same module');
    writeFileSync(mine, judging(0.75));
    await drop(page, [mine]);
    await expect(problem).toBeEmpty();
    await resume.click();
    await expect(page.locator('#pace')).toContainText('tokens/s', { timeout: RUN_MS });
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await expect(phase).toHaveText('Stopped', { timeout: RUN_MS });
  });
  expect(faults.list).toEqual([]);
});

/** The files of runs that the browser keeps, by their paths in the run's folder. */
const storedNames = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const found: string[] = [];
    const walk = async (folder: FileSystemDirectoryHandle, path: string): Promise<void> => {
      const entries = folder as unknown as { values(): AsyncIterableIterator<FileSystemHandle> };
      for await (const entry of entries.values()) {
        const name = `${path}${entry.name}`;
        if (entry.kind === 'file') found.push(name.split('/').slice(-2).join('/'));
        else await walk(entry as FileSystemDirectoryHandle, `${name}/`);
      }
    };
    await walk(await navigator.storage.getDirectory(), '');
    return found;
  });

test('reading is told and ends when it is stopped', async ({ page }) => {
  // As from a slow disk: every piece of a file waits until the test lets it through.
  await page.route('**/trainer.worker*.js', async (route) => {
    const script = await (await route.fetch()).text();
    const slow = `
      const real = Blob.prototype.arrayBuffer;
      Blob.prototype.arrayBuffer = async function () {
        if (this.size > 100_000) await new Promise((resolve) => setTimeout(resolve, 3000));
        return real.call(this);
      };\n`;
    await route.fulfill({ contentType: 'text/javascript', body: slow + script });
  });
  await open(page, hashOf(1));
  await drop(page, [model, join(folder, 'prompts.jsonl')]);
  await fillTokens(page);
  await page.locator('#start').click();
  await expect(page.locator('#phase')).toHaveText('Checking the files');
  await expect(page.locator('#pace')).toHaveText(/^\d.* of \d.*iB$/);
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await expect(page.locator('#phase')).toHaveText('Stopped');
  await expect(page.locator('#start')).toBeEnabled();
  await expect(page.locator('#problem')).toBeEmpty();
});

test('a wrong file is told beside its place, with file and row', async ({ page }) => {
  await open(page, hashOf(1));
  await drop(page, [model]);
  await expect(page.locator('#model-name')).toContainText(modelName);
  writeFileSync(join(folder, 'bad.jsonl'), lines([{ prompt: 'a', answer: 'b' }, { answer: 'c' }]));
  await drop(page, [join(folder, 'bad.jsonl')]);
  await expect(page.locator('#prompts-problem')).toContainText(/^bad\.jsonl.*2.*: no field prompt/);
  writeFileSync(join(folder, 'bad.jsonl'), lines([{ prompt: 'a', answer: 'b' }, { prompt: 'c' }]));
  await drop(page, [join(folder, 'bad.jsonl')]);
  await expect(page.locator('#prompts-problem')).toContainText(
    /^bad\.jsonl.*2.*: no text in answer/,
  );
  await expect(page.locator('#start')).toBeDisabled();
  await expect(page.locator('#plan')).toHaveText('Choose a file of prompts.');

  const broken = join(folder, 'broken');
  cpSync(model, broken, { recursive: true });
  rmSync(join(broken, 'model.safetensors'), { force: true });
  await drop(page, [broken]);
  await expect(page.locator('#model-problem')).toContainText(
    'broken: neither model.safetensors nor',
  );
  writeFileSync(join(broken, 'model.safetensors'), 'no weights');
  await drop(page, [broken]);
  await expect(page.locator('#model-problem')).toContainText('broken/model.safetensors');
  expect(await seriousFaults(page)).toEqual([]);
});
