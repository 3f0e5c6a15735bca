import { storeOver, type StoreCalls } from '../workers/remote-store.ts';
import { serveVerifierFrames } from '../workers/verifier-frames.ts';
import type { CallReply, PageHeap, PageSettings, SystemCalls } from './page-protocol.ts';
import type { FileContent, System } from './system.ts';

/** Where the process that opened the page serves it. */
const FRAME_PAGE = '/page/verifier-frame.html';

/** Bytes per call: a multiple of 3, so that base64 needs no padding between chunks. */
const CHUNK = 3 << 20;

const bound = globalThis as unknown as {
  limrSystem(name: string, ...args: readonly unknown[]): Promise<CallReply>;
};

async function call<Name extends keyof SystemCalls>(
  name: Name,
  ...args: Parameters<SystemCalls[Name]>
): Promise<Awaited<ReturnType<SystemCalls[Name]>>> {
  const reply = await bound.limrSystem(name, ...args);
  if ('error' in reply) {
    throw Object.assign(new Error(reply.error.message), { name: reply.error.name });
  }
  return reply.value as Awaited<ReturnType<SystemCalls[Name]>>;
}

async function bytesOf(base64: string): Promise<Uint8Array> {
  const response = await fetch(`data:application/octet-stream;base64,${base64}`);
  return new Uint8Array(await response.arrayBuffer());
}

const base64Of = (bytes: Uint8Array): Promise<string> =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(reader.error ?? new Error('bytes cannot be read'));
    reader.onload = () => {
      const uri = reader.result as string;
      resolve(uri.slice(uri.indexOf(',') + 1));
    };
    reader.readAsDataURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  });

/** A file's content in pieces of at most `CHUNK` bytes. */
async function* pieces(content: FileContent): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) {
    for (let i = 0; i < content.length; i += CHUNK) yield content.subarray(i, i + CHUNK);
    return;
  }
  const encoder = new TextEncoder();
  let batch = '';
  const given = typeof content === 'string' ? [content] : content;
  for await (const piece of given as AsyncIterable<string | Uint8Array>) {
    if (typeof piece !== 'string') {
      yield* pieces(piece);
      continue;
    }
    batch += piece;
    if (batch.length < CHUNK) continue;
    yield* pieces(encoder.encode(batch));
    batch = '';
  }
  if (batch !== '') yield* pieces(encoder.encode(batch));
}

/** Chromium reports its heap in a field outside every standard. */
function heap(): PageHeap | undefined {
  const { memory } = performance as {
    readonly memory?: { readonly usedJSHeapSize: number; readonly jsHeapSizeLimit: number };
  };
  return memory && { used: memory.usedJSHeapSize, limit: memory.jsHeapSizeLimit };
}

const listeners = new Set<() => void>();

/** Tells the command that the user has pressed Ctrl-C. */
export function interrupt(): void {
  for (const listener of [...listeners]) listener();
}

/** The system of a command in a page: files and streams of the process that opened the page. */
export function pageSystem({ environment, terminal }: PageSettings): System {
  return {
    info: (path) => call('info', path),
    resolve: (path) => call('resolve', path),
    list: (path) => call('list', path),
    remove: (path) => call('remove', path),
    hubModel: (id, wanted) => call('hubModel', id, wanted),
    async open(path) {
      const { handle, size } = await call('open', path);
      return {
        name: path,
        size,
        async slice(start, end) {
          const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
          for (let done = 0; done < bytes.length; done += CHUNK) {
            const next = Math.min(bytes.length, done + CHUNK);
            bytes.set(await bytesOf(await call('read', handle, start + done, start + next)), done);
          }
          return bytes;
        },
        close: () => call('close', handle),
      };
    },
    async write(path, content) {
      const handle = await call('create', path);
      try {
        for await (const piece of pieces(content))
          await call('append', handle, await base64Of(piece));
        await call('commit', handle);
      } catch (error) {
        await call('abort', handle);
        throw error;
      }
    },
    stderr: (text, look) => call('stderr', text, look),
    stdout: (text) => call('stdout', text),
    doing: (what) => call('doing', what, heap()),
    environment: (name) => (Object.hasOwn(environment, name) ? environment[name] : undefined),
    terminal,
    onInterrupt(listener) {
      const leave = (): void => {
        listeners.delete(hear);
        void call('interruptible', listeners.size > 0);
      };
      const hear = (): void => {
        leave();
        listener();
      };
      listeners.add(hear);
      void call('interruptible', true);
      return leave;
    },
    async lock(folder) {
      await call('lock', folder);
      // A page's lock never reports its loss: after a loss the folder's store refuses writes.
      return { lost: new Promise(() => undefined), release: () => call('unlock', folder) };
    },
    verifierFrames: () => serveVerifierFrames(new URL(FRAME_PAGE, location.href)),
    // Workers of a page reach the files only through the page.
    runStore(folder) {
      const store = (name: keyof StoreCalls, ...args: unknown[]): Promise<unknown> =>
        call('store', folder, name, args);
      const done = async (name: keyof StoreCalls, ...args: unknown[]): Promise<void> => {
        await store(name, ...args);
      };
      return storeOver({
        size: async (path) => (await store('size', path)) as number | undefined,
        slice: async (path, start, end) =>
          bytesOf((await store('slice', path, start, end)) as string),
        remove: (path) => done('remove', path),
        list: async (path) => (await store('list', path)) as string[],
        begin: async (path, start) => (await store('begin', path, start)) as number,
        put: async (handle, bytes) => done('put', handle, await base64Of(bytes)),
        commit: (handle) => done('commit', handle),
        abort: (handle) => done('abort', handle),
      });
    },
  };
}
