import { describe, expect, test } from 'vitest';
import { byteLength, type Tensor } from '../../kernels/lib/tensor.ts';
import { phantomGpu } from '../../src/gpu/phantom.ts';
import { SharedMemory } from '../../src/gpu/shared-memory.ts';

const gpuWith = (limit: number) =>
  phantomGpu({ maxBufferSize: 2 * limit, maxStorageBufferBindingSize: limit });

/** Whether two tensors have a byte in common. */
const overlap = (a: Tensor, b: Tensor): boolean =>
  a.buffer === b.buffer &&
  a.offset < b.offset + byteLength(b) &&
  b.offset < a.offset + byteLength(a);

describe('SharedMemory', () => {
  test('gives a turn tensors that do not overlap, roles in buffers of their own', () => {
    const turn = new SharedMemory(gpuWith(2 ** 20)).nextTurn();
    const made = [
      ...turn.tensors('qkv', [100, 3], 4),
      ...turn.tensors('gated', [77], 3),
      turn.tensor('output', [1]),
    ];
    for (const [i, a] of made.entries()) {
      expect(a.offset % 256).toBe(0);
      expect(a.offset + byteLength(a)).toBeLessThanOrEqual(a.buffer.size);
      for (const b of made.slice(0, i)) {
        expect(overlap(a, b)).toBe(false);
        expect(a.buffer === b.buffer).toBe(a.name === b.name);
      }
    }
  });

  test('lays the tensors of a later turn over those of an earlier one, and grows by the rest', () => {
    const gpu = gpuWith(2 ** 20);
    const memory = new SharedMemory(gpu);
    const updates = memory.nextTurn();
    const wide = updates.tensors('wide', [1024], 2);
    const narrow = updates.tensor('narrow', [64]);
    const before = gpu.memory.total();
    const rollouts = memory.nextTurn();
    // The smallest buffer that is large enough, not the first.
    expect(rollouts.tensor('status', [64])).toMatchObject({ buffer: narrow.buffer, offset: 0 });
    const caches = rollouts.tensors('cache', [512], 4, 'kv-cache');
    expect(caches.map(({ buffer }) => buffer)).toEqual(caches.map(() => wide[0].buffer));
    expect(gpu.memory.total()).toBe(before);
    // No buffer is left that has no role yet.
    rollouts.tensor('logits', [64], 'kv-cache');
    expect(gpu.memory.total()).toBe(before + 256);
    expect(gpu.memory.byPurpose()['kv-cache']).toBe(256);
  });

  test('keeps buffers within the limits, and refuses a tensor past them', () => {
    const memory = new SharedMemory(gpuWith(4096));
    const turn = memory.nextTurn();
    const made = turn.tensors('qkv', [400], 5);
    expect(new Set(made.map(({ buffer }) => buffer)).size).toBe(3);
    for (const { tensor } of memory.blocks) {
      expect(byteLength(tensor)).toBeLessThanOrEqual(4096);
    }
    expect(() => turn.tensor('logits', [1025])).toThrow('logits needs 4112 bytes in one binding');
  });

  test('lays the parts of a turn over one another, beside what the turn held before', () => {
    const gpu = gpuWith(2 ** 20);
    const turn = new SharedMemory(gpu).nextTurn();
    const kept = turn.tensors('cache', [512], 2);
    const [first, second] = [turn.fork(), turn.fork()];
    const wide = first.tensors('wide', [1024], 2);
    // A role of the turn goes on in each part.
    const [more] = first.tensors('cache', [512], 1);
    const before = gpu.memory.total();
    const [again] = second.tensors('cache', [512], 1);
    const narrow = second.tensors('narrow', [1024], 2);
    expect(gpu.memory.total()).toBe(before);
    expect(overlap(more, again)).toBe(true);
    expect(narrow.map(({ buffer }) => buffer)).toEqual(wide.map(({ buffer }) => buffer));
    for (const held of kept) {
      for (const other of [...wide, more, again, ...narrow]) {
        expect(overlap(held, other)).toBe(false);
      }
    }
  });

  test('begins with the buffers it is given, and frees all', () => {
    const gpu = gpuWith(2 ** 20);
    const first = new SharedMemory(gpu, { alone: true });
    first.nextTurn().tensors('cache', [256], 3, 'kv-cache');
    expect(first.blocks.length).toBe(3);
    const second = new SharedMemory(gpu, { begin: first.blocks });
    first.destroy();
    const bytes = gpu.memory.total();
    expect(bytes).toBe(3 * 1024);
    second.nextTurn().tensors('hidden', [256], 3);
    expect(gpu.memory.total()).toBe(bytes);
    second.destroy();
    expect(gpu.memory.total()).toBe(0);
  });
});
