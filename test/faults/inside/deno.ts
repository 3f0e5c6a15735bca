// Loaded by `deno run --preload`, which concerns the main thread alone: puts its workers under
// orders, each by loading this module before its own.
import { order, type Orders } from './control.ts';
import { patch } from './device.ts';

const scope = globalThis as unknown as Record<string, { readonly prototype: object }> & {
  Worker: typeof Worker;
};
order(JSON.parse(process.env['LIMR_FAULT_ORDERS'] ?? '{}') as Orders);
patch(scope);

scope.Worker = class extends Worker {
  constructor(url: string | URL, options?: WorkerOptions) {
    const first = new URL(import.meta.url);
    first.searchParams.set('then', String(url));
    super(first, options);
  }
};
const then = new URL(import.meta.url).searchParams.get('then');
if (then !== null) await import(then);
