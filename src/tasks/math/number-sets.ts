import { lettersOf, type Node, print, some } from './expression.ts';
import { type Arithmetic, type Real, whole, zero } from './real.ts';
import { Evaluation, NoNumber } from './value.ts';
import { Undefined } from './real.ts';
import type { Work } from './work.ts';

interface End {
  /** A number; `below` for minus infinity, `above` for infinity. */
  readonly at: Real | 'below' | 'above';
  readonly closed: boolean;
}

interface Piece {
  readonly from: End;
  readonly to: End;
}

/** A set of real numbers as disjoint pieces in ascending order. */
export interface NumberSet {
  readonly pieces: readonly Piece[];
  /** The letter that a relation constrains: `x` in `x > 3`. */
  readonly subject: string | undefined;
  /** Whether the node can only be a set of numbers: `(1, 2)` may be a point. */
  readonly certain: boolean;
}

const mostPieces = 64;
const opposite = new Map([
  ['<', '>'],
  ['≤', '≥'],
  ['>', '<'],
  ['≥', '≤'],
  ['≠', '≠'],
  ['=', '='],
]);
const allNumbers = /^(?:allrealnumbers|allreals|realnumbers|allrealx|allrealvaluesofx|r)$/;

/** Reads intervals, unions and inequalities in one letter as sets of numbers. */
export class NumberSets {
  readonly #real: Arithmetic;
  readonly #values: Evaluation;
  readonly #work: Work;

  constructor(work: Work) {
    this.#work = work;
    this.#values = new Evaluation(work);
    this.#real = this.#values.real;
  }

  /**
   * The set of numbers that a node denotes; undefined if it is no such set, or if an end is
   * unknown.
   */
  of(node: Node): NumberSet | undefined {
    this.#work.spend(1);
    switch (node.kind) {
      case 'tuple':
        return this.#interval(node);
      case 'set': {
        const points = node.items.map((item) => this.#number(item));
        if (points.length > mostPieces || points.some((point) => point === undefined))
          return undefined;
        return this.#made(
          points.map((point) => this.#point(point ?? zero)),
          undefined,
          false,
        );
      }
      case 'letter':
        return node.name === '\\mathbb{R}' ? this.#made([everything], undefined, true) : undefined;
      case 'words':
        return allNumbers.test(node.text.toLowerCase().replace(/[^a-z]/g, ''))
          ? this.#made([everything], undefined, true)
          : undefined;
      case 'sets':
        return this.#combined(node);
      case 'sum': {
        // \mathbb{R} - \{1\}
        const [whole0, ...rest] = node.terms;
        const left = rest.map((term) => (term.kind === 'negate' ? term.of : term));
        if (whole0?.kind !== 'letter' || left.some(({ kind }) => kind !== 'set')) return undefined;
        return this.#combined({ kind: 'sets', operator: '∖', parts: [whole0, ...left] });
      }
      case 'relation':
        return this.#relation(node);
      case 'list':
        return this.#relations(node);
      case 'builder':
        return this.#builder(node);
      default:
        return undefined;
    }
  }

  same(a: NumberSet, b: NumberSet, decimals: boolean): boolean {
    if (a.subject !== undefined && b.subject !== undefined && a.subject !== b.subject) return false;
    const share = { n: 1n, d: 1_000_000n };
    const meet = (x: End, y: End): boolean => {
      if (x.closed !== y.closed) return false;
      if (typeof x.at === 'string' || typeof y.at === 'string') return x.at === y.at;
      return this.#real.same(x.at, y.at) || (decimals && this.#real.near(x.at, y.at, share));
    };
    return (
      a.pieces.length === b.pieces.length &&
      a.pieces.every((piece, i) => {
        const other = b.pieces[i];
        return other !== undefined && meet(piece.from, other.from) && meet(piece.to, other.to);
      })
    );
  }

  #number(node: Node): Real | undefined {
    const bare = node.kind === 'quantity' && !node.compound ? node.of : node;
    try {
      const value = this.#values.of(bare);
      return value.im ? undefined : value.re;
    } catch (error) {
      if (error instanceof NoNumber || error instanceof Undefined) return undefined;
      throw error;
    }
  }

  #end(node: Node, closed: boolean): End | undefined {
    if (node.kind === 'infinity') return { at: 'above', closed: false };
    if (node.kind === 'negate' && node.of.kind === 'infinity')
      return { at: 'below', closed: false };
    const at = this.#number(node);
    return at === undefined ? undefined : { at, closed };
  }

  #interval(node: Node & { kind: 'tuple' }): NumberSet | undefined {
    const [first, second] = node.items;
    if (node.items.length !== 2 || !first || !second) return undefined;
    const from = this.#end(first, node.open === '[');
    const to = this.#end(second, node.close === ']');
    if (!from || !to || from.at === 'above' || to.at === 'below') return undefined;
    const certain = node.open !== node.close && (node.open !== '(' || node.close !== ')');
    const unbounded = typeof from.at === 'string' || typeof to.at === 'string';
    const side = this.#compare(from.at, to.at);
    if (side > 0 || (side === 0 && !(from.closed && to.closed))) return undefined;
    return this.#made([{ from, to }], undefined, certain || unbounded);
  }

  #point(at: Real): Piece {
    return { from: { at, closed: true }, to: { at, closed: true } };
  }

  #compare(a: End['at'], b: End['at']): number {
    if (a === b) return 0;
    if (a === 'below' || b === 'above') return -1;
    if (a === 'above' || b === 'below') return 1;
    return this.#real.sign(this.#real.subtract(a, b));
  }

  /** Sorts pieces, joins pieces that touch, and drops empty pieces. */
  #made(pieces: readonly Piece[], subject: string | undefined, certain: boolean): NumberSet {
    const filled = pieces.filter(({ from, to }) => {
      const side = this.#compare(from.at, to.at);
      return side < 0 || (side === 0 && from.closed && to.closed);
    });
    const starts = (a: End, b: End): number =>
      this.#compare(a.at, b.at) || Number(b.closed) - Number(a.closed);
    const sorted = filled.sort((a, b) => starts(a.from, b.from));
    const joined: Piece[] = [];
    for (const piece of sorted) {
      const last = joined.at(-1);
      const gap = last ? this.#compare(last.to.at, piece.from.at) : -1;
      if (!last || gap < 0 || (gap === 0 && !last.to.closed && !piece.from.closed))
        joined.push(piece);
      else {
        const ends =
          this.#compare(last.to.at, piece.to.at) ||
          Number(last.to.closed) - Number(piece.to.closed);
        if (ends < 0) joined[joined.length - 1] = { from: last.from, to: piece.to };
      }
    }
    return { pieces: joined, subject, certain };
  }

  #complement({ pieces, subject, certain }: NumberSet): NumberSet {
    const rest: Piece[] = [];
    let from: End = { at: 'below', closed: false };
    for (const piece of pieces) {
      rest.push({ from, to: { at: piece.from.at, closed: !piece.from.closed } });
      from = { at: piece.to.at, closed: !piece.to.closed };
    }
    rest.push({ from, to: { at: 'above', closed: false } });
    const open = rest.filter((piece) => piece.from.at !== 'above' && piece.to.at !== 'below');
    return this.#made(
      open.map(({ from: start, to }) => ({
        from: start.at === 'below' ? { at: 'below', closed: false } : start,
        to: to.at === 'above' ? { at: 'above', closed: false } : to,
      })),
      subject,
      certain,
    );
  }

  #union(a: NumberSet, b: NumberSet): NumberSet {
    return this.#made([...a.pieces, ...b.pieces], a.subject ?? b.subject, true);
  }

  #intersection(a: NumberSet, b: NumberSet): NumberSet {
    const outside = this.#union(this.#complement(a), this.#complement(b));
    return { ...this.#complement(outside), subject: a.subject ?? b.subject, certain: true };
  }

  #combined(node: Node & { kind: 'sets' }): NumberSet | undefined {
    let result: NumberSet | undefined;
    if (node.parts.length > mostPieces) return undefined;
    for (const part of node.parts) {
      const set = this.of(part);
      if (!set) return undefined;
      if (!result) result = set;
      else if (node.operator === '∪') result = this.#union(result, set);
      else if (node.operator === '∩') result = this.#intersection(result, set);
      else result = this.#intersection(result, this.#complement(set));
    }
    return result && { ...result, certain: true };
  }

  /**
   * The name of a side that is one letter or function, if the other side has no letters and no
   * functions.
   */
  #subject(side: Node, other: Node): string | undefined {
    if (side.kind !== 'letter' && side.kind !== 'apply') return undefined;
    if (some(other, ({ kind }) => kind === 'apply')) return undefined;
    return lettersOf(other).size === 0 && !/^(?:pi|e|i)$/.test(print(side))
      ? print(side)
      : undefined;
  }

  #ray(by: string, end: Node): readonly Piece[] | undefined {
    const found = this.#end(end, true);
    if (!found) return undefined;
    if (typeof found.at !== 'string') return this.#rayTo(by, found.at);
    // -\infty < x
    const holds = found.at === 'below' ? /^[>≥]$/ : /^[<≤]$/;
    return holds.test(by) ? [everything] : undefined;
  }

  #rayTo(by: string, at: Real): readonly Piece[] | undefined {
    const below: End = { at: 'below', closed: false };
    const above: End = { at: 'above', closed: false };
    switch (by) {
      case '<':
      case '≤':
        return [{ from: below, to: { at, closed: by === '≤' } }];
      case '>':
      case '≥':
        return [{ from: { at, closed: by === '≥' }, to: above }];
      case '≠':
        return [
          { from: below, to: { at, closed: false } },
          { from: { at, closed: false }, to: above },
        ];
      case '=':
        return [this.#point(at)];
      default:
        return undefined;
    }
  }

  #relation(node: Node & { kind: 'relation' }): NumberSet | undefined {
    const [left, middle, right] = node.sides;
    const [by = '', next = ''] = node.by;
    if (!left || !middle) return undefined;
    if (node.sides.length === 2) {
      if (by === '∈' || by === '∉') {
        const set = left.kind === 'letter' ? this.of(middle) : undefined;
        if (!set) return undefined;
        const own = by === '∈' ? set : this.#complement(set);
        return { ...own, subject: print(left), certain: true };
      }
      const subject = this.#subject(left, middle);
      if (subject !== undefined) {
        const ray = this.#ray(by, middle);
        return ray && this.#made(ray, subject, by !== '=');
      }
      const flipped = this.#subject(middle, left);
      if (flipped !== undefined) {
        const ray = this.#ray(opposite.get(by) ?? '', left);
        return ray && this.#made(ray, flipped, by !== '=');
      }
      return this.#distance(left, middle, by) ?? this.#linear(left, middle, by);
    }
    if (node.sides.length !== 3 || !right || by === '=' || next === '=') return undefined;
    const first = this.#relation({ kind: 'relation', sides: [left, middle], by: [by] });
    const second = this.#relation({ kind: 'relation', sides: [middle, right], by: [next] });
    if (!first || !second || first.subject !== second.subject) return undefined;
    return this.#intersection(first, second);
  }

  /** `|x - 1| < 3` means -3 < x - 1 < 3. */
  #distance(left: Node, right: Node, by: string): NumberSet | undefined {
    const isAbsolute = (node: Node): node is Node & { kind: 'call' } =>
      node.kind === 'call' && node.name === 'abs';
    if (isAbsolute(right) && !isAbsolute(left))
      return this.#distance(right, left, opposite.get(by) ?? '');
    const [of] = isAbsolute(left) ? left.args : [];
    const bound = lettersOf(right).size === 0 ? this.#number(right) : undefined;
    if (!of || bound === undefined || this.#real.sign(bound) <= 0 || !/^[<≤>≥]$/.test(by))
      return undefined;
    const side = (sign: string, end: Node): NumberSet | undefined =>
      this.#relation({ kind: 'relation', sides: [of, end], by: [sign] });
    const upper = side(by, right);
    const lower = side(opposite.get(by) ?? '', { kind: 'negate', of: right });
    if (!upper || !lower) return undefined;
    return by === '<' || by === '≤' ? this.#intersection(upper, lower) : this.#union(upper, lower);
  }

  /** Solves a linear inequality in one letter: `2x + 1 > 5`. */
  #linear(left: Node, right: Node, by: string): NumberSet | undefined {
    if (!opposite.has(by) || by === '=') return undefined;
    const letters = lettersOf(left, lettersOf(right));
    for (const name of ['pi', 'e', 'i']) letters.delete(name);
    const [letter] = letters;
    if (letter === undefined || letters.size !== 1) return undefined;
    const { add, multiply, divide, negate, same, subtract, sign } = bound(this.#real);
    const at = (x: number): Real | undefined => {
      const values = new Evaluation(this.#work, () => whole(x));
      try {
        const value = values.subtract(values.of(left), values.of(right));
        return value.im ? undefined : value.re;
      } catch (error) {
        if (error instanceof NoNumber || error instanceof Undefined) return undefined;
        throw error;
      }
    };
    const origin = at(0);
    const atOne = at(1);
    if (origin === undefined || atOne === undefined) return undefined;
    const slope = subtract(atOne, origin);
    if (sign(slope) === 0) return undefined;
    for (const x of [-2, 5, 11, -17]) {
      const value = at(x);
      if (value === undefined || !same(value, add(origin, multiply(slope, whole(x)))))
        return undefined;
    }
    const root = negate(divide(origin, slope));
    const ray = this.#rayTo(sign(slope) > 0 ? by : (opposite.get(by) ?? ''), root);
    return ray && this.#made(ray, letter, true);
  }

  /**
   * Combines relations: "x < 2 or x > 3", "x > 1 and x < 3". A comma means "or" between rays that
   * do not meet, and "and" between two rays that bound an interval.
   */
  #relations(node: Node & { kind: 'list' }): NumberSet | undefined {
    if (node.items.length > mostPieces) return undefined;
    const sets: NumberSet[] = [];
    for (const item of node.items) {
      const set = item.kind === 'relation' ? this.of(item) : undefined;
      if (!set || set.subject !== (sets[0] ?? set).subject) return undefined;
      sets.push(set);
    }
    // x = 1 or x = 2 is a list of values.
    if (node.items.every((item) => item.kind === 'relation' && item.by.every((by) => by === '=')))
      return undefined;
    const all = sets.reduce((a, b) => this.#union(a, b));
    if (node.by === 'or') return all;
    const both = sets.reduce((a, b) => this.#intersection(a, b));
    const among = node.items.some(
      (item) => item.kind === 'relation' && /^[∈≠]$/.test(item.by[0] ?? ''),
    );
    if (node.by === 'and' || among) return both;
    const [piece] = both.pieces;
    if (!piece) return all;
    const bounded = piece.from.at !== 'below' && piece.to.at !== 'above';
    return sets.length === 2 && both.pieces.length === 1 && bounded ? both : undefined;
  }

  #builder({ of, condition }: Node & { kind: 'builder' }): NumberSet | undefined {
    const set = this.of(condition);
    if (!set) return undefined;
    if (of.kind === 'letter')
      return set.subject === of.name ? { ...set, subject: undefined, certain: true } : undefined;
    const outer = of.kind === 'relation' && of.by[0] === '∈' ? this.#relation(of) : undefined;
    if (!outer || outer.subject !== set.subject) return undefined;
    return { ...this.#intersection(outer, set), subject: undefined };
  }
}

const everything: Piece = {
  from: { at: 'below', closed: false },
  to: { at: 'above', closed: false },
};

function bound(
  real: Arithmetic,
): Pick<Arithmetic, 'add' | 'multiply' | 'divide' | 'negate' | 'same' | 'subtract' | 'sign'> {
  return {
    add: (a, b) => real.add(a, b),
    multiply: (a, b) => real.multiply(a, b),
    divide: (a, b) => real.divide(a, b),
    negate: (a) => real.negate(a),
    same: (a, b) => real.same(a, b),
    subtract: (a, b) => real.subtract(a, b),
    sign: (a) => real.sign(a),
  };
}
