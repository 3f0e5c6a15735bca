// The states of the page on the recording that it comes with: what the tests of test/page walk through
// and `npm run screens` takes pictures of.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { strToU8, unzipSync, zipSync } from 'fflate';
import type { Page } from 'playwright/test';
import { lessons } from '../../demo/state/lessons.ts';
import type { Look } from '../../demo/state/url.ts';
import { keepRun } from '../e2e/kept-run.ts';

export interface PageState {
  readonly name: string;
  /** Address from `#` on, without the fields of language and colours. */
  readonly hash: string;
  /** Brings the page to the state after it has loaded. */
  readonly reach?: (page: Page) => Promise<void>;
  /** Whether the browser has no WebGPU. */
  readonly noGpu?: boolean;
  /** Whether a picture is of the whole page instead of a window. */
  readonly whole?: boolean;
}

/** Winds the film to an act and lets what moves come to rest. */
export const act =
  (number: number) =>
  async (page: Page): Promise<void> => {
    await page.keyboard.press(String(number));
    await page.locator('.acts .now .number', { hasText: String(number) }).waitFor();
  };

/** Chooses the prompt with the highest or the lowest score. */
const choose =
  (key: 'Home' | 'End') =>
  async (page: Page): Promise<void> => {
    await act(3)(page);
    await page.locator('#stage-matrix').focus();
    await page.keyboard.press(key);
    await page.locator('#inspector .grouped li').first().waitFor();
  };

/** Keeps the recorded run under a name, and has its bundle made. */
async function freeRun(page: Page): Promise<void> {
  const bundle = readFileSync(join(import.meta.dirname, '../../demo/public/replays/quick.limr'));
  const label = { title: 'Thursday’s class', note: 'With the keys of group B.', pinned: false };
  const files = { ...unzipSync(bundle), 'label.json': strToU8(JSON.stringify(label)) };
  // The dialog of the browser cannot be seen to.
  await page.evaluate(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));
  await page.locator('#choose-rollouts').waitFor();
  await keepRun(page, Buffer.from(zipSync(files)), '2026-11-30T10-00-00.000Z-0123abcd');
  const row = page.locator('#stored-list li').first();
  await row.locator('button').nth(2).click();
  await row.locator('.leaving .primary').waitFor();
}

/** Chooses a prompt of the matrix at the end of the film, and reads what LIM answered to it. */
const readLim =
  (key: 'Home' | 'End', compares: boolean) =>
  async (page: Page): Promise<void> => {
    await choose(key)(page);
    await act(5)(page);
    const inspector = page.locator('#inspector');
    await inspector.locator('.answerers button', { hasText: 'LIM' }).click();
    if (!compares) {
      await inspector.locator('.responses > .quiet').waitFor();
      return;
    }
    await inspector.locator('.responses .rounds').nth(2).locator('button').nth(1).click();
    await inspector.locator('.changes-table summary').click();
  };

/** Chooses rollouts that learn, some of them, and opens the tables. */
async function importRollouts(page: Page): Promise<void> {
  const [prompts, epochs, samples] = [400, 8, 8];
  const rows = Array.from({ length: prompts * epochs * samples }, (_, i) => {
    const [prompt, epoch] = [Math.floor(i / (epochs * samples)), Math.floor(i / samples) % epochs];
    const speed = ((prompt * 37) % 101) / 100;
    const chance = Math.min(1, 0.15 + speed * (0.3 + 0.16 * epoch));
    const right = ((i * 7919 + prompt * 104_729) % 1000) / 1000 < chance;
    return JSON.stringify({
      step: epoch,
      epoch,
      prompt: `What is ${prompt} + ${(prompt * 7) % 90}?`,
      response: '…',
      reward: right ? 1 : -0.5,
    });
  });
  await page.locator('#choose-rollouts').waitFor();
  await page.locator('#rollout-files').setInputFiles({
    name: 'rollouts.jsonl',
    mimeType: 'application/jsonl',
    buffer: Buffer.from(rows.join('\n')),
  });
  await page.locator('#kept-count').waitFor();
  await page.locator('.tables > summary').click();
  await page.locator('#imported-rows tbody tr').first().waitFor();
}

/** Winds the film to its end, where the Prompts room has scores. */
async function scored(page: Page): Promise<void> {
  await act(5)(page);
  await page.locator('#theta').waitFor();
  // A picture comes at once or not at all.
  await page.locator('.land-mark, .notice-line, #matrix, #kept, #list').first().waitFor();
}

/** Fields of an address that make the page stand still. */
const still = 'motion=0';

export const states: readonly PageState[] = [
  {
    name: 'first-picture',
    hash: '#/run',
    reach: (page) => page.locator('#play').click(),
  },
  ...[1, 2, 3, 4, 5].map((number) => ({
    name: `act-${number}`,
    hash: `#/run?${still}`,
    reach: act(number),
  })),
  { name: 'run-whole', hash: `#/run?${still}`, reach: act(3), whole: true },
  { name: 'prompt-kept', hash: `#/run?${still}`, reach: choose('Home'), whole: true },
  { name: 'prompt-rejected', hash: `#/run?${still}`, reach: choose('End'), whole: true },
  {
    name: 'score-open',
    hash: `#/run?${still}`,
    reach: async (page) => {
      await choose('Home')(page);
      await page.locator('#inspector .score summary').click();
    },
    whole: true,
  },
  { name: 'answers-none', hash: `#/run?at=5&${still}`, reach: readLim('End', false), whole: true },
  {
    name: 'answers-changes',
    hash: `#/run?at=5&${still}`,
    reach: readLim('Home', true),
    whole: true,
  },
  ...(['heat', 'land', 'curves', 'table'] as const satisfies readonly Look[]).map((look) => ({
    name: `prompts-${look}`,
    hash: `#/prompts?${still}&look=${look}`,
    reach: scored,
    whole: true,
  })),
  {
    name: 'prompts-cut',
    hash: `#/prompts?${still}&p=12`,
    reach: async (page) => {
      await scored(page);
      await page.locator('#theta').focus();
      await page.keyboard.press('Home');
      await page.locator('#explorer summary').click();
      await page.locator('#filter').selectOption('wrong');
    },
    whole: true,
  },
  { name: 'prompts-early', hash: `#/prompts?${still}`, reach: act(2), whole: true },
  {
    name: 'prompts-no-webgpu',
    hash: `#/prompts?${still}&look=land`,
    reach: scored,
    noGpu: true,
    whole: true,
  },
  {
    name: 'curves-chosen',
    hash: `#/run?${still}`,
    reach: async (page) => {
      await act(5)(page);
      await page.locator('#choose-curves > summary').click();
      for (const name of ['actor_grad_norm', 'entropy', 'sampler_gap']) {
        await page.locator(`#choose-curves [name=${name}]`).check();
      }
      await page.locator('#curves').scrollIntoViewIfNeeded();
    },
    whole: true,
  },
  {
    name: 'share-panel',
    hash: `#/run?at=3&${still}`,
    reach: (page) => page.locator('#share').click(),
  },
  {
    name: 'tour',
    hash: `#/run?${still}`,
    reach: async (page) => {
      await page.keyboard.press('t');
      await page.locator('#guide > *').first().waitFor();
    },
  },
  {
    name: 'presenter',
    hash: `#/run?${still}&present=1`,
    reach: async (page) => {
      await page.locator('#guide > *').first().waitFor();
      await act(3)(page);
    },
  },
  {
    name: 'compare',
    hash: `#/compare?${still}&at=5`,
    reach: (page) => page.locator('#compare h2').first().waitFor(),
    whole: true,
  },
  {
    name: 'compare-study',
    hash: `#/compare?${still}`,
    reach: async (page) => {
      await page.locator('#show-study').click();
      await page.locator('table.map').first().waitFor();
    },
    whole: true,
  },
  {
    name: 'learn',
    hash: `#/learn?${still}&at=5`,
    reach: (page) => page.locator('#learn h2').first().waitFor(),
    whole: true,
  },
  ...lessons.map((lesson) => ({
    name: `lesson-${lesson}`,
    hash: `#/learn/${lesson}?${still}`,
    reach: (page: Page) => page.locator('.lesson h2').first().waitFor(),
    whole: true,
  })),
  { name: 'data', hash: `#/data?${still}`, whole: true },
  { name: 'imported', hash: `#/data?${still}`, reach: importRollouts, whole: true },
  { name: 'freeing', hash: `#/data?${still}`, reach: freeRun, whole: true },
  {
    name: 'settings-open',
    hash: `#/data?${still}`,
    reach: async (page) => {
      await page.locator('#settings > summary').click();
      for (const group of ['task', 'ppo']) {
        const details = page.locator('.setting-group', {
          has: page.locator(`[id^="setting-${group}-"]`),
        });
        await details.locator('summary').click();
      }
    },
    whole: true,
  },
  {
    name: 'form-error',
    hash: `#/data?${still}`,
    reach: async (page) => {
      await page.locator('#settings > summary').click();
      await page.locator('#overrides').fill('{"rollout": {"samples": 0}}');
      await page.locator('#problem', { hasText: 'samples' }).waitFor();
    },
    whole: true,
  },
  {
    name: 'own-model',
    hash: `#/data?${still}`,
    reach: async (page) => {
      await page
        .locator('#preset')
        .selectOption({ index: -1 + (await page.locator('#preset option').count()) });
      await page.locator('#verifier').selectOption('module');
    },
    whole: true,
  },
  {
    name: 'bad-link',
    hash: `#/data?preset=quick&config=%7B%22rollout%22%3A%7B%22samples%22%3A0%7D%7D&${still}`,
  },
  { name: 'unknown-room', hash: `#/nowhere?${still}` },
  { name: 'no-webgpu', hash: `#/run?${still}`, noGpu: true, whole: true },
  {
    name: 'asking-a-recording',
    hash: `#/run?${still}`,
    reach: (page) => page.locator('#try-it').scrollIntoViewIfNeeded(),
  },
  {
    name: 'keys',
    hash: `#/run?${still}`,
    reach: async (page) => {
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
    },
  },
];

/** A state's address in a language and colours. */
export const addressOf = ({ hash }: PageState, fields: Readonly<Record<string, string>>): string =>
  `${hash}${hash.includes('?') ? '&' : '?'}${new URLSearchParams(fields).toString()}`;

/** Waits until the page has loaded all that it loads by itself. */
export async function settled(page: Page): Promise<void> {
  await page.locator('#theme').waitFor({ state: 'attached' });
  await page.locator('#cursor-text').waitFor({ state: 'attached' });
  await page.locator('#preset option').first().waitFor({ state: 'attached' });
}

/** Opens the page in a state. */
export async function open(
  page: Page,
  state: PageState,
  fields: Readonly<Record<string, string>>,
): Promise<void> {
  if (state.noGpu) {
    await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'gpu'));
  }
  await page.goto(addressOf(state, fields));
  await settled(page);
  await state.reach?.(page);
}
