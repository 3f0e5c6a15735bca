// Loaded by `deno run --preload`, which concerns the main thread alone: puts its workers under
// orders, each by loading this module before its own.
import { order, type Orders } from './control.ts';
import { patch } from './device.ts';

const scope = globalThis as unknown as { Worker: typeof Worker; readonly name?: string };
order(JSON.parse(process.env['LIMR_FAULT_ORDERS'] ?? '{}') as Orders);
patch(globalThis as unknown as Parameters<typeof patch>[0]);

scope.Worker = class extends Worker {
  constructor(url: string | URL, options?: WorkerOptions) {
    super(import.meta.url, { ...options, name: String(url) });
  }
};
// Only a worker has a name: the address of its own module.
if (scope.name) await import(scope.name);
