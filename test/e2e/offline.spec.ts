import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, type Page } from 'playwright/test';
import { seriousFaults, toRoom, watchFaults } from './page.ts';
import { serve } from './static-server.ts';

test.use({ serviceWorkers: 'allow' });

const built = join(import.meta.dirname, '../../dist-demo');

/** Waits until the browser keeps the page. */
const kept = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });

/** Files that the browser keeps, by store. */
const stores = (page: Page): Promise<Record<string, string[]>> =>
  page.evaluate(async () => {
    const found: Record<string, string[]> = {};
    for (const name of await caches.keys()) {
      const requests = await (await caches.open(name)).keys();
      found[name] = requests.map(({ url }) => new URL(url).pathname);
    }
    return found;
  });

test('without a network the story plays and every room opens', async ({ page }) => {
  const server = await serve(built);
  try {
    const faults = await watchFaults(page);
    await page.goto(`${server.address}#/run?motion=0`);
    await kept(page);
    const [[name, files], ...others] = Object.entries(await stores(page));
    expect(others).toEqual([]);
    expect(name).toMatch(/^limr-lab-[0-9a-f]{12}$/);
    expect(files).toEqual(expect.arrayContaining(['/', '/replays/quick.json', '/icon.svg']));
    expect(files.filter((file) => file.endsWith('.safetensors'))).toHaveLength(1);

    server.close();
    await page.goto('about:blank');
    await page.goto(`${server.address}#/run`);
    await expect(page.locator('.provenance')).toContainText('Recorded');
    const place = () =>
      page.locator('#film').evaluate((one: HTMLInputElement) => Number(one.value));
    const before = await place();
    await expect.poll(place).toBeGreaterThan(before);
    await page.keyboard.press('5');
    await expect(page.locator('.sentence')).toContainText(/^LIM on \d+ prompts/);
    await toRoom(page, 'prompts');
    await expect(page.locator('#matrix')).toBeVisible();
    await toRoom(page, 'compare');
    await expect(page.locator('#compare-curves .plot')).toBeVisible();
    await toRoom(page, 'learn');
    await expect(page.locator('#learn h2').first()).toBeVisible();
    await toRoom(page, 'data');
    await expect(page.locator('#start')).toBeEnabled();
    await page.locator('#language').selectOption('zh');
    await expect(page.locator('#to-data')).toHaveText('数据');
    await page.goto(`${server.address}?embed=finding`);
    await expect(page.locator('.finding-stage svg').first()).toBeVisible();
    expect(faults.list).toEqual([]);
  } finally {
    server.close();
  }
});

test('a new version waits for a click; what is not of the build is never kept', async ({
  page,
}) => {
  const server = await serve(built);
  try {
    await page.goto(`${server.address}#/run?motion=0`);
    await kept(page);
    const worker = readFileSync(join(built, 'sw.js'), 'utf8');
    const version = /limr-lab-([0-9a-f]{12})/.exec(Object.keys(await stores(page))[0])![1];

    // Somebody else's page in place of the icon, as a login page would send it.
    server.replaced.set('/sw.js', worker.replaceAll(version, 'bad000000000'));
    server.replaced.set('/icon.svg', '<svg>sign in</svg>');
    server.asked.length = 0;
    await page.evaluate(async () => {
      const registration = (await navigator.serviceWorker.getRegistration())!;
      // What the browser keeps is not asked for again.
      for (const name of await caches.keys()) {
        await (await caches.open(name)).delete(new URL('icon.svg', document.baseURI).href);
      }
      await registration.update();
      const { installing } = registration;
      await new Promise<void>((resolve) => {
        if (!installing) resolve();
        installing?.addEventListener('statechange', () => {
          if (installing.state === 'redundant') resolve();
        });
      });
    });
    expect(server.asked).toContain('/icon.svg');
    expect(Object.keys(await stores(page))).toEqual([`limr-lab-${version}`]);
    await expect(page.locator('#take-version')).toHaveCount(0);

    server.replaced.clear();
    server.replaced.set('/sw.js', worker.replaceAll(version, 'new000000000'));
    await page.reload();
    const take = page.locator('#take-version');
    await expect(take).toBeVisible();
    expect(await seriousFaults(page)).toEqual([]);
    expect(Object.keys(await stores(page))).toHaveLength(2);
    await page.evaluate(() => Object.assign(window, { before: true }));
    await take.click();
    await page.waitForFunction(() => !('before' in window));
    await expect(page.locator('.provenance')).toContainText('Recorded');
    await expect(take).toHaveCount(0);
    // A tab of the version before would still find its files.
    expect(Object.keys(await stores(page)).sort()).toEqual(
      [`limr-lab-${version}`, 'limr-lab-new000000000'].sort(),
    );
  } finally {
    server.close();
  }
});

test('the page can be installed: manifest and icons are there', async ({ page, request }) => {
  await page.goto('#/run?motion=0');
  const href = await page.locator('link[rel=manifest]').getAttribute('href');
  const manifest = (await (await request.get(href!)).json()) as {
    readonly start_url: string;
    readonly icons: readonly { readonly src: string; readonly sizes: string }[];
  };
  expect(manifest.start_url).toBe('./');
  expect(manifest.icons.map(({ sizes }) => sizes)).toEqual(
    expect.arrayContaining(['any', '192x192', '512x512']),
  );
  for (const { src, sizes } of manifest.icons) {
    const size = await page.evaluate(async (address) => {
      const image = new Image();
      image.src = address;
      await image.decode();
      return `${image.naturalWidth}x${image.naturalHeight}`;
    }, src);
    if (sizes !== 'any') expect(size).toBe(sizes);
  }
});
