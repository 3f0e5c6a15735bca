import { expect, test } from 'vitest';
import type { Dispatch } from '../../kernels/lib/kernel.ts';
import type { Asking } from '../../src/gpu/contracts.ts';
import { makePipeline } from '../../src/gpu/make-pipeline.ts';

test('a device that goes away while it compiles leaves no rejection that nobody awaits', async () => {
  const gone = (): Promise<never> => Promise.reject(new Error('instance dropped'));
  const unawaited: unknown[] = [];
  const note = (reason: unknown): void => void unawaited.push(reason);
  process.on('unhandledRejection', note);
  const later = new Promise<void>((resolve) => setTimeout(resolve, 20));
  const device = {
    pushErrorScope: () => undefined,
    createShaderModule: () => ({ getCompilationInfo: () => later.then(gone) }),
    popErrorScope: gone,
  };
  const made = makePipeline(
    { device, ask: (call: () => unknown) => call() } as unknown as Asking,
    { kernel: { name: 'k', code: '' }, header: '', constants: {} } as unknown as Dispatch,
    {} as GPUBindGroupLayout,
  );
  await expect(made).rejects.toThrow('instance dropped');
  await later;
  await new Promise((resolve) => setTimeout(resolve, 0));
  process.off('unhandledRejection', note);
  expect(unawaited).toEqual([]);
});
