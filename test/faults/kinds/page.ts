import type { Page } from 'playwright';
import { findChromium } from '../../../scripts/chromium.mjs';
import { differences } from '../compare.ts';
import type { Laboratory } from '../laboratory.ts';
import { chances } from '../moments.ts';
import { Lab, type Scope, Site } from '../page-lab.ts';
import { clean, type Injection, type Kind, unclean, unreached, type Verdict } from '../verdict.ts';

const CLOSED = /Target (?:page|crashed)|has been closed|crashed|Target closed/i;

interface Opened {
  readonly site: Site;
  readonly reference: string;
  readonly updates: number;
}

const opened = new WeakMap<Laboratory, Promise<Opened>>();

function openFor(laboratory: Laboratory): Promise<Opened> {
  const known = opened.get(laboratory);
  if (known) return known;
  const made = (async (): Promise<Opened> => {
    const site = await Site.open();
    laboratory.onClose(() => void site.close());
    const lab = new Lab(laboratory, site);
    const page = await lab.page();
    const name = await lab.start(page);
    const { ended, message, updates } = await lab.end(page);
    if (ended !== 'done') throw new Error(`the reference run in a page ends: ${message}`);
    const reference = await lab.save(page, name);
    await lab.close();
    return { site, reference, updates };
  })();
  opened.set(laboratory, made);
  return made;
}

/** Continues the stored run in a new tab, and compares. */
async function goOn(lab: Lab, reference: string, how: string): Promise<Verdict> {
  const page = await lab.page();
  const [name] = await lab.runs(page);
  let run: string;
  try {
    run = await lab.start(page, name === undefined ? {} : { name });
  } catch (error) {
    return unclean(`${how}, and cannot go on`, String(error));
  }
  const { ended, message } = await lab.end(page);
  if (ended !== 'done') return unclean(`${how}, and does not go on`, message);
  const found = differences(await lab.save(page, run), reference);
  return found.length === 0
    ? clean(`${how}, equal`)
    : unclean(`${how}, silently different`, found.slice(0, 3).join(', '));
}

type Fault = (lab: Lab, opened: Opened, chance: () => number) => Promise<Verdict>;

const crash = async (page: Page): Promise<void> => {
  const session = await page.context().newCDPSession(page);
  // This call never returns, because the process that would answer is gone.
  await Promise.race([
    session.send('Page.crash').catch(() => undefined),
    new Promise((resolve) => page.once('crash', resolve)),
  ]);
  await page.close().catch(() => undefined);
};

const some = (updates: number, chance: () => number): number =>
  1 + Math.floor(chance() * (updates - 2));

const faults: Readonly<Record<string, { readonly times: number; readonly inject: Fault }>> = {
  'tab-crash': {
    times: 5,
    inject: async (lab, { reference, updates }, chance) => {
      const page = await lab.page();
      await lab.start(page);
      await lab.updates(page, some(updates, chance));
      await crash(page);
      return goOn(lab, reference, 'tab crash: gone on');
    },
  },
  'tab-closed': {
    times: 3,
    inject: async (lab, { reference, updates }, chance) => {
      const page = await lab.page();
      await lab.start(page);
      await lab.updates(page, some(updates, chance));
      await page.close();
      return goOn(lab, reference, 'tab closed: gone on');
    },
  },
  reload: {
    times: 3,
    inject: async (lab, { reference, updates }, chance) => {
      const page = await lab.page();
      await lab.start(page);
      await lab.updates(page, some(updates, chance));
      await page.reload();
      await page.close();
      return goOn(lab, reference, 'reload: gone on');
    },
  },
  'opfs-kill': {
    times: 20,
    inject: async (lab, { site, reference }, chance) => {
      const page = await lab.page();
      const reached = site.reached();
      const killAt = 1 + Math.floor(chance() * 160);
      // A halted worker answers nothing.
      void lab.start(page, { killAt }).catch(() => undefined);
      await page.waitForFunction(() => 'faultRun' in globalThis);
      const ended = lab.end(page).catch(() => undefined);
      const first = await Promise.race([reached.then(() => 'reached' as const), ended]);
      if (first !== 'reached') return unreached('OPFS: not reached');
      await crash(page);
      return goOn(lab, reference, 'tab killed at an OPFS write: gone on');
    },
  },
  'gpu-crash': {
    times: 5,
    inject: async (lab, { reference, updates }, chance) => {
      const page = await lab.page();
      const name = await lab.start(page);
      await lab.updates(page, some(updates, chance));
      const browser = (await lab.context()).browser();
      const session = browser
        ? await browser.newBrowserCDPSession()
        : await page.context().newCDPSession(page);
      await session.send('Browser.crashGpuProcess');
      const { ended, message } = await lab.end(page);
      if (ended === 'done') {
        const found = differences(await lab.save(page, name), reference);
        return found.length === 0
          ? clean('GPU crash: healed, equal')
          : unclean('GPU crash: healed, different', found.slice(0, 3).join(', '));
      }
      return unclean('GPU crash: does not heal', message);
    },
  },
  quota: {
    times: 5,
    inject: async (lab, { reference, updates }, chance) => {
      const page = await lab.page();
      const name = await lab.start(page);
      await lab.updates(page, some(updates, chance));
      const session = await page.context().newCDPSession(page);
      const { origin } = new URL(page.url());
      await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 16 });
      const { ended, message } = await lab.end(page);
      await session.send('Storage.overrideQuotaForOrigin', { origin });
      if (ended === 'done') {
        const found = differences(await lab.save(page, name), reference);
        return found.length === 0
          ? unreached('quota: not reached')
          : unclean('quota: different', found[0] ?? '');
      }
      if (!/no more room/.test(message)) return unclean('quota: no words for it', message);
      await page.close();
      return goOn(lab, reference, 'quota: told, gone on');
    },
  },
  'two-tabs': {
    times: 3,
    inject: async (lab, { reference, updates }, chance) => {
      const page = await lab.page();
      const name = await lab.start(page);
      await lab.updates(page, some(updates, chance));
      // Pause, so that the run does not end before the other tab is open.
      await page.evaluate(() => (globalThis as Scope).limrFaults.pause?.());
      const other = await lab.page();
      const refused = await lab.start(other, { name }).then(
        () => 'it runs there too',
        (error: unknown) => String(error),
      );
      await other.close();
      if (!refused.includes('belongs to another tab')) return unclean('two tabs', refused);
      await crash(page);
      const tabs = await Promise.all([lab.page(), lab.page()]);
      const started = await Promise.allSettled(tabs.map((tab) => lab.start(tab, { name })));
      const owners = started.filter(({ status }) => status === 'fulfilled');
      if (owners.length !== 1) return unclean('two tabs', `${owners.length} of 2 go on`);
      const owner = tabs[started.findIndex(({ status }) => status === 'fulfilled')];
      const { ended, message } = await lab.end(owner);
      if (ended !== 'done') return unclean('two tabs: does not go on', message);
      const found = differences(await lab.save(owner, name), reference);
      return found.length === 0
        ? clean('two tabs: one goes on, equal')
        : unclean('two tabs: silently different', found.slice(0, 3).join(', '));
    },
  },
};

/** A run in a page of Chromium, with its files in the browser. */
export const page: Kind = {
  name: 'page',
  summary: 'in Chromium: crashes of tab and GPU, kills at OPFS writes, quota, two tabs',
  unfit: () => (findChromium() === undefined ? 'no Chromium found' : undefined),
  plan: (laboratory, { seed }) =>
    Promise.resolve(
      Object.entries(faults).flatMap(([name, { times, inject }]) =>
        Array.from({ length: times }, (_, i): Injection => {
          const id = `page/${name}/${i}`;
          return {
            id,
            inject: async () => {
              const known = await openFor(laboratory);
              const lab = new Lab(laboratory, known.site);
              try {
                return await inject(lab, known, chances(seed, id));
              } catch (error) {
                if (error instanceof Error && CLOSED.test(error.message)) {
                  return unclean(`${name}: the browser went away`, error.message);
                }
                throw error;
              } finally {
                await lab.close();
              }
            },
          };
        }),
      ),
    ),
};
