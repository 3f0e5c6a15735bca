/**
 * A whole decoder, its gradients and PPO's losses in float64, by reverse-mode differentiation, one
 * sequence at a time. It is written from the papers and shares no kernel, shape rule or derivative
 * with the engine.
 */

/** A matrix, its derivation, and d(loss)/d(matrix). */
export interface Value {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
  readonly gradient: Float64Array;
}

export interface DecoderShape {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly epsilon: number;
  readonly theta: number;
}

/** Remembers operations in order; `backward` runs their derivatives in reverse. */
export class Tape {
  /** Hears what each layer attends to: for each head, (T, T) shares of the tokens that it sees. */
  attended: ((heads: readonly Float64Array[]) => void) | undefined;
  readonly #backward: (() => void)[] = [];

  #value(rows: number, columns: number, backward: (out: Value) => void): Value {
    const size = rows * columns;
    const out = {
      rows,
      columns,
      data: new Float64Array(size),
      gradient: new Float64Array(size),
    };
    this.#backward.push(() => backward(out));
    return out;
  }

  /** Applies a function of up to two numbers entry by entry, given its derivatives by both. */
  map(
    a: Value,
    b: Value,
    f: (x: number, y: number) => number,
    derivatives: (x: number, y: number) => readonly [number, number],
  ): Value {
    const out = this.#value(a.rows, a.columns, (own) => {
      own.gradient.forEach((g, i) => {
        const [dx, dy] = derivatives(a.data[i], b.data[i % b.data.length]);
        a.gradient[i] += g * dx;
        b.gradient[i % b.data.length] += g * dy;
      });
    });
    out.data.set(a.data.map((x, i) => f(x, b.data[i % b.data.length])));
    return out;
  }

  /** Rows of a table. */
  gather(table: Value, ids: readonly number[]): Value {
    const { columns } = table;
    const out = this.#value(ids.length, columns, (own) => {
      for (const [r, id] of ids.entries()) {
        for (let c = 0; c < columns; c++) {
          table.gradient[id * columns + c] += own.gradient[r * columns + c];
        }
      }
    });
    for (const [r, id] of ids.entries()) {
      out.data.set(table.data.subarray(id * columns, (id + 1) * columns), r * columns);
    }
    return out;
  }

  /** x W^T. */
  linear(x: Value, weight: Value): Value {
    const [n, k, m] = [x.rows, x.columns, weight.rows];
    const out = this.#value(n, m, (own) => {
      for (let r = 0; r < n; r++) {
        for (let j = 0; j < m; j++) {
          const g = own.gradient[r * m + j];
          if (g === 0) continue;
          for (let i = 0; i < k; i++) {
            x.gradient[r * k + i] += g * weight.data[j * k + i];
            weight.gradient[j * k + i] += g * x.data[r * k + i];
          }
        }
      }
    });
    for (let r = 0; r < n; r++) {
      for (let j = 0; j < m; j++) {
        let sum = 0;
        for (let i = 0; i < k; i++) sum += x.data[r * k + i] * weight.data[j * k + i];
        out.data[r * m + j] = sum;
      }
    }
    return out;
  }

  /** x / rms(x) * weight, over groups of as many numbers as the weight has. */
  rmsNorm(x: Value, weight: Value, epsilon: number): Value {
    const size = weight.data.length;
    const scaleOf = (first: number): number => {
      let sum = 0;
      for (let i = first; i < first + size; i++) sum += x.data[i] ** 2;
      return 1 / Math.sqrt(sum / size + epsilon);
    };
    const out = this.#value(x.rows, x.columns, ({ gradient }) => {
      for (let first = 0; first < x.data.length; first += size) {
        const scale = scaleOf(first);
        let along = 0;
        for (let i = 0; i < size; i++) {
          along += gradient[first + i] * weight.data[i] * x.data[first + i];
          weight.gradient[i] += gradient[first + i] * x.data[first + i] * scale;
        }
        for (let i = 0; i < size; i++) {
          x.gradient[first + i] +=
            gradient[first + i] * weight.data[i] * scale -
            (x.data[first + i] * scale ** 3 * along) / size;
        }
      }
    });
    for (let first = 0; first < x.data.length; first += size) {
      const scale = scaleOf(first);
      for (let i = 0; i < size; i++) {
        out.data[first + i] = x.data[first + i] * scale * weight.data[i];
      }
    }
    return out;
  }

  /** Rotary positions: row r is at position r; a head's first half pairs with its second. */
  rope(x: Value, headDim: number, theta: number): Value {
    const half = headDim / 2;
    /** Visits each pair of entries with the cosine and sine of its angle. */
    const pairs = (use: (i: number, j: number, cos: number, sin: number) => void): void => {
      for (let r = 0; r < x.rows; r++) {
        for (let first = 0; first < x.columns; first += headDim) {
          for (let d = 0; d < half; d++) {
            const angle = r * theta ** (-(2 * d) / headDim);
            const i = r * x.columns + first + d;
            use(i, i + half, Math.cos(angle), Math.sin(angle));
          }
        }
      }
    };
    const out = this.#value(x.rows, x.columns, ({ gradient }) => {
      pairs((i, j, cos, sin) => {
        x.gradient[i] += gradient[i] * cos + gradient[j] * sin;
        x.gradient[j] += gradient[j] * cos - gradient[i] * sin;
      });
    });
    pairs((i, j, cos, sin) => {
      out.data[i] = x.data[i] * cos - x.data[j] * sin;
      out.data[j] = x.data[j] * cos + x.data[i] * sin;
    });
    return out;
  }

  /** Causal attention of grouped queries. */
  attention(q: Value, k: Value, v: Value, shape: DecoderShape): Value {
    const { heads, kvHeads, headDim: D } = shape;
    const T = q.rows;
    const scale = 1 / Math.sqrt(D);
    const shares = new Float64Array(heads * T * T);
    const queryAt = (t: number, h: number) => t * q.columns + h * D;
    const keyAt = (t: number, h: number) => t * k.columns + Math.floor((h * kvHeads) / heads) * D;
    const out = this.#value(T, heads * D, ({ gradient }) => {
      for (let h = 0; h < heads; h++) {
        for (let t = 0; t < T; t++) {
          const own = shares.subarray((h * T + t) * T, (h * T + t + 1) * T);
          const dshares = new Float64Array(T);
          for (let s = 0; s <= t; s++) {
            for (let d = 0; d < D; d++) {
              dshares[s] += gradient[queryAt(t, h) + d] * v.data[keyAt(s, h) + d];
              v.gradient[keyAt(s, h) + d] += own[s] * gradient[queryAt(t, h) + d];
            }
          }
          const mean = dshares.reduce((sum, g, s) => sum + g * own[s], 0);
          for (let s = 0; s <= t; s++) {
            const g = own[s] * (dshares[s] - mean) * scale;
            for (let d = 0; d < D; d++) {
              q.gradient[queryAt(t, h) + d] += g * k.data[keyAt(s, h) + d];
              k.gradient[keyAt(s, h) + d] += g * q.data[queryAt(t, h) + d];
            }
          }
        }
      }
    });
    for (let h = 0; h < heads; h++) {
      for (let t = 0; t < T; t++) {
        const scores = Array.from({ length: t + 1 }, (_, s) => {
          let dot = 0;
          for (let d = 0; d < D; d++) dot += q.data[queryAt(t, h) + d] * k.data[keyAt(s, h) + d];
          return dot * scale;
        });
        for (const [s, share] of softmax(scores).entries()) {
          shares[(h * T + t) * T + s] = share;
          for (let d = 0; d < D; d++) {
            out.data[queryAt(t, h) + d] += share * v.data[keyAt(s, h) + d];
          }
        }
      }
    }
    this.attended?.(
      Array.from({ length: heads }, (_, h) => shares.subarray(h * T * T, (h + 1) * T * T)),
    );
    return out;
  }

  /** Log-probability of one id in each row of logits: (rows, 1). */
  logprobs(logits: Value, ids: readonly number[]): Value {
    const V = logits.columns;
    const shares = ids.map((_, r) => softmax([...logits.data.subarray(r * V, (r + 1) * V)]));
    const out = this.#value(ids.length, 1, ({ gradient }) => {
      for (const [r, id] of ids.entries()) {
        for (const [c, share] of shares[r].entries()) {
          logits.gradient[r * V + c] += gradient[r] * (Number(c === id) - share);
        }
      }
    });
    for (const [r, id] of ids.entries()) out.data[r] = Math.log(shares[r][id]);
    return out;
  }

  /** Consecutive rows, from `first` on. */
  rows(x: Value, first: number, count: number): Value {
    const from = first * x.columns;
    const out = this.#value(count, x.columns, ({ gradient }) => {
      gradient.forEach((g, i) => {
        x.gradient[from + i] += g;
      });
    });
    out.data.set(x.data.subarray(from, from + count * x.columns));
    return out;
  }

  /**
   * Computes all derivatives of the losses. The gradients of the losses themselves must be set
   * before.
   */
  backward(): void {
    for (const step of this.#backward.reverse()) step();
    this.#backward.length = 0;
  }
}

export const valueOf = (rows: number, columns: number, data: ArrayLike<number>): Value => ({
  rows,
  columns,
  data: Float64Array.from(data),
  gradient: new Float64Array(data.length),
});

function softmax(scores: readonly number[]): number[] {
  const top = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const weights = scores.map((score) => Math.exp(score - top));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/**
 * Hidden states of one sequence after the final norm: (T, width). Parameters have their Hugging
 * Face names; biases and query and key norms are used if they are present.
 */
export function hiddenStates(
  tape: Tape,
  parameters: ReadonlyMap<string, Value>,
  shape: DecoderShape,
  ids: readonly number[],
): Value {
  const parameter = (name: string): Value => {
    const value = parameters.get(name);
    if (!value) throw new Error(`no parameter ${name}`);
    return value;
  };
  const add = (a: Value, b: Value): Value =>
    tape.map(
      a,
      b,
      (x, y) => x + y,
      () => [1, 1],
    );
  let x = tape.gather(parameter('model.embed_tokens.weight'), ids);
  for (let layer = 0; layer < shape.layers; layer++) {
    const at = `model.layers.${layer}`;
    const project = (from: Value, name: string): Value => {
      const out = tape.linear(from, parameter(`${at}.${name}.weight`));
      const bias = parameters.get(`${at}.${name}.bias`);
      return bias ? add(out, bias) : out;
    };
    const turned = (from: Value, name: 'q' | 'k'): Value => {
      const out = project(from, `self_attn.${name}_proj`);
      const norm = parameters.get(`${at}.self_attn.${name}_norm.weight`);
      const normed = norm ? tape.rmsNorm(out, norm, shape.epsilon) : out;
      return tape.rope(normed, shape.headDim, shape.theta);
    };
    const before = tape.rmsNorm(x, parameter(`${at}.input_layernorm.weight`), shape.epsilon);
    const mixed = tape.attention(
      turned(before, 'q'),
      turned(before, 'k'),
      project(before, 'self_attn.v_proj'),
      shape,
    );
    x = add(x, project(mixed, 'self_attn.o_proj'));
    const after = tape.rmsNorm(
      x,
      parameter(`${at}.post_attention_layernorm.weight`),
      shape.epsilon,
    );
    const gated = tape.map(
      project(after, 'mlp.gate_proj'),
      project(after, 'mlp.up_proj'),
      (gate, up) => (gate / (1 + Math.exp(-gate))) * up,
      (gate, up) => {
        const sigmoid = 1 / (1 + Math.exp(-gate));
        return [up * sigmoid * (1 + gate * (1 - sigmoid)), gate * sigmoid];
      },
    );
    x = add(x, project(gated, 'mlp.down_proj'));
  }
  return tape.rmsNorm(x, parameter('model.norm.weight'), shape.epsilon);
}

/** Logits of one sequence: (T, V). A tied model has no separate head. */
export function logitsOf(
  tape: Tape,
  parameters: ReadonlyMap<string, Value>,
  shape: DecoderShape,
  ids: readonly number[],
): Value {
  const head = parameters.get('lm_head.weight') ?? parameters.get('model.embed_tokens.weight');
  if (!head) throw new Error('no embedding');
  return tape.linear(hiddenStates(tape, parameters, shape, ids), head);
}
