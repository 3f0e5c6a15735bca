import { columnSum } from '../../kernels/column-sum.ts';
import { matmulBackwardInput } from '../../kernels/matmul-backward-input.ts';
import { matmulBackwardWeight } from '../../kernels/matmul-backward-weight.ts';
import { matmulForward } from '../../kernels/matmul-forward.ts';
import { matvecForward } from '../../kernels/matvec-forward.ts';
import type { Lanes } from '../../kernels/lib/lanes.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Size } from '../../kernels/lib/variable.ts';
import type { Step } from '../gpu/plan.ts';

/** How the kernels of a pass run: rows in use, and settings that suit the adapter. */
export interface Pass {
  readonly rows: Size;
  readonly lanes: Lanes;
  /** Most multiply-adds of one dispatch. */
  readonly mostWork: number;
  /**
   * Scratch of adapters: f32 (M, columns). Its content lasts until the next layer asks for scratch.
   */
  readonly lowRank: (columns: number) => Tensor;
}

/**
 * Gradients of parameters, by the names that the layout gives the parameters. A backward pass adds
 * to them.
 */
export interface Gradients {
  /** f32, of the parameter's shape. Undefined where the parameter is frozen. */
  tensor(name: string): Tensor | undefined;
}

/** A backward pass. */
export interface BackwardPass extends Pass {
  readonly gradients: Gradients;
  /** Scratch for sums over rows: f32 (blocks, columns). */
  readonly partials: (columns: number) => Tensor;
}

/**
 * A matrix that layers multiply by, with its bias. Only this class knows how the numbers are stored
 * and which kernels multiply by them. Row-major, output features first: (N, K).
 */
export class Linear {
  readonly name: string;
  /** f32, f16, int8 or int4 (N, K), as kernels bind it. */
  readonly weight: Tensor;
  /** f32 (N); none when undefined. */
  readonly bias: Tensor | undefined;

  /** @param bias f32 (N); its gradient has the same name. */
  constructor(name: string, weight: Tensor, bias?: Tensor) {
    this.name = name;
    this.weight = weight;
    this.bias = bias;
  }

  /**
   * Steps from `x` (M, K) to `out` (M, N).
   *
   * @param options.residual Added to the result; the residual must not be `out` itself.
   */
  forward(
    x: Tensor,
    out: Tensor,
    { rows, mostWork, residual }: Pass & { readonly residual?: Tensor | undefined },
  ): Step[] {
    const { weight } = this;
    return matmulForward({ x, weight, bias: this.bias, residual, out }, { rows, mostWork });
  }

  /**
   * Steps from `dy` (M, N), the gradient of the output, to `dx` (M, K), which is overwritten, and
   * to the gradients of bias and weight, which are added to unless they are frozen. `dx` may share
   * the memory of `x`.
   */
  backward(dy: Tensor, x: Tensor, dx: Tensor, pass: BackwardPass): Step[] {
    // The weight's gradient is the last to read `x`.
    return [...this.backwardWeight(dy, x, pass), ...this.backwardInput(dy, dx, pass)];
  }

  /** The steps of `backward` to the gradients of bias and weight. */
  backwardWeight(dy: Tensor, x: Tensor, pass: BackwardPass): Step[] {
    const { rows, mostWork, gradients } = pass;
    const dw = gradients.tensor(this.name);
    return [
      ...this.#biasBackward(dy, pass),
      ...(dw ? matmulBackwardWeight({ dy, x, dw }, { rows, mostWork }) : []),
    ];
  }

  /**
   * The steps of `backward` to `dx`.
   *
   * @param pass.accumulate Adds to `dx`, as `matmulBackwardInput`.
   */
  backwardInput(
    dy: Tensor,
    dx: Tensor,
    { rows, mostWork, accumulate }: Pass & { readonly accumulate?: 'before' | undefined },
  ): Step[] {
    return matmulBackwardInput({ dy, weight: this.weight, dx }, { rows, mostWork, accumulate });
  }

  #biasBackward(dy: Tensor, { rows, gradients, partials }: BackwardPass): Step[] {
    const { bias } = this;
    const out = bias && gradients.tensor(bias.name);
    if (!out) return [];
    const sums = partials(out.shape[0] ?? 0);
    const [blocks = 1] = sums.shape;
    return [
      columnSum({ x: dy, out: sums }, { rows, accumulate: false }),
      columnSum({ x: sums, out }, { rows: blocks, accumulate: true }),
    ];
  }

  /**
   * `forward` for few rows, with the norm before the matrix and the gate after it in the same step.
   *
   * @param tensors.norm Weight (K) of the RMSNorm that `x` goes through first.
   */
  decode(
    tensors: {
      readonly x: Tensor;
      readonly norm?: Tensor | undefined;
      readonly residual?: Tensor | undefined;
      readonly out: Tensor;
    },
    options: DecodeOptions,
  ): Step[] {
    return [matvecForward({ ...tensors, weight: this.weight, bias: this.bias }, options)];
  }
}

/** How a linear layer computes few rows. */
export interface DecodeOptions extends Pick<Pass, 'rows' | 'lanes' | 'lowRank'> {
  /** Of the norm before the matrix. */
  readonly epsilon: number;
  /** Whether SwiGLU halves the columns. */
  readonly gated?: boolean;
}
