import { describeAdapter } from '../src/index.ts';
import { bytes } from '../src/look/wording.ts';
import { make } from './dom.ts';

/** The browser's adapter, or why there is none and what the user can do. */
export type AdapterState =
  | {
      readonly kind: 'ready';
      readonly facts: readonly (readonly [string, string])[];
      readonly limits: GPUSupportedLimits;
    }
  | { readonly kind: 'missing'; readonly reason: string; readonly advice: readonly string[] };

/** Describes the adapter without opening it: the device belongs to the trainer's worker. */
export async function lookAtAdapter(): Promise<AdapterState> {
  if (!isSecureContext) {
    return {
      kind: 'missing',
      reason: `WebGPU needs a secure page, and ${location.origin} is not one.`,
      advice: ['Open the page over https, or as http://localhost on the machine that serves it.'],
    };
  }
  try {
    const { name, kind, limits, features } = await describeAdapter();
    const facts: [string, string][] = [
      ['Adapter', name],
      ['Kind', kind === 'cpu' ? 'software, on the CPU: expect minutes, not seconds' : 'GPU'],
      ['Largest buffer', bytes(limits.maxBufferSize)],
      ['Largest binding', bytes(limits.maxStorageBufferBindingSize)],
      ['Subgroups', features.has('subgroups') ? 'yes, used' : 'no; not needed'],
    ];
    return { kind: 'ready', facts, limits };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const absent = !(navigator as { readonly gpu?: GPU }).gpu;
    return {
      kind: 'missing',
      reason: absent
        ? 'It has no WebGPU (navigator.gpu is missing), which the training runs on.'
        : `It has WebGPU, but offers no adapter to this page: ${message}.`,
      advice: absent ? absentAdvice : refusedAdvice,
    };
  }
}

const terminal = 'Or run it without a browser: npm install && npm start, in a terminal.';

const absentAdvice = [
  'Chrome or Edge 113 or newer on Windows, macOS and ChromeOS; 121 on Android.',
  'Safari 26 or newer.',
  'Firefox 141 or newer on Windows, 145 on a Mac with Apple silicon.',
  'Chrome on Linux: chrome://flags/#enable-unsafe-webgpu, where it is not on by default.',
  terminal,
];

const refusedAdvice = [
  'Turn on hardware acceleration in the browser’s settings, and restart the browser.',
  'Look at chrome://gpu (about:support in Firefox) for why WebGPU is disabled; update the driver.',
  'Without a GPU: start Chromium with --enable-unsafe-webgpu --use-webgpu-adapter=swiftshader.',
  terminal,
];

/** Fills a definition list with facts. */
export function showFacts(
  host: HTMLElement,
  facts: readonly (readonly [name: string, value: string])[],
): void {
  host.replaceChildren(
    ...facts.flatMap(([name, value]) => [make('dt', '', name), make('dd', '', value)]),
  );
}
