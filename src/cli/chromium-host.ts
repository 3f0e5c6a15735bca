import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freemem, totalmem } from 'node:os';
import { extname } from 'node:path';
import type { Page } from 'playwright';
import type { AdapterChoice } from '../gpu/device.ts';
import { bytesText } from '../gpu/memory.ts';
import { ChromiumError, launchChromium, mayHaveGpu } from './chromium.ts';
import { createFile, type FreshFile } from './node-system.ts';
import type { FolderLock } from './folder-lock.ts';
import type { CallReply, PageApi, PageHeap, PageSettings, SystemCalls } from './page-protocol.ts';
import type { System } from './system.ts';
import { FolderStore } from '../workers/folder-store.ts';
import { callsOf, type StoreCalls } from '../workers/remote-store.ts';

/**
 * The folder that `npm run build` makes from src/cli/page.ts: in dist, beside the folder of the
 * sources.
 */
const pageFolder = new URL('../../page/', import.meta.url);
/** Bases of the library; the page reads them from this folder. */
const basesFolder = new URL('../bases/', import.meta.url);

/** The page sees only these variables: commands read no others. */
const shownVariables = /^(LIMR_\w+|XDG_CACHE_HOME|HOME|USERPROFILE)$/;

const contentTypes: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.html': 'text/html; charset=utf-8',
};

/** Allows the page's own files only; no request leaves the machine. */
const policy = "default-src 'self' data:; script-src 'self'; worker-src 'self'";

/** Says its own policy: code that is handed to it, and no network. */
const framePage = '/page/verifier-frame.html';

/**
 * Loads all of the page's files at once, so that a build meanwhile cannot mix old and new files.
 */
async function pageFiles(): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const names = await readdir(pageFolder).catch(() => []);
  if (names.length === 0) {
    throw new ChromiumError('the page of --host chromium is not built: run npm run build');
  }
  for (const name of names) files.set(`/page/${name}`, await readFile(new URL(name, pageFolder)));
  for (const name of await readdir(basesFolder)) {
    if (!name.endsWith('.safetensors')) continue;
    files.set(`/src/bases/${name}`, await readFile(new URL(name, basesFolder)));
  }
  const html =
    '<!doctype html><title>limr</title><script type="module" src="/page/page.js"></script>';
  return files.set('/', Buffer.from(html));
}

/** Serves files on a free port of the loopback address, which browsers treat as secure. */
function serve(files: ReadonlyMap<string, Buffer>): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const body = files.get(path);
    if (!body) {
      response.writeHead(404).end();
      return;
    }
    const type = contentTypes[path === '/' ? '.html' : extname(path)] ?? 'application/octet-stream';
    const policies = path === framePage ? {} : { 'content-security-policy': policy };
    response.writeHead(200, { 'content-type': type, ...policies }).end(body);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

/** Answers a page's calls with this process's files and streams, and remembers the latest. */
export class SystemServer {
  /** Whether the command in the page handles Ctrl-C itself. */
  interruptible = false;
  readonly #calls: SystemCalls;
  readonly #reading = new Map<number, Awaited<ReturnType<System['open']>>>();
  readonly #writing = new Map<number, FreshFile>();
  readonly #locks = new Map<string, FolderLock>();
  /** By folder: why this process lost it. */
  readonly #lost = new Map<string, string>();
  readonly #stores = new Map<string, ReturnType<typeof callsOf>>();
  #handles = 0;
  #doing = 'starting';
  #heap: PageHeap | undefined;
  /** The last file read or written since `#doing` changed, and how far. */
  #file: string | undefined;

  constructor(host: System) {
    const of = <T>(handles: Map<number, T>, handle: number): T => {
      const found = handles.get(handle);
      if (found === undefined) throw new Error(`the page has no open file ${handle}`);
      return found;
    };
    const take = <T>(handles: Map<number, T>, handle: number): T => {
      const found = of(handles, handle);
      handles.delete(handle);
      return found;
    };
    this.#calls = {
      info: (path) => host.info(path),
      resolve: (path) => host.resolve(path),
      list: (path) => host.list(path),
      remove: (path) => host.remove(path),
      hubModel: (id, wanted) =>
        host.hubModel?.(id, wanted) ?? Promise.reject(new Error('this host has no hub')),
      stderr: (text, look) => host.stderr(text, look),
      doing: (what, heap) => {
        this.#doing = what;
        this.#heap = heap;
        this.#file = undefined;
        return Promise.resolve();
      },
      stdout: (text) => host.stdout(text),
      open: async (path) => {
        const file = await host.open(path);
        this.#reading.set(++this.#handles, file);
        return { handle: this.#handles, size: file.size };
      },
      read: async (handle, start, end) => {
        const file = of(this.#reading, handle);
        this.#file = `read ${file.name} to byte ${end} of ${file.size}`;
        const bytes = await file.slice(start, end);
        return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
      },
      close: (handle) => take(this.#reading, handle).close(),
      create: async (path) => {
        this.#file = `began to write ${path}`;
        const file = await createFile(path);
        this.#writing.set(++this.#handles, file);
        return this.#handles;
      },
      append: (handle, bytes) => of(this.#writing, handle).append(Buffer.from(bytes, 'base64')),
      commit: (handle) => take(this.#writing, handle).commit(),
      abort: async (handle) => {
        // A failed commit has cleaned up after itself.
        if (this.#writing.has(handle)) await take(this.#writing, handle).abort();
      },
      lock: async (folder) => {
        const lock = await host.lock?.(folder);
        if (!lock) return;
        this.#locks.set(folder, lock);
        void lock.lost.then((why) => this.#lost.set(folder, why));
      },
      unlock: async (folder) => {
        await this.#locks.get(folder)?.release();
        this.#locks.delete(folder);
      },
      store: (folder, name, args) => this.#onStore(folder, name, args),
      interruptible: (wanted) => {
        this.interruptible = wanted;
        return Promise.resolve();
      },
    };
  }

  async #onStore(
    folder: string,
    name: keyof StoreCalls,
    args: readonly unknown[],
  ): Promise<unknown> {
    const lost = this.#lost.get(folder);
    if (lost !== undefined) throw new Error(lost);
    const store = this.#stores.get(folder) ?? callsOf(new FolderStore(folder));
    this.#stores.set(folder, store);
    if (name === 'put') {
      const [handle, bytes] = args as [number, string];
      return store.put(handle, Buffer.from(bytes, 'base64'));
    }
    if (name === 'slice') {
      const bytes = await store.slice(...(args as Parameters<StoreCalls['slice']>));
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
    }
    if (!Object.hasOwn(store, name)) throw new Error(`the page called '${name}' of a store`);
    const call = store[name] as (...given: readonly unknown[]) => Promise<unknown>;
    return call(...args);
  }

  /** The page's last known action and the memory, for the message when the page has ended. */
  lastWords(): string {
    const file = this.#file === undefined ? '' : ` (it had ${this.#file})`;
    const heap = this.#heap
      ? `its heap held ${bytesText(this.#heap.used)} of ${bytesText(this.#heap.limit)} before that, `
      : '';
    const machine = `this machine has ${bytesText(freemem())} free of ${bytesText(totalmem())}`;
    return `while ${this.#doing}${file}; ${heap}${machine}`;
  }

  async answer(name: string, args: readonly unknown[]): Promise<CallReply> {
    try {
      if (!Object.hasOwn(this.#calls, name)) throw new Error(`the page called '${name}'`);
      const call = this.#calls[name as keyof SystemCalls] as (...given: unknown[]) => unknown;
      return { value: await call(...args) };
    } catch (error) {
      const { name: kind, message } = error instanceof Error ? error : new Error(String(error));
      return { error: { name: kind, message } };
    }
  }

  /** Closes what the command left open, and discards files that were not finished. */
  async close(): Promise<void> {
    const left = [...this.#reading.values()].map((file) => file.close());
    const half = [...this.#writing.values()].map((file) => file.abort());
    this.#reading.clear();
    this.#writing.clear();
    const stores = [...this.#stores.values()].map((store) => store.close());
    await Promise.allSettled([...left, ...half, ...stores]);
    await Promise.allSettled([...this.#locks.values()].map((lock) => lock.release()));
  }
}

/** A page, and what ends it together with the browser or context that was opened for it. */
export interface OwnPage {
  readonly page: Page;
  readonly close: () => Promise<void>;
}

/** Opens an empty page in a browser that offers the adapter. */
export type PageOpener = (adapter: Exclude<AdapterChoice, 'auto'>) => Promise<OwnPage>;

/** Opens a page in a headless browser of its own. */
const inOwnBrowser: PageOpener = async (adapter) => {
  const browser = await launchChromium(adapter);
  const close = () => browser.close();
  try {
    return { page: await browser.newPage(), close };
  } catch (error) {
    await close();
    throw error;
  }
};

type PageScope = typeof globalThis & { readonly limrPage: PageApi };

/** Opens a page that holds the commands, in a browser with the requested adapter. */
async function openPage(
  url: string,
  adapter: AdapterChoice,
  opener: PageOpener,
  answer: (name: string, args: readonly unknown[]) => Promise<CallReply>,
): Promise<OwnPage> {
  const open = async (kind: 'gpu' | 'software'): Promise<OwnPage> => {
    const opened = await opener(kind);
    try {
      const { page } = opened;
      await page.exposeFunction('limrSystem', (name: string, ...args: unknown[]) =>
        answer(name, args),
      );
      await page.goto(url);
      await page.waitForFunction(() => 'limrPage' in globalThis);
      return opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  };
  if (adapter !== 'auto') return open(adapter);
  if (await mayHaveGpu()) {
    const opened = await open('gpu');
    if (await opened.page.evaluate(() => (globalThis as PageScope).limrPage.hasGpu())) {
      return opened;
    }
    await opened.close();
  }
  return open('software');
}

/** Rejects when the page can no longer continue; never resolves. */
export function death(page: Page, server: SystemServer): Promise<never> {
  return new Promise((_, reject) => {
    const end = (what: string) => () => {
      reject(new ChromiumError(`${what} ${server.lastWords()}`));
    };
    page.once('crash', end('the page crashed'));
    // As on Node, where an uncaught error ends the command.
    page.once('pageerror', (error) => reject(error));
    page.context().browser()?.once('disconnected', end('Chromium ended unexpectedly'));
  });
}

/**
 * Runs a command inside headless Chromium, with this process's files and streams.
 *
 * @param argv The command and its arguments, without `--host`.
 * @param opener Opens the page of the command. Default: in a browser that ends with the command.
 * @returns The command's exit code. The command has printed its own errors.
 * @throws ChromiumError when there is no browser, or the browser ends before the command does.
 */
export async function runInChromium(
  host: System,
  argv: readonly string[],
  adapter: AdapterChoice,
  opener: PageOpener = inOwnBrowser,
): Promise<number> {
  const files = new SystemServer(host);
  const server = await serve(await pageFiles());
  let opening: Promise<OwnPage> | undefined;
  const close = async (): Promise<void> => {
    const opened = await opening?.catch(() => undefined);
    await opened?.close();
    server.close();
    server.closeAllConnections();
    await files.close();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let dying: Promise<never> | undefined;
  let interrupted = false;
  const interrupt = (signal: NodeJS.Signals): void => {
    // A terminal that closes may send SIGHUP more than once.
    if (interrupted && signal === 'SIGHUP') return;
    if (opening && files.interruptible) {
      interrupted = true;
      opening
        .then(({ page }) => page.evaluate(() => (globalThis as PageScope).limrPage.interrupt()))
        .catch(() => undefined); // the page has just ended by itself
      return;
    }
    for (const name of signals) process.off(name, interrupt);
    // Then the signal ends the process as if it had no listener.
    dying = close()
      .finally(() => process.kill(process.pid, signal))
      .then(() => new Promise<never>(() => undefined));
  };
  for (const name of signals) process.on(name, interrupt);
  try {
    const { port } = server.address() as AddressInfo;
    opening = openPage(`http://127.0.0.1:${port}/`, adapter, opener, (name, args) =>
      files.answer(name, args),
    );
    const { page } = await opening;
    const settings: PageSettings = {
      environment: Object.fromEntries(
        Object.entries(process.env).flatMap(([name, value]) =>
          value !== undefined && shownVariables.test(name) ? [[name, value]] : [],
        ),
      ),
      terminal: host.terminal,
    };
    const run = page.evaluate(
      ([words, given]) => (globalThis as PageScope).limrPage.run(words, given),
      [argv, settings] as const,
    );
    const ended = death(page, files);
    return await Promise.race([run, ended]).finally(() => {
      // The promise that settled second is of no interest.
      run.catch(() => undefined);
      ended.catch(() => undefined);
    });
  } finally {
    for (const name of signals) process.off(name, interrupt);
    await (dying ?? close());
  }
}
