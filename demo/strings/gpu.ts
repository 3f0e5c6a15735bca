// Texts of the browser's adapter: what it is, or why there is none and what can be done.
import { restartAdvice } from '../../src/index.ts';
import { translated } from './translated.ts';

const terminal = 'Or run it without a browser: npm install && npm start, in a terminal.';

const english = {
  title: 'This browser cannot train here',
  whatToDo: 'What to do',
  insecure: (origin: string) => `WebGPU needs a secure page, and ${origin} is not one.`,
  absent: 'It has no WebGPU (navigator.gpu is missing), which the training runs on.',
  refused: (why: string) => `It has WebGPU, but offers no adapter to this page: ${why}.`,
  advice: {
    insecure: [
      'Open the page over https, or as http://localhost on the machine that serves it.',
    ] as readonly string[],
    absent: [
      'Chrome or Edge 113 or newer on Windows, macOS and ChromeOS; 121 on Android.',
      'Safari 26 or newer.',
      'Firefox 141 or newer on Windows, 145 on a Mac with Apple silicon.',
      'Chrome on Linux: chrome://flags/#enable-unsafe-webgpu, where it is not on by default.',
      terminal,
    ] as readonly string[],
    refused: [
      'Turn on hardware acceleration in the browser’s settings, and restart the browser.',
      'Look at chrome://gpu (about:support in Firefox) for why WebGPU is disabled; update the driver.',
      'Without a GPU: start Chromium with --enable-unsafe-webgpu --use-webgpu-adapter=swiftshader.',
      terminal,
    ] as readonly string[],
  },
  restart: restartAdvice,
  adapter: 'Adapter',
  none: 'none: see the top of the page',
  kind: 'Kind',
  software: 'software, on the CPU: expect minutes, not seconds',
  gpu: 'GPU',
  buffer: 'Largest buffer',
  binding: 'Largest binding',
  subgroups: 'Subgroups',
  used: 'yes, used',
  unneeded: 'no; not needed',
};

export type GpuText = typeof english;

export const gpuText = translated(english, {
  de: () => import('./de/gpu.ts'),
  zh: () => import('./zh/gpu.ts'),
});
