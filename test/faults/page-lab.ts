import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { BrowserContext, Page } from 'playwright';
import { createServer, type ViteDevServer } from 'vite';
import { chromiumArguments, findChromium } from '../../scripts/chromium.mjs';
import { root } from '../../scripts/process.mjs';
import { smallest } from './experiment.ts';
import type { Laboratory } from './laboratory.ts';
import type { PageRun } from './page/run.ts';

/** Time limit of a run in a page. */
const RUN_MS = 600_000;

/** The global scope of a page of the lab. */
export type Scope = typeof globalThis & {
  readonly faultRun: PageRun;
  readonly limrFaults: typeof import('./page/run.ts') & { readonly pause?: () => Promise<void> };
};

/** The run that a page is asked for. */
export interface Request {
  readonly config?: unknown;
  /** Whether to count live buffers. */
  readonly watch?: boolean;
  readonly name?: string;
  readonly killAt?: number;
}

/** Vite's server for the modules. A page's worker calls it when its moment has come. */
export class Site {
  readonly #server: ViteDevServer;
  #here: (() => void) | undefined;

  private constructor(server: ViteDevServer) {
    this.#server = server;
    server.middlewares.use((request, response, next) => {
      if (request.url === '/fault-here') {
        this.#here?.();
        return;
      }
      if (request.url !== '/faults.html') {
        next();
        return;
      }
      response.setHeader('content-type', 'text/html');
      response.end(
        '<!doctype html><title>faults</title>' +
          '<script type="module" src="/test/faults/page/run.ts"></script>',
      );
    });
  }

  static async open(): Promise<Site> {
    const server = await createServer({
      configFile: resolve(root, 'vite.config.ts'),
      mode: 'test',
      logLevel: 'error',
      appType: 'custom',
      server: { port: 0, ws: false },
    });
    const site = new Site(server);
    await server.listen();
    return site;
  }

  get address(): string {
    return new URL('faults.html', this.#server.resolvedUrls?.local[0]).href;
  }

  /** Resolves when a worker has reached the event at which its tab is to be ended. */
  reached(): Promise<void> {
    return new Promise((resolve) => (this.#here = resolve));
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}

/** A browser with its own profile, which outlives the browser's processes. */
export class Lab {
  readonly #laboratory: Laboratory;
  readonly #site: Site;
  readonly profile: string;
  #context: BrowserContext | undefined;

  constructor(laboratory: Laboratory, site: Site) {
    this.#laboratory = laboratory;
    this.#site = site;
    this.profile = laboratory.make('profile');
  }

  async context(): Promise<BrowserContext> {
    if (this.#context) return this.#context;
    const { chromium } = await import('playwright');
    const executablePath = findChromium();
    this.#context = await chromium.launchPersistentContext(this.profile, {
      ...(executablePath === undefined ? {} : { executablePath }),
      args: chromiumArguments,
    });
    return this.#context;
  }

  async page(): Promise<Page> {
    const page = await (await this.context()).newPage();
    await page.goto(this.#site.address);
    await page.waitForFunction(() => 'limrFaults' in globalThis, undefined, { timeout: 120_000 });
    return page;
  }

  /** Starts a run in a page. @returns The name of the run. */
  start(page: Page, request: Request = {}): Promise<string> {
    return page.evaluate((wanted) => (globalThis as Scope).limrFaults.start(wanted), {
      config: smallest,
      seeds: [1],
      ...request,
    });
  }

  state(page: Page): Promise<PageRun> {
    return page.evaluate(() => (globalThis as Scope).faultRun);
  }

  async end(page: Page): Promise<PageRun> {
    await page.waitForFunction(
      () => (globalThis as Scope).faultRun.ended !== undefined,
      undefined,
      {
        timeout: RUN_MS,
        polling: 100,
      },
    );
    return this.state(page);
  }

  updates(page: Page, least: number): Promise<unknown> {
    return page.waitForFunction(
      (wanted) => {
        const run = (globalThis as Scope).faultRun;
        return run.updates >= wanted || run.ended !== undefined;
      },
      least,
      { timeout: RUN_MS, polling: 20 },
    );
  }

  /** Saves a run's files in a folder on disk. */
  async save(page: Page, name: string): Promise<string> {
    const files = await page.evaluate((run) => (globalThis as Scope).limrFaults.files(run), name);
    const folder = this.#laboratory.path('from-page');
    for (const [path, text] of Object.entries(files)) {
      const target = join(folder, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, Buffer.from(text, 'base64'));
    }
    return folder;
  }

  runs(page: Page): Promise<string[]> {
    return page.evaluate(() => (globalThis as Scope).limrFaults.runs());
  }

  async close(): Promise<void> {
    await this.#context?.close();
    this.#context = undefined;
  }
}
