// The orders of the process under test, in memory that all its threads share.
import { writeFileSync } from 'node:fs';
import { isMainThread, workerData } from 'node:worker_threads';

/** The fault to inject into calls of `node:fs` below one folder. */
export interface FileOrder {
  readonly folder: string;
  readonly mode: 'count' | 'snapshot' | 'fail' | 'kill';
  /** The event at which the fault happens, counted from 1. */
  readonly at?: number;
  readonly code?: 'EIO' | 'ENOSPC' | 'EROFS' | 'EACCES';
  /** Whether every later event that takes room fails too. */
  readonly lasting?: boolean;
  /** Whether calls that only read count as events too. */
  readonly reads?: boolean;
  /** The folder for snapshots. */
  readonly states?: string;
}

/** The fault to inject into the run's device. */
export interface DeviceOrder {
  readonly mode: 'count' | 'watch' | 'lose' | 'throw' | 'memory' | 'map';
  /** The submit, allocation or mapping at which the fault happens, counted from 1. */
  readonly at?: number;
}

export interface Orders {
  readonly files?: FileOrder;
  readonly device?: DeviceOrder;
  /** Whether to keep the device for the next run, with everything compiled on it. */
  readonly warm?: boolean;
  /**
   * The pid that the process reports. Each run in one process gets its own pid, which no real
   * process has.
   */
  readonly pid?: number;
}

/** Indices of the counters. */
export const slot = {
  version: 0,
  length: 1,
  events: 2,
  submits: 3,
  allocations: 4,
  mappings: 5,
  fired: 6,
  states: 7,
  /** Buffers alive now, not buffers made. */
  buffers: 8,
  kibibytes: 9,
} as const;

const COUNTERS = 16;
const TEXT_BYTES = 8192;

interface WorkerOrders {
  readonly limrFaults?: SharedArrayBuffer;
}

const given = isMainThread ? undefined : (workerData as WorkerOrders | null)?.limrFaults;
export const shared = given ?? new SharedArrayBuffer(COUNTERS * 4 + TEXT_BYTES);
export const counters = new Int32Array(shared, 0, COUNTERS);
const text = new Uint8Array(shared, COUNTERS * 4);

let known = -1;
let orders: Orders = {};

/** The current orders. */
export function current(): Orders {
  const version = Atomics.load(counters, slot.version);
  if (version === known) return orders;
  known = version;
  const length = Atomics.load(counters, slot.length);
  // TextDecoder refuses shared memory, so copy it.
  const bytes = text.slice(0, length);
  orders = length === 0 ? {} : (JSON.parse(new TextDecoder().decode(bytes)) as Orders);
  return orders;
}

/** Gives new orders to all threads, and resets the counters. */
export function order(next: Orders): void {
  const bytes = new TextEncoder().encode(JSON.stringify(next));
  if (bytes.length > TEXT_BYTES) throw new Error('orders are too long');
  text.set(bytes);
  for (const place of Object.values(slot)) {
    if (place !== slot.version) Atomics.store(counters, place, 0);
  }
  Atomics.store(counters, slot.length, bytes.length);
  Atomics.add(counters, slot.version, 1);
}

/** Increments a counter. @returns The new count. */
export const count = (place: number): number => Atomics.add(counters, place, 1) + 1;

/**
 * Notes that the ordered fault has happened: in memory, and in an empty file for a host whose threads
 * do not share that memory.
 */
export function fire(): void {
  Atomics.add(counters, slot.fired, 1);
  const told = process.env['LIMR_FAULT_FIRED'];
  if (told !== undefined) writeFileSync(told, '');
}

export const realPid = process.pid;
