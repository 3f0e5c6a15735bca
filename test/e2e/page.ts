import { AxeBuilder } from '@axe-core/playwright';
import { readFileSync } from 'node:fs';
import { expect, type Page } from 'playwright/test';

/** Text that would run, hide or turn something if it were taken for more than text. */
export const hostile = '<img src=x onerror="window.attacked=1">\u202egnp\u0000\u200b';

/** Everything a page must not do while it is tested. */
export interface Faults {
  readonly list: string[];
}

/** Notes errors and every breach of the page's content security policy. */
export async function watchFaults(page: Page): Promise<Faults> {
  const list: string[] = [];
  page.on('pageerror', (error) => list.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') list.push(message.text());
  });
  await page.exposeFunction('noteBreach', (text: string) => list.push(text));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const { noteBreach } = window as unknown as { noteBreach: (text: string) => void };
      noteBreach(`${event.violatedDirective}: ${event.blockedURI}`);
    });
  });
  return { list };
}

/**
 * Puts hostile text into whatever the trainer's worker tells the page of prompts and completions, as
 * a model or a data set could.
 */
export async function poisonTexts(page: Page): Promise<void> {
  await page.addInitScript((poison) => {
    const poisoned = (value: unknown): void => {
      if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
      // The trainer's own words for what it does are no data.
      if ('type' in value && value.type === 'phase') return;
      for (const [key, inner] of Object.entries(value)) {
        if (key === 'text' || (key === 'prompt' && typeof inner === 'string')) {
          (value as Record<string, unknown>)[key] = poison;
        } else poisoned(inner);
      }
    };
    const listen = Reflect.get(Worker.prototype, 'addEventListener') as () => void;
    Worker.prototype.addEventListener = function (
      this: Worker,
      type: string,
      listener: EventListenerOrEventListenerObject,
      ...rest: unknown[]
    ) {
      const heard = (event: Event) => {
        if (event instanceof MessageEvent) poisoned(event.data);
        if (typeof listener === 'function') listener.call(this, event);
        else listener.handleEvent(event);
      };
      Reflect.apply(listen, this, [type, heard, ...rest]);
    };
  }, hostile);
}

/**
 * As a browser treats a tab that nobody sees: `document.hidden`, the event, no animation frames.
 * Returns what shows it again. (Headless Chromium itself never hides a page.)
 */
export async function hideTab(page: Page): Promise<() => Promise<void>> {
  await page.evaluate(() => {
    const waiting: FrameRequestCallback[] = [];
    const real = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = (callback) => waiting.push(callback);
    Object.defineProperty(document, 'hidden', { configurable: true, value: true });
    Object.defineProperty(document, 'visibilityState', { configurable: true, value: 'hidden' });
    Object.assign(window, {
      showTab: () => {
        window.requestAnimationFrame = real;
        for (const name of ['hidden', 'visibilityState']) Reflect.deleteProperty(document, name);
        document.dispatchEvent(new Event('visibilitychange'));
        for (const callback of waiting) real(callback);
      },
    });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  return () => page.evaluate(() => (window as unknown as { showTab: () => void }).showTab());
}

/** Everything that is announced from now on, in order, whether or not it was ever drawn. */
export async function announcements(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const said: string[] = [];
    Object.assign(window, { said });
    const note = (records: readonly MutationRecord[]): void => {
      for (const { addedNodes } of records) {
        for (const node of addedNodes) said.push(node.textContent ?? '');
      }
    };
    const announcer = document.getElementById('announcer');
    if (announcer) new MutationObserver(note).observe(announcer, { childList: true });
  });
  return () => page.evaluate(() => (window as unknown as { said: string[] }).said);
}

/** What custom properties a page resolves to, as `rgb(...)`. */
export const resolvedTones = (page: Page, names: readonly string[]): Promise<string[]> =>
  page.evaluate((wanted) => {
    const probe = document.body.appendChild(document.createElement('i'));
    const colors = wanted.map((name) => {
      probe.style.color = '';
      probe.style.color = `var(--${name})`;
      return getComputedStyle(probe).color;
    });
    probe.remove();
    return colors;
  }, names);

/** What axe finds wrong with the page as it stands. */
export async function seriousFaults(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** Counts the devices that the page itself asks for; its workers are not the page. */
export async function countDevices(page: Page): Promise<() => Promise<number>> {
  await page.addInitScript(() => {
    const counted = window as unknown as { devices: number };
    counted.devices = 0;
    const real = Reflect.get<GPUAdapter, 'requestDevice'>(GPUAdapter.prototype, 'requestDevice');
    GPUAdapter.prototype.requestDevice = function (this: GPUAdapter) {
      counted.devices++;
      return real.call(this);
    };
  });
  return () => page.evaluate(() => (window as unknown as { devices: number }).devices);
}

/** The bytes of the file that an act makes the page download. */
export async function downloadOf(page: Page, act: () => Promise<void>): Promise<Buffer> {
  const coming = page.waitForEvent('download');
  await act();
  return readFileSync(await (await coming).path());
}

/** Drops files or folders on the page, as a user drags them from the system. */
export async function drop(page: Page, paths: readonly string[]): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [...paths], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: 200, y: 200, data });
  }
  await session.detach();
}

/** Goes to a room by its link. */
export async function toRoom(
  page: Page,
  name: 'run' | 'prompts' | 'compare' | 'learn' | 'data',
): Promise<void> {
  await page.locator(`#to-${name}`).click();
  await expect(page.locator('body')).toHaveAttribute('data-room', name);
}

/** Waits, in the room where runs begin, until the page has found its adapter and can start. */
export async function ready(page: Page): Promise<void> {
  await toRoom(page, 'data');
  await expect(page.getByRole('button', { name: 'Start' })).toBeEnabled();
}

/** Presses Tab until the element with this id has the focus; fails when it cannot be reached. */
export async function tabTo(page: Page, id: string): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((wanted) => document.activeElement?.id === wanted, id)) return;
  }
  throw new Error(`#${id} cannot be reached with Tab`);
}

/** The page must not scroll sideways. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  // A figure is drawn again a moment after its window has another width.
  await expect
    .poll(() =>
      page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        return scrollWidth - clientWidth;
      }),
    )
    .toBeLessThanOrEqual(0);
}
