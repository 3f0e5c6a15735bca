import { describe, expect, test } from 'vitest';
import { copy } from '../../kernels/copy.ts';
import { copyReference } from '../reference/copy.ts';
import { folded } from '../support/folded.ts';
import { expectClose, openTestGpu, run, seeded, tensorOf } from '../support/gpu.ts';
import { marked } from '../support/marked.ts';

const gpu = await openTestGpu();

describe('copy', () => {
  test.each([4, 1020, 1024, 1028, 9988])('moves %i numbers unchanged', async (count) => {
    const data = seeded(count, 1);
    const x = tensorOf(gpu, 'x', data);
    const out = tensorOf(gpu, 'out', marked(count));
    const step = copy({ x, out });
    await run(gpu, [count > 1024 ? folded(step) : step]);
    expectClose(await gpu.read(out, 'f32'), copyReference(data), { abs: 0 });
    expectClose(await gpu.read(x, 'f32'), data, { abs: 0 });
  });

  test('refuses lengths that differ or are no multiple of four', () => {
    const vector = (name: string, length: number) => tensorOf(gpu, name, marked(length));
    expect(() => copy({ x: vector('x', 8), out: vector('out', 4) })).toThrow(
      "copy: out must be (8), got (4) from 'out'",
    );
    expect(() => copy({ x: vector('x', 6), out: vector('out', 6) })).toThrow(
      'copy: length 6 is not 4 * n',
    );
  });
});
