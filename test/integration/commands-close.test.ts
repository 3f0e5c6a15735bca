import { afterEach, expect, test, vi } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { useSystem } from '../../src/cli/system.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { MemorySystem } from '../support/memory-system.ts';

// A device of its own, whose kernels are looked at first.
vi.setConfig({ testTimeout: 120_000 });
afterEach(() => {
  useSystem(undefined);
  vi.restoreAllMocks();
});

test.each([
  ['writes its file', 0],
  ['cannot write it', 1],
])('limr base closes its device where it %s', async (_, code) => {
  const config = JSON.stringify({
    base: { updates: 0 },
    model: { hiddenSize: 16, intermediateSize: 16, layers: 1, heads: 2, kvHeads: 1, headDim: 8 },
  });
  const memory = new MemorySystem([['c.json', new TextEncoder().encode(config)]]);
  if (code !== 0) memory.write = () => Promise.reject(new Error('no room'));
  useSystem(memory);
  const close = vi.spyOn(Gpu.prototype, 'close');
  expect([await main(['base', 'c.json', '--out', 'base.safetensors']), memory.err]).toEqual([
    code,
    expect.stringContaining(code === 0 ? 'base: base.safetensors' : 'limr base: no room'),
  ]);
  expect(close).toHaveBeenCalledTimes(1);
});
