import { blocksOf, rowWords } from '../../kernels/lib/blocks.ts';
import { embeddingForward } from '../../kernels/embedding-forward.ts';
import { matmulForward } from '../../kernels/matmul-forward.ts';
import { type Context, withScope } from './context.ts';
import { Fields } from './fields.ts';
import { ExpectedTensors } from './tensors.ts';

const folder = 'quant';
const kinds = ['int8', 'int4'] as const;

/** Words and values are exact. */
const exact = { max: 0 };

/** Matrices in blocks of int8 and int4: the words that the host makes, and the values that kernels read. */
export async function checkQuant({ gpu, fixtures, report }: Context): Promise<void> {
  const [about, file] = [`${folder}/quant.json`, `${folder}/quant.safetensors`];
  if (!fixtures.has(file)) return;
  const fields = new Fields(await fixtures.json(about), about);
  const cases = fields.objects('cases');
  const tensors = await ExpectedTensors.open(fixtures, file);
  const named = cases.map((one) => `${one.text('matrix')} ${one.text('kind')}`);
  const matrices = tensors.keys.flatMap((key) => /^(.+)\.input$/.exec(key)?.[1] ?? []);
  const all = matrices.flatMap((matrix) => kinds.map((kind) => `${matrix} ${kind}`));
  report.equal(about, 'cases', [...named].sort(), all.sort());
  for (const one of cases) {
    const matrix = one.text('matrix');
    const kind = kinds.find((own) => own === one.text('kind'));
    if (!kind) throw new Error(`${one.where}: kind ${one.text('kind')}`);
    const [rows = 0, width = 0] = tensors.shape(`${matrix}.input`);
    report.equal(
      about,
      `${matrix}: words of a row`,
      rowWords(kind, width),
      one.number('words_per_row'),
    );
    const words = blocksOf(kind, tensors.f32(`${matrix}.input`), width);
    const wanted = tensors.i32(`${matrix}.${kind}.words`);
    report.close(file, `${matrix}.${kind}.words`, new Int32Array(words.buffer), wanted, exact);
    // A lookup reads fours, the plain product with a unit matrix one number at a time.
    const values = tensors.f32(`${matrix}.${kind}.dequantized`);
    await withScope(gpu, async (scope) => {
      const weight = scope.empty('weight', [rows, width], kind);
      gpu.upload(weight, words);
      const ids = scope.tensor(
        'ids',
        Uint32Array.from({ length: rows }, (_, row) => row),
      );
      const looked = scope.empty('out', [rows, width]);
      const ones = new Float32Array(width * width);
      for (let i = 0; i < width; i++) ones[i * width + i] = 1;
      const product = scope.empty('product', [width, rows]);
      await scope.run([
        embeddingForward({ token_ids: ids, weight, out: looked }, { rows }),
        ...matmulForward(
          { x: scope.tensor('x', ones, [width, width]), weight, out: product },
          { rows: width, variant: 'plain' },
        ),
      ]);
      const found = await gpu.read(looked, 'f32');
      report.close(file, `${matrix}.${kind}.dequantized, looked up`, found, values, exact);
      const turned = await gpu.read(product, 'f32');
      const back = Float32Array.from(values, (_, at) => {
        return turned[(at % width) * rows + Math.floor(at / width)] ?? NaN;
      });
      report.close(file, `${matrix}.${kind}.dequantized, multiplied`, back, values, exact);
    });
  }
  tensors.done();
}
