// Setup of the Deno project. Deno reads TypeScript, but not Vite's `?raw` imports. The hooks that
// add these imports count per thread, so a worker gets an entry module that installs them first.
const HostWorker = globalThis.Worker;

class SourceWorker extends HostWorker {
  constructor(url: string | URL, options?: WorkerOptions) {
    const source = new URL(url, import.meta.url);
    if (source.pathname.endsWith('.ts')) {
      const entry = new URL('./deno-worker-entry.mjs', import.meta.url);
      entry.searchParams.set('source', source.href);
      super(entry, options);
    } else {
      super(url, options);
    }
  }
}

globalThis.Worker = SourceWorker;
