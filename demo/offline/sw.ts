// The service worker: the page as it was built, from the browser's own store. A version is kept whole
// or not at all, and every file is compared with the build's digest: what a login page or a proxy sends
// instead is never kept. Written to `sw.js` by `scripts/service-worker.mjs`.

declare const self: ServiceWorkerGlobalScope;
/** SHA-256 by path: what the page needs to show and to train without a network. */
declare const KEPT: Readonly<Record<string, string>>;
/** SHA-256 by path: what is kept once it was read. */
declare const KEPT_LATER: Readonly<Record<string, string>>;
declare const VERSION: string;

const PREFIX = 'limr-lab-';
const NAME = PREFIX + VERSION;

const scope = self.registration.scope;
const addressOf = (path: string): string =>
  new URL(path === 'index.html' ? './' : path, scope).href;

const hex = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** A copy of a file that is the build's; undefined if it is anything else. */
async function checked(response: Response, digest: string): Promise<Response | undefined> {
  if (!response.ok) return undefined;
  const bytes = await response.arrayBuffer();
  if (hex(await crypto.subtle.digest('SHA-256', bytes)) !== digest) return undefined;
  const type = response.headers.get('content-type');
  return new Response(bytes, { headers: type === null ? {} : { 'content-type': type } });
}

/** Keeps all files of this version. @throws TypeError if one cannot be had, or is not the build's. */
async function keepVersion(): Promise<void> {
  const cache = await caches.open(NAME);
  try {
    await Promise.all(
      Object.entries(KEPT).map(async ([path, digest]) => {
        const address = addressOf(path);
        const known = await caches.match(address);
        const copy =
          (known && (await checked(known, digest))) ??
          (await checked(await fetch(address, { cache: 'no-cache' }), digest));
        if (!copy) throw new TypeError(`${path} is not the file of version ${VERSION}`);
        await cache.put(address, copy);
      }),
    );
  } catch (error) {
    await caches.delete(NAME);
    throw error;
  }
}

/** Tabs that still show the version before this one find its files; older ones go. */
async function dropOlder(): Promise<void> {
  const versions = (await caches.keys()).filter((name) => name.startsWith(PREFIX));
  const older = versions.filter((name) => name !== NAME).slice(0, -1);
  await Promise.all(older.map((name) => caches.delete(name)));
}

/** A file of the page from the store, else from the network. */
async function answer(event: FetchEvent, address: string): Promise<Response> {
  const own = await caches.open(NAME);
  const kept = (await own.match(address)) ?? (await caches.match(address));
  if (kept) return kept;
  const response = await fetch(event.request);
  const path = address.slice(scope.length);
  const digest = Object.hasOwn(KEPT_LATER, path) ? KEPT_LATER[path] : undefined;
  if (digest !== undefined && response.ok) {
    const copy = response.clone();
    const keep = async (): Promise<void> => {
      const file = await checked(copy, digest);
      if (file) await own.put(address, file);
    };
    event.waitUntil(keep());
  }
  return response;
}

self.addEventListener('install', (event) => event.waitUntil(keepVersion()));
self.addEventListener('activate', (event) => event.waitUntil(dropOlder()));
self.addEventListener('message', ({ data }: ExtendableMessageEvent) => {
  if (data === 'take-over') void self.skipWaiting();
});
self.addEventListener('fetch', (event) => {
  const { method, url, headers, mode } = event.request;
  if (method !== 'GET' || !url.startsWith(scope) || headers.has('range')) return;
  const [address = ''] = url.split(/[?#]/);
  const page = mode === 'navigate' && ['', 'index.html'].includes(address.slice(scope.length));
  if (mode === 'navigate' && !page) return;
  event.respondWith(answer(event, page ? scope : address));
});

export {};
