// Loaded by `node --import`: puts the process under test, and each of its threads, under orders.
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { current, order, realPid, shared, type Orders } from './control.ts';
import { standBetweenDevices } from './device.ts';
import { standBetween } from './files.ts';

const threads = createRequire(import.meta.url)('node:worker_threads') as {
  Worker: typeof import('node:worker_threads').Worker;
};
const { Worker } = threads;

/** Threads obey the orders of their process. */
threads.Worker = class extends Worker {
  constructor(...[url, options]: ConstructorParameters<typeof Worker>) {
    super(url, { ...options, workerData: { limrFaults: shared } });
  }
};
syncBuiltinESMExports();

const given = process.env['LIMR_FAULT_ORDERS'];
if (isMainThread && given !== undefined) order(JSON.parse(given) as Orders);
Object.defineProperty(process, 'pid', { get: () => current().pid ?? realPid, configurable: true });
standBetween();
standBetweenDevices();
