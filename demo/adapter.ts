import { describeAdapter } from '../src/index.ts';

/** What a reader is told of an adapter. */
export interface AdapterFacts {
  readonly name: string;
  /** Whether it computes on the CPU. */
  readonly software: boolean;
  /** Bytes. */
  readonly buffer: number;
  /** Bytes. */
  readonly binding: number;
  readonly subgroups: boolean;
}

/** The browser's adapter, or why there is none. */
export type AdapterState =
  | {
      readonly kind: 'ready';
      readonly facts: AdapterFacts;
      readonly limits: GPUSupportedLimits;
    }
  | {
      readonly kind: 'missing';
      /** The page is not secure, the browser has no WebGPU, or it offers no adapter. */
      readonly cause: 'insecure' | 'absent' | 'refused';
      /** What the browser said, in English. */
      readonly why: string;
    };

/** Describes the adapter without opening it: the device belongs to the trainer's worker. */
export async function lookAtAdapter(): Promise<AdapterState> {
  if (!isSecureContext) return { kind: 'missing', cause: 'insecure', why: '' };
  try {
    const { name, kind, limits, features } = await describeAdapter();
    const facts = {
      name,
      software: kind === 'cpu',
      buffer: limits.maxBufferSize,
      binding: limits.maxStorageBufferBindingSize,
      subgroups: features.has('subgroups'),
    };
    return { kind: 'ready', facts, limits };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const absent = !(navigator as { readonly gpu?: GPU }).gpu;
    return { kind: 'missing', cause: absent ? 'absent' : 'refused', why };
  }
}
