import { lowRankBackwardInput } from '../../kernels/low-rank-backward-input.ts';
import { lowRankBackwardWeight } from '../../kernels/low-rank-backward-weight.ts';
import { lowRankForward } from '../../kernels/low-rank-forward.ts';
import { matmulBackwardInput } from '../../kernels/matmul-backward-input.ts';
import { matmulBackwardWeight } from '../../kernels/matmul-backward-weight.ts';
import { matmulForward } from '../../kernels/matmul-forward.ts';
import { matvecForward } from '../../kernels/matvec-forward.ts';
import type { LowRankParts } from '../../kernels/lib/low-rank.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { Step } from '../gpu/plan.ts';
import { type BackwardPass, Linear, type Pass } from './linear.ts';

/** The factors of an adapter. R is a multiple of 4, P the number of the matrix's parts. */
export interface AdapterFactors {
  /** f32 (P R, K): the first factors of the parts, one below the other. */
  readonly a: Tensor;
  /** f32 (N, R): the second factors. */
  readonly b: Tensor;
  readonly parts: LowRankParts;
}

/**
 * A matrix with an adapter: `y = W x + bias + scale * B (A x)`. Forward, backward and decoding
 * multiply by the same numbers; nothing is merged. A pass back computes `A x` once more, which costs
 * R / N of the matrix's own product; to keep it would cost 4 R bytes a row and part in each layer.
 */
export class AdaptedLinear extends Linear {
  readonly #factors: AdapterFactors;

  constructor({ name, weight, bias }: Linear, factors: AdapterFactors) {
    super(name, weight, bias);
    this.#factors = factors;
  }

  override forward(
    x: Tensor,
    out: Tensor,
    pass: Pass & { readonly residual?: Tensor | undefined },
  ): Step[] {
    const { b, parts } = this.#factors;
    const { rows, mostWork } = pass;
    const t = this.#scratch(pass);
    return [
      ...this.#inner(x, t, pass),
      ...super.forward(x, out, pass),
      ...lowRankForward({ t, b, out }, { parts, rows, mostWork }),
    ];
  }

  override backward(dy: Tensor, x: Tensor, dx: Tensor, pass: BackwardPass): Step[] {
    const { a, b, parts } = this.#factors;
    const { rows, lanes, mostWork, gradients } = pass;
    const t = this.#scratch(pass);
    // The gradient of the inner values takes their place, once they have been used.
    const dt = t;
    const [da, db] = [gradients.tensor(a.name), gradients.tensor(b.name)];
    return [
      ...(db
        ? [
            ...this.#inner(x, t, pass),
            ...lowRankBackwardWeight({ dy, t, db }, { parts, rows, lanes, mostWork }),
          ]
        : []),
      ...lowRankBackwardInput({ dy, b, dt }, { parts, rows, lanes, mostWork }),
      // `dx` may share the memory of `x`.
      ...(da ? matmulBackwardWeight({ dy: dt, x, dw: da }, { rows, mostWork }) : []),
      ...super.backward(dy, x, dx, pass),
      ...matmulBackwardInput({ dy: dt, weight: a, dx }, { rows, mostWork, accumulate: 'after' }),
    ];
  }

  override decode(...[tensors, options]: Parameters<Linear['decode']>): Step[] {
    const { a, b, parts } = this.#factors;
    const { x, norm } = tensors;
    const t = this.#scratch(options);
    const adapter = { t, b, parts };
    return [
      matvecForward({ x, norm, weight: a, out: t }, { ...options, gated: false }),
      matvecForward({ ...tensors, weight: this.weight, bias: this.bias, adapter }, options),
    ];
  }

  #scratch({ lowRank }: Pick<Pass, 'lowRank'>): Tensor {
    return lowRank(this.#factors.a.shape[0] ?? 0);
  }

  /** Steps from `x` to `A x`. */
  #inner(x: Tensor, t: Tensor, { rows, mostWork }: Pass): Step[] {
    return matmulForward({ x, weight: this.#factors.a, out: t }, { rows, mostWork });
  }
}
