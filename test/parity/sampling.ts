import { samplingDistribution } from '../../kernels/sampling-distribution.ts';
import { type Context, withScope } from './context.ts';
import { Fields } from './fields.ts';

const file = 'sampling.json';
/** A little above the least normal float32: WGSL may flush what is below to 0. */
const smallest = 1e-36;

/** Distributions after temperature, top-k, top-p and min-p. */
export async function checkSampling({ gpu, fixtures, report, memo }: Context): Promise<void> {
  if (!fixtures.has(file)) return;
  const all = new Fields(await fixtures.json(file), file);
  all.skip('note');
  for (const [i, fields] of all.objects('cases').entries()) {
    const logits = fields.numbers('logits');
    const filter = {
      temperature: fields.number('temperature'),
      topK: fields.number('top_k'),
      topP: fields.number('top_p'),
      minP: fields.number('min_p'),
    };
    const got = await memo.get('sampling', [logits, filter], () =>
      withScope(gpu, async (scope) => {
        const shape = [1, logits.length];
        const probabilities = scope.empty('probabilities', shape);
        await scope.run([
          samplingDistribution(
            {
              logits: scope.tensor('logits', logits, shape),
              stop_ids: scope.empty('stop_ids', [1], 'u32'),
              probabilities,
            },
            { ...filter, rows: 1, stopCount: 0 },
          ),
        ]);
        return gpu.read(probabilities, 'f32');
      }),
    );
    const want = fields.numbers('probs');
    report.close(file, `case ${i}: probabilities`, got, want, { max: 1e-6 });
    // Filtered means exactly 0, not just small; only what float32 cannot hold may be either.
    const kept = (values: ArrayLike<number>) =>
      Array.from(values, (value, token) => {
        const expected = want[token] ?? NaN;
        return expected > 0 && expected < smallest ? 'either' : Number(value > 0);
      });
    report.equal(file, `case ${i}: tokens kept`, kept(got), kept(want));
    fields.done();
  }
  all.done();
}
