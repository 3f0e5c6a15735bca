import { childrenOf, lettersOf, type Node, print, some, withChildren } from './expression.ts';
import { NotRead } from './lexer.ts';
import { NumberSets } from './number-sets.ts';
import { type Exact, isExact, type Real, Undefined, whole } from './real.ts';
import { type Unit, unitOf, unitsAgree } from './units.ts';
import { Evaluation, NoNumber, type Value } from './value.ts';
import { TooCostly, Work } from './work.ts';

/** The result of comparing two answers, and the rule that decided. */
export interface Finding {
  readonly same: boolean;
  readonly rule: string;
}

/** Decimals are equal if they differ by at most this share of the larger one. */
const tolerance: Exact = { n: 1n, d: 1_000_000n };
const mostSigns = 4;
const mostItems = 200;
/** Letters that stand for constants. */
const constants = new Set(['pi', 'e', 'i']);
/** The number of probes that must give the same result. A probe sets all letters to values. */
const enoughProbes = 3;
/**
 * Values whose intermediate numbers had at most `usualSpan` bits are compared to the usual digits.
 * Up to `largestSpan` bits, more digits are computed.
 */
const usualSpan = 160;
const largestSpan = 4096;
const plentyOfProbes = 7;
const lastProbe = 14;

const yes = (rule: string): Finding => ({ same: true, rule });
const no = (rule: string): Finding => ({ same: false, rule });

const difference = (left: Node, right: Node): Node => ({
  kind: 'sum',
  terms: [left, { kind: 'negate', of: right }],
});

/** The letters in some nodes that stand for unknowns. */
function unknownsOf(...nodes: readonly Node[]): Set<string> {
  const letters = new Set<string>();
  for (const node of nodes) lettersOf(node, letters);
  for (const name of constants) letters.delete(name);
  return letters;
}

const hasDecimal = (node: Node): boolean =>
  some(node, (part) => part.kind === 'number' && part.decimal);

/**
 * Values for all letters at probe `at`. The probes cover whole and fractional values, values near 0
 * and far from 0, and values of both signs. Each pair of the first eight letters has opposite signs
 * at some probe.
 */
function probes(letters: ReadonlySet<string>, at: number): (name: string) => Real {
  const ranks = new Map(
    Array.from(letters)
      .sort()
      .map((name, rank) => [name, rank]),
  );
  return (name) => {
    const rank = ranks.get(name) ?? 0;
    let hash = 11 + at * 101;
    for (const character of name) hash = (hash * 37 + character.charCodeAt(0)) % 8191;
    hash = (hash * hash + 31 * at) % 8191;
    const whole0 = (from: number, count: number): Real => whole(from + (hash % count));
    const part = (from: number, count: number, of: number, negative: boolean): Real => {
      const n = BigInt(from * of + 1 + (hash % count));
      return { n: negative ? -n : n, d: BigInt(of) };
    };
    switch (at) {
      case 0:
        return whole0(2, 11);
      case 1:
        return part(0, 60, 7, rank % 2 === 0);
      case 2:
        return part(0, 90, 97, (rank >> 1) % 2 === 1);
      case 3:
        return part(1, 60, 11, true);
      case 4:
        return whole0(14, 43);
      case 5:
        return part(0, 69, 71, true);
      case 6:
        return part(1, 50, 13, (rank >> 2) % 2 === 1);
      case 7:
        return part(40, 700, 3, false);
      case 8:
        return part(30, 500, 3, true);
      default:
        return whole0(at - 8, 3 + 4 * at);
    }
  };
}

/** Compares two parsed answers. */
export class Comparer {
  readonly #work: Work;
  readonly #values: Evaluation;
  readonly #sets: NumberSets;
  readonly #printed = new Map<Node, string>();
  readonly #known = new Map<Node, Value>();

  constructor(work: Work) {
    this.#work = work;
    this.#values = new Evaluation(work);
    this.#sets = new NumberSets(work);
  }

  compare(a: Node, b: Node): Finding {
    this.#work.spend(2);
    if (this.#print(a) === this.#print(b)) return yes('the same expression');
    if (a.kind === 'choice' || b.kind === 'choice') return this.#choices(a, b);
    const [x, y] = [bothSigns(a), bothSigns(b)];
    if (x !== a || y !== b) {
      const found = this.compare(x, y);
      return found.same ? yes('plus and minus as two values') : found;
    }
    if (a.kind === 'quantity' || b.kind === 'quantity') return this.#quantities(a, b);
    return (
      this.#numberSets(a, b) ??
      this.#lists(a, b) ??
      this.#relations(a, b) ??
      this.#words(a, b) ??
      this.#structures(a, b) ??
      this.#numbers(a, b)
    );
  }

  #print(node: Node): string {
    let text = this.#printed.get(node);
    if (text === undefined) {
      text = print(node);
      this.#work.spend(text.length / 64);
      this.#printed.set(node, text);
    }
    return text;
  }

  #all(a: readonly Node[], b: readonly Node[], rule: string): Finding {
    if (a.length !== b.length) return no(`${rule}: another number of entries`);
    for (const [i, part] of a.entries()) {
      const other = b[i];
      if (!other || !this.compare(part, other).same) return no(`${rule}: entry ${i + 1} differs`);
    }
    return yes(rule);
  }

  /** `(C) 12` equals C, and equals 12. */
  #choices(a: Node, b: Node): Finding {
    const rule = 'the letter of a choice';
    if (a.kind === 'choice' && b.kind === 'choice') {
      return a.letter === b.letter ? this.compare(a.of, b.of) : no(rule);
    }
    const [choice, other] = a.kind === 'choice' ? [a, b] : [b, a];
    if (choice.kind !== 'choice') return no(rule);
    if (other.kind === 'letter' && other.name === choice.letter) return yes(rule);
    return this.compare(choice.of, other);
  }

  #quantities(a: Node, b: Node): Finding {
    if (a.kind === 'quantity' && b.kind === 'quantity') {
      const [x, y] = [measured(a), measured(b)];
      if (!x || !y) return no('units that are not of one kind');
      if (!unitsAgree(x.unit, y.unit)) return no(`units: "${a.unit}" is not "${b.unit}"`);
      const known =
        x.unit.kinds !== undefined && x.unit.kinds !== '' && x.unit.kinds === y.unit.kinds;
      const scaled = known && !sameFraction(x.unit.factor, y.unit.factor);
      const found = scaled
        ? this.compare(times(x.unit.factor, x.of), times(y.unit.factor, y.of))
        : this.compare(x.of, y.of);
      return { ...found, rule: scaled ? `${found.rule}, in one unit` : found.rule };
    }
    const [quantity, bare] = a.kind === 'quantity' ? [a, b] : [b, a];
    if (quantity.kind !== 'quantity') return no('units');
    if (isPercent(bare) && !isPercent(quantity.of)) return no('a percentage has no unit');
    if (inDegrees(bare))
      return this.#quantities(quantity, {
        kind: 'quantity',
        of: bare,
        unit: 'degrees',
        compound: false,
      });
    const apart = withoutLoose(bare);
    if (apart && bare.kind === 'product') {
      const unit = print(bare.factors.at(-1) ?? bare);
      return this.#quantities(quantity, { kind: 'quantity', of: apart, unit, compound: false });
    }
    if (quantity.compound) return no('units: several on one side, none on the other');
    if (bare.kind === 'relation' || bare.kind === 'list') {
      const found = this.#relations(quantity, bare) ?? this.#lists(quantity, bare);
      if (found) return found;
    }
    const found = this.compare(quantity.of, bare);
    return found.same ? yes(`${found.rule}, the unit on one side dropped`) : found;
  }

  #numberSets(a: Node, b: Node): Finding | undefined {
    const structured = /^(?:tuple|sets|relation|list|builder|set|letter|words|sum)$/;
    if (!structured.test(a.kind) || !structured.test(b.kind)) return undefined;
    const x = this.#setOf(a);
    const y = x && this.#setOf(b);
    if (!x || !y || !(x.certain || y.certain)) return undefined;
    const rule = 'sets of numbers';
    return this.#sets.same(x, y, hasDecimal(a) || hasDecimal(b)) ? yes(rule) : no(rule);
  }

  #setOf(node: Node): ReturnType<NumberSets['of']> {
    try {
      return this.#sets.of(node);
    } catch (error) {
      if (error instanceof TooCostly && this.#work.left >= 0) return undefined;
      throw error;
    }
  }

  #lists(a: Node, b: Node): Finding | undefined {
    const many = (node: Node): readonly Node[] | undefined =>
      node.kind === 'list' || node.kind === 'set' ? node.items : undefined;
    const [left, right] = [many(a), many(b)];
    if (!left && !right) return undefined;
    if (!left || !right) {
      const [one, other] = left ? [a, b] : [b, a];
      const pair = this.#coordinates(one, other) ?? this.#membership(one, other);
      if (pair) return pair;
      if (other.kind === 'tuple' || other.kind === 'matrix') return no('a list is no tuple');
    }
    const [x, y] = [left ?? [a], right ?? [b]];
    if (x.length > mostItems || y.length > mostItems) return no('too many entries');
    const isSet = a.kind === 'set' || b.kind === 'set';
    const rule = isSet ? 'a set' : 'a list in any order';
    if (some(a, isDots) || some(b, isDots)) return this.#all(x, y, 'a list with dots, in order');
    if (!isSet && x.length !== y.length)
      return no(`${rule}: ${x.length} entries against ${y.length}`);
    const found = isSet ? this.#covers(x, y) && this.#covers(y, x) : this.#matches(x, y);
    return found ? yes(rule) : no(rule);
  }

  #matches(x: readonly Node[], y: readonly Node[]): boolean {
    const left = [...y];
    return x.every((part) => {
      const text = this.#print(part);
      let at = left.findIndex((other) => this.#print(other) === text);
      if (at < 0) at = left.findIndex((other) => this.compare(part, other).same);
      if (at >= 0) left.splice(at, 1);
      return at >= 0;
    });
  }

  #covers(x: readonly Node[], y: readonly Node[]): boolean {
    return x.every((part) => y.some((other) => this.compare(part, other).same));
  }

  /** `x = 1, y = 2` equals (1, 2). */
  #coordinates(list: Node, tuple: Node): Finding | undefined {
    if (tuple.kind !== 'tuple' || list.kind !== 'list') return undefined;
    const names = new Set<string>();
    const values: Node[] = [];
    for (const item of list.items) {
      const named = item.kind === 'relation' ? nameAndValue(item) : undefined;
      if (!named) return undefined;
      names.add(this.#print(named.name));
      values.push(named.value);
    }
    if (names.size !== values.length) return undefined;
    return this.#all(values, tuple.items, 'coordinates by name');
  }

  /** `x \in \{1, 2\}` equals 1, 2. */
  #membership(list: Node, relation: Node): Finding | undefined {
    if (relation.kind !== 'relation') return undefined;
    const [, set] = relation.sides;
    if (relation.by.length === 1 && relation.by[0] === '∈' && set) return this.compare(list, set);
    const [names, values] = relation.sides;
    const isNamed = list.kind === 'list' && list.items.every(({ kind }) => kind === 'relation');
    const isPoint = relation.by.join('') === '=' && isNamed;
    if (isPoint && names?.kind === 'tuple' && values?.kind === 'tuple') {
      // (x, y) = (1, 2) equals x = 1, y = 2.
      if (names.items.length !== values.items.length) return undefined;
      const items = names.items.map((name, i): Node => {
        return { kind: 'relation', sides: [name, values.items[i] ?? name], by: ['='] };
      });
      return this.compare(list, { kind: 'list', items, by: ',' });
    }
    const named = nameAndValue(relation);
    const holdsMany = named && /^(?:list|set)$/.test(named.value.kind);
    return holdsMany ? this.compare(list, named.value) : undefined;
  }

  #relations(a: Node, b: Node): Finding | undefined {
    if (a.kind !== 'relation' && b.kind !== 'relation') return undefined;
    if (a.kind === 'relation' && b.kind === 'relation') return this.#twoRelations(a, b);
    const [relation, other] = a.kind === 'relation' ? [a, b] : [b, a];
    if (relation.kind !== 'relation') return undefined;
    const [first, second] = relation.sides;
    if (relation.by.length === 1 && relation.by[0] === '∈' && first?.kind === 'letter' && second) {
      const found = this.compare(second, other);
      return found.same ? yes(`${found.rule}, x in it`) : found;
    }
    const value = this.#valueOf(relation);
    if (!value) return no('a relation is no value');
    const found = this.compare(value, other);
    return found.same ? yes(`${found.rule}, the name on one side dropped`) : found;
  }

  /** The last side of a chain of equal signs, if the chain gives something a value. */
  #valueOf({ sides, by }: Node & { kind: 'relation' }): Node | undefined {
    if (!by.every((one) => one === '=' || one === '≈' || one === '≡')) return undefined;
    // An exact value makes the approximate value behind it a remark.
    const about = by.indexOf('≈');
    const exact =
      about > 0 || (about === 0 && sides[0] !== undefined && !isName(sides[0], sides[1]));
    let rest = about >= 0 && exact ? sides.slice(0, about + 1) : sides;
    const [first, second] = rest;
    const last = rest.at(-1);
    if (!first || !last) return undefined;
    if (rest.length === 1) return first;
    if (isName(first, second)) rest = rest.slice(1);
    else if (rest.length === 2 && isName(last, first)) rest = rest.slice(0, -1);
    else if (unknownsOf(...rest).size > 0) return undefined;
    // 5 = 5 gives no value to anything.
    else if (rest.every((side) => this.#print(side) === this.#print(first))) return undefined;
    for (const [i, side] of rest.entries()) {
      const next = rest[i + 1];
      if (next && !this.compare(side, next).same) return undefined;
    }
    return rest.at(-1);
  }

  #twoRelations(a: Node & { kind: 'relation' }, b: Node & { kind: 'relation' }): Finding {
    const [x, y] = [nameAndValue(a), nameAndValue(b)];
    if (x && y) {
      const found = this.#named(x, y);
      if (found) return found;
    }
    const [left, right] = [upward(a), upward(b)];
    const sameSigns =
      left.by.length === right.by.length && left.by.every((by, i) => by === right.by[i]);
    if (sameSigns && left.by.length === 1) return this.#scaled(left, right);
    if (sameSigns && this.#all(left.sides, right.sides, '').same)
      return yes('relations in one order');
    const backward = left.by.every((by) => by === '=') && sameSigns;
    if (backward && this.#all(left.sides, [...right.sides].reverse(), '').same)
      return yes('equations with sides exchanged');
    // `x = 31 + 1 = 32` equals `x = 32`.
    const [long, short] = left.by.length > right.by.length ? [a, b] : [b, a];
    const named = nameAndValue(short);
    const [name] = long.sides;
    if (long.by.length > 1 && named && name && this.#print(name) === this.#print(named.name)) {
      const value = this.#valueOf(long);
      if (value) return this.compare(value, named.value);
    }
    return no('relations that differ');
  }

  /** Compares two named values; undefined if they must be compared as equations. */
  #named(x: Named, y: Named): Finding | undefined {
    const [nameX, nameY] = [this.#print(x.name), this.#print(y.name)];
    if (nameX === nameY) {
      const found = this.compare(x.value, y.value);
      return found.same ? yes(`${found.rule}, under one name`) : undefined;
    }
    if (x.name.kind === 'apply' && y.name.kind === 'apply') {
      const [from, to] = [y.name.args[0], x.name.args[0]];
      const renamed =
        x.name.name === y.name.name && x.name.args.length === 1 && y.name.args.length === 1;
      if (!renamed || from?.kind !== 'letter' || to?.kind !== 'letter') return undefined;
      if (unknownsOf(y.value).has(to.name)) return undefined;
      const found = this.compare(x.value, renameLetter(y.value, from.name, to.name));
      return found.same ? yes(`${found.rule}, of a function under another letter`) : found;
    }
    // `y` and `f(x)` name the same thing, and words and a symbol may do so too. But x = 5 is not y
    // = 5.
    const kinds = [x.name.kind, y.name.kind];
    const isFunction = kinds.includes('apply') && (nameX === 'y' || nameY === 'y');
    const isWorded = kinds.includes('words') && kinds.some((kind) => kind !== 'words');
    if (!isFunction && !isWorded) return undefined;
    const found = this.compare(x.value, y.value);
    return found.same ? yes(`${found.rule}, named in two ways`) : undefined;
  }

  /**
   * Compares two equations or inequalities: left side minus right side must agree up to a factor.
   */
  #scaled(a: Relation, b: Relation): Finding {
    const [by = ''] = a.by;
    const isEquation = by === '=' || by === '≡' || by === '≈';
    const [a0, a1] = a.sides;
    const [b0, b1] = b.sides;
    const rule = isEquation
      ? 'equations up to a factor'
      : by === '≠' || by === '<' || by === '≤'
        ? 'inequalities up to a factor'
        : 'relations side by side';
    if (!a0 || !a1 || !b0 || !b1) return no(rule);
    if (rule === 'relations side by side') return this.#all(a.sides, b.sides, rule);
    const straight = this.#all(a.sides, b.sides, '').same;
    if (straight) return yes(rule);
    const unknowns = unknownsOf(a0, a1, b0, b1);
    if (unknowns.size === 0) return no(`${rule}: no unknown`);
    const decimals = [a0, a1, b0, b1].some(hasDecimal);
    let ratio: Value | undefined;
    let usable = 0;
    for (let at = 0; at < lastProbe && usable < plentyOfProbes; at++) {
      const values = new Evaluation(this.#work, probes(unknowns, at));
      const [x, y] = [
        this.#valueAt(values, difference(a0, a1)),
        this.#valueAt(values, difference(b0, b1)),
      ];
      if (x === 'none' || y === 'none') return no(rule);
      if (x === 'skip' || y === 'skip') continue;
      if (x === undefined || y === undefined) {
        if (x === y) continue;
        return no(`${rule}: only one has a value there`);
      }
      const [emptyX, emptyY] = [values.isZero(x), values.isZero(y)];
      if (emptyX !== emptyY) return no(rule);
      if (emptyX) continue;
      const found = values.divide(x, y);
      if (!isEquation && by !== '≠' && (found.im !== null || values.real.sign(found.re) <= 0))
        return no(rule);
      if (
        ratio &&
        !values.same(ratio, found) &&
        !(decimals && values.near(ratio, found, tolerance))
      )
        return no(rule);
      ratio ??= found;
      usable++;
    }
    return usable >= enoughProbes ? yes(rule) : no(`${rule}: not known`);
  }

  /**
   * The value of a node; undefined if it has no value, `skip` if the value is too large, `none` if
   * the node is never a number.
   */
  #valueAt(values: Evaluation, node: Node): Value | undefined | 'skip' | 'none' {
    try {
      return values.of(node);
    } catch (error) {
      if (error instanceof Undefined) return undefined;
      if (error instanceof NoNumber) return 'none';
      if (error instanceof TooCostly && this.#work.left >= 0) return 'skip';
      throw error;
    }
  }

  #words(a: Node, b: Node): Finding | undefined {
    if (a.kind !== 'words' && b.kind !== 'words') return undefined;
    const [x, y] = [spelled(a), spelled(b)];
    if (x === undefined || y === undefined) return no('words are no value');
    return x === y ? yes('the same words') : no('words that differ');
  }

  /** Compares tuples, matrices, ratios, numbers in a base and unions. */
  #structures(a: Node, b: Node): Finding | undefined {
    if (a.kind === 'based' || b.kind === 'based') {
      const [x, y] = [decimalBase(a), decimalBase(b)];
      if (x !== a || y !== b) return this.compare(x, y);
      const rule = 'numbers in a base: digits and base';
      if (a.kind !== 'based' || b.kind !== 'based') return no(rule);
      const trim = (digits: string): string =>
        digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
      return a.base === b.base && trim(a.digits) === trim(b.digits) ? yes(rule) : no(rule);
    }
    if (a.kind === 'ratio' || b.kind === 'ratio') return this.#ratios(a, b);
    const [m, n] = [matrixOf(a), matrixOf(b)];
    if (m || n) {
      if (!m || !n) return no('a matrix is no number or tuple');
      if (m.of !== n.of) return no('a matrix of another kind');
      const [rowsM, rowsN] = [m.rows, n.rows];
      if (rowsM.length !== rowsN.length || rowsM[0]?.length !== rowsN[0]?.length)
        return no('a matrix of another shape');
      return this.#all(rowsM.flat(), rowsN.flat(), 'matrix');
    }
    if (a.kind === 'tuple' || b.kind === 'tuple') {
      const rule = 'a tuple or interval';
      if (a.kind !== 'tuple' || b.kind !== 'tuple') return no(`${rule} is no number`);
      if (a.open !== b.open || a.close !== b.close) return no(`${rule}: other brackets`);
      return this.#all(a.items, b.items, rule);
    }
    if (a.kind === 'sets' || b.kind === 'sets') {
      const rule = 'sets';
      if (a.kind !== 'sets' || b.kind !== 'sets' || a.operator !== b.operator) return no(rule);
      if (a.operator === '∖') return this.#all(a.parts, b.parts, rule);
      const fits = a.parts.length === b.parts.length && a.parts.length <= mostItems;
      return fits && this.#matches(a.parts, b.parts) ? yes(rule) : no(rule);
    }
    if (a.kind === 'builder' || b.kind === 'builder') {
      if (a.kind !== 'builder' || b.kind !== 'builder') return no('a set is no number');
      return this.#all([a.of, a.condition], [b.of, b.condition], 'a set by its condition');
    }
    const [x, y] = [infinityOf(a), infinityOf(b)];
    if (x !== undefined || y !== undefined)
      return x === y ? yes('infinity') : no('infinity is no number');
    return undefined;
  }

  /** Ratios are equal part by part, or in proportion unless both can be times of day. */
  #ratios(a: Node, b: Node): Finding {
    const rule = 'ratio';
    if (a.kind === 'ratio' && b.kind === 'ratio') {
      if (this.#all(a.parts, b.parts, rule).same) return yes(rule);
      if ((a.clock && b.clock) || a.parts.length !== b.parts.length) return no(rule);
      const [firstA, firstB] = [a.parts[0], b.parts[0]];
      if (!firstA || !firstB) return no(rule);
      const proportional = a.parts.every((part, i) => {
        const other = b.parts[i];
        return (
          other !== undefined &&
          this.compare(
            { kind: 'product', factors: [part, firstB] },
            { kind: 'product', factors: [other, firstA] },
          ).same
        );
      });
      const empty = this.compare(firstA, { kind: 'number', value: whole(0), decimal: false }).same;
      return proportional && !empty ? yes('ratios in proportion') : no(rule);
    }
    const [ratio, other] = a.kind === 'ratio' ? [a, b] : [b, a];
    if (ratio.kind !== 'ratio' || ratio.clock || ratio.parts.length !== 2)
      return no('a ratio is no number');
    if (/^(?:tuple|set|list|words|matrix)$/.test(other.kind)) return no('a ratio is no number');
    return this.#numbers(ratio, other);
  }

  #numbers(a: Node, b: Node): Finding {
    const unknowns = unknownsOf(a, b);
    const opaque = (node: Node): boolean => some(node, ({ kind }) => kind === 'apply');
    const found =
      unknowns.size === 0 && !opaque(a) && !opaque(b)
        ? this.#constants(a, b)
        : this.#expressions(a, b, unknowns);
    if (found.same) return found;
    // `5 m` against 5: a single letter after a number, apart from it, is a unit.
    const [x, y] = [withoutLoose(a), withoutLoose(b)];
    const [loose, bare] = x ? [x, b] : [y, a];
    if (loose && !(x && y) && unknownsOf(loose, bare).size === 0) {
      const value = this.#constants(loose, bare);
      if (value.same) return yes(`${value.rule}, the unit on one side dropped`);
    }
    return found;
  }

  /**
   * The value of a node without letters. It is stored, as each entry of a list is compared with
   * many others.
   */
  #constant(node: Node): Value {
    let value = this.#known.get(node);
    if (!value) {
      value = this.#values.of(node);
      this.#known.set(node, value);
    }
    return value;
  }

  #constants(a: Node, b: Node): Finding {
    let [x, y]: [Value, Value] = [
      { re: whole(0), im: null },
      { re: whole(0), im: null },
    ];
    try {
      [x, y] = [this.#constant(a), this.#constant(b)];
      if (this.#values.same(x, y)) {
        const exact =
          isExact(x.re) && isExact(y.re) && (!x.im || isExact(x.im)) && (!y.im || isExact(y.im));
        if (exact) return yes('exact number');
        if (this.#stillSame(a, b, this.#values.real.span)) return yes('value to 150 digits');
      }
      const decimals = hasDecimal(a) || hasDecimal(b);
      if (decimals && this.#values.near(x, y, tolerance)) return yes('decimal within 1e-6');
      if (this.#isAngle(a, b)) return yes('an angle in degrees and in radians');
      return no(decimals ? 'decimals further apart than 1e-6' : 'numbers that differ');
    } catch (error) {
      if (error instanceof Undefined) return no('no value');
      if (error instanceof NoNumber) return no(`of another kind: ${error.message}`);
      if (error instanceof TooCostly && this.#work.left >= 0)
        return no('too large to compute: not known to be equal');
      throw error;
    }
  }

  /**
   * Whether two values that agree still agree with more digits. The number of digits depends on how
   * large or small the intermediate numbers were: 10^200 and the root of 10^400 + 1 differ only
   * after 400 digits.
   * @throws TooCostly if that many digits are too many.
   */
  #stillSame(a: Node, b: Node, span: number, letters?: (name: string) => Real): boolean {
    if (span <= usualSpan) return true;
    if (span > largestSpan) throw new TooCostly();
    const values = new Evaluation(this.#work, letters, 512 + 2 * span);
    return values.same(values.of(a), values.of(b));
  }

  /** 90° equals π/2, if one side is in degrees and the other contains π or an inverse function. */
  #isAngle(a: Node, b: Node): boolean {
    const holdsPi = (node: Node): boolean =>
      some(node, (part) => part.kind === 'letter' && part.name === 'pi');
    const isInverse = (node: Node): boolean =>
      some(node, (part) => part.kind === 'call' && part.name.startsWith('arc'));
    const [angle, other] = inDegrees(a) ? [a, b] : [b, a];
    if (!inDegrees(angle) || inDegrees(other) || holdsPi(angle)) return false;
    if (!holdsPi(other) && !isInverse(other)) return false;
    return this.#values.same(this.#values.of(angle, true), this.#values.of(other));
  }

  #expressions(a: Node, b: Node, unknowns: ReadonlySet<string>): Finding {
    const rule = 'equal wherever its letters were tried';
    const decimals = hasDecimal(a) || hasDecimal(b);
    let usable = 0;
    for (let at = 0; at < lastProbe && usable < plentyOfProbes; at++) {
      const values = new Evaluation(this.#work, probes(unknowns, at));
      const [x, y] = [this.#valueAt(values, a), this.#valueAt(values, b)];
      if (x === 'none' || y === 'none') return no('of another kind');
      if (x === 'skip' || y === 'skip') continue;
      if (x === undefined || y === undefined) {
        if (x === y) continue;
        return no('letters: only one side has a value there');
      }
      const same = values.same(x, y) || (decimals && values.near(x, y, tolerance));
      if (!same) return no('letters: the values differ');
      const { span } = values.real;
      const isDoubtful = usable === 0 && !decimals && !(isExact(x.re) && isExact(y.re));
      if (isDoubtful && !this.#stillSame(a, b, span, probes(unknowns, at)))
        return no('letters: the values differ');
      usable++;
    }
    return usable >= enoughProbes ? yes(rule) : no('letters: too few values to know');
  }
}

/** Whether an angle is given in degrees: `30^\circ`, `90^\circ - 12^\circ`. */
const inDegrees = (node: Node): boolean =>
  node.kind === 'degrees' ||
  (/^(?:sum|negate|product|quotient)$/.test(node.kind) && childrenOf(node).some(inDegrees));

const isPercent = (node: Node): boolean =>
  node.kind === 'percent' || (node.kind === 'negate' && isPercent(node.of));

const isDots = (node: Node): boolean => node.kind === 'call' && node.name === 'dots';

type Relation = Pick<Node & { kind: 'relation' }, 'sides' | 'by'>;

interface Named {
  readonly name: Node;
  readonly value: Node;
}

/**
 * Whether a side of an equation is a name for the other side: `x_1`, `\theta`, `\text{Area}`,
 * `f(x)`, `AB`.
 */
function isName(node: Node, value: Node | undefined): boolean {
  const plain = (part: Node): boolean =>
    (part.kind === 'letter' && !constants.has(part.name)) || part.kind === 'words';
  const named =
    plain(node) ||
    node.kind === 'apply' ||
    (node.kind === 'quantity' && (plain(node.of) || isPoints(node.of))) ||
    (node.kind === 'tuple' && node.items.every(plain)) ||
    (node.kind === 'call' &&
      node.args.length === 1 &&
      node.args.every(
        (arg) =>
          plain(arg) ||
          isPoints(arg) ||
          (arg.kind === 'sets' && arg.parts.every((part) => plain(part))),
      )) ||
    (node.kind === 'quotient' &&
      [node.over, node.under].every((part) => isPoints(part) || isDifferential(part))) ||
    (node.kind === 'sets' && node.parts.every(plain)) ||
    isMeasure(node, plain) ||
    isPoints(node);
  if (!named || !value) return named;
  // In `x = x^2 + 1`, x is not a name.
  const letters =
    node.kind === 'letter' || node.kind === 'call' ? lettersOf(node) : new Set<string>();
  return !some(value, (part) => part.kind === 'letter' && letters.has(part.name));
}

/** Whether a node is a known measure of a named object: `\deg P`, `\angle{ABC}`. */
function isMeasure(node: Node, plain: (part: Node) => boolean): boolean {
  if (node.kind !== 'product') return false;
  const [measure, ...of] = node.factors;
  const isKnown =
    measure?.kind === 'letter' && /^\\(?:deg|dim|arg|angle|measuredangle|ker)$/.test(measure.name);
  return isKnown && of.length === 1 && of.every(plain);
}

/** Whether a node is a differential: `dy` in `\frac{dy}{dx}`. */
const isDifferential = (node: Node): boolean =>
  node.kind === 'product' &&
  node.factors.length === 2 &&
  node.factors.every(
    (part, i) => part.kind === 'letter' && (i > 0 || /^(?:d|\\partial)$/.test(part.name)),
  );

/** Whether a node consists of points: `AB`, `\angle A`. */
function isPoints(node: Node): boolean {
  if (node.kind === 'letter') return /^[A-Z]$/.test(node.name) || node.name.startsWith('overline');
  return (
    node.kind === 'product' &&
    node.factors.every(
      (part) =>
        part.kind === 'letter' && /^(?:m|[A-Z]|\\angle|\\triangle|overline .*)$/.test(part.name),
    )
  );
}

function nameAndValue({ sides, by }: Relation): Named | undefined {
  const [left, right] = sides;
  if (sides.length !== 2 || !left || !right || !/^[=≈≡]$/.test(by[0] ?? '')) return undefined;
  if (isName(left, right)) return { name: left, value: right };
  return isName(right, left) ? { name: right, value: left } : undefined;
}

/** Rewrites a relation with `<` and `≤` only, smaller side first. */
function upward({ sides, by }: Relation): Relation {
  const up = new Map([
    ['>', '<'],
    ['≥', '≤'],
  ]);
  if (!by.some((one) => up.has(one))) return { sides, by };
  return {
    sides: [...sides].reverse(),
    by: by.map((one) => up.get(one) ?? (one === '<' ? '>' : one === '≤' ? '≥' : one)).reverse(),
  };
}

function renameLetter(node: Node, from: string, to: string): Node {
  if (node.kind === 'letter') return node.name === from ? { ...node, name: to } : node;
  const children = childrenOf(node);
  return children.length === 0
    ? node
    : withChildren(
        node,
        children.map((child) => renameLetter(child, from, to)),
      );
}

/** Replaces `a ± b` by its two values. Several signs are independent, unless one of them is `∓`. */
function bothSigns(node: Node): Node {
  if (node.kind === 'list') {
    const items = node.items.map(bothSigns);
    if (items.every((item, i) => item === node.items[i])) return node;
    return {
      ...node,
      items: items.flatMap((item) => (item.kind === 'list' ? item.items : [item])),
    };
  }
  const signs = signsOf(node);
  if (signs.length === 0) return node;
  if (signs.length > mostSigns) throw new NotRead('too many signs');
  if (node.kind === 'set')
    return { ...node, items: node.items.flatMap((item) => asItems(bothSigns(item))) };
  const flipped = signs.includes('∓');
  const ways = flipped ? 2 : 2 ** signs.length;
  const items = Array.from({ length: ways }, (_, way) => {
    let at = 0;
    const choose = (part: Node): Node => {
      if (part.kind === 'plusMinus') {
        const minus = flipped ? (way === 1) !== part.flipped : ((way >> at++) & 1) === 1;
        const of = choose(part.of);
        return minus ? { kind: 'negate', of } : of;
      }
      const children = childrenOf(part);
      return children.length === 0 ? part : withChildren(part, children.map(choose));
    };
    return choose(node);
  });
  return { kind: 'list', items, by: ',' };
}

function signsOf(node: Node): string[] {
  const own = node.kind === 'plusMinus' ? [node.flipped ? '∓' : '±'] : [];
  return [...own, ...childrenOf(node).flatMap(signsOf)];
}

const asItems = (node: Node): readonly Node[] => (node.kind === 'list' ? node.items : [node]);

const sameFraction = (a: Exact, b: Exact): boolean => a.n * b.d === b.n * a.d;

const times = (factor: Exact, of: Node): Node => ({
  kind: 'product',
  factors: [{ kind: 'number', value: factor, decimal: false }, of],
});

/** Converts a quantity to one unit: `2 hr 30 min` to hours. */
function measured(node: Node & { kind: 'quantity' }): { of: Node; unit: Unit } | undefined {
  if (!node.compound) return { of: node.of, unit: unitOf(node.unit) };
  const units = node.unit.split('; ').map(unitOf);
  const [first] = units;
  if (node.of.kind !== 'list' || !first?.kinds) return undefined;
  const terms: Node[] = [];
  for (const [i, item] of node.of.items.entries()) {
    const unit = units[i];
    if (unit?.kinds !== first.kinds) return undefined;
    terms.push(
      times({ n: unit.factor.n * first.factor.d, d: unit.factor.d * first.factor.n }, item),
    );
  }
  return { of: { kind: 'sum', terms }, unit: first };
}

/**
 * The text by which words are compared: letters and digits in lower case. A product of letters also
 * spells a word.
 */
function spelled(node: Node): string | undefined {
  if (node.kind === 'words') return node.text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
  if (node.kind === 'letter') return node.name.toLowerCase();
  if (
    node.kind === 'product' &&
    node.factors.every((part) => part.kind === 'letter' && part.name.length === 1)
  )
    return node.factors
      .map((part) => (part.kind === 'letter' ? part.name.toLowerCase() : ''))
      .join('');
  return undefined;
}

/** Turns a number in base 10 into a plain number: `24_{10}` is 24. */
function decimalBase(node: Node): Node {
  if (node.kind !== 'based' || node.base !== 10) return node;
  const [before = '', after = ''] = node.digits.split('.');
  const value = { n: BigInt(before + after), d: 10n ** BigInt(after.length) };
  return { kind: 'number', value, decimal: false };
}

function infinityOf(node: Node): number | undefined {
  if (node.kind === 'infinity') return 1;
  return node.kind === 'negate' && node.of.kind === 'infinity' ? -1 : undefined;
}

/** Moves the factors and the divisor of a matrix into its entries. */
function matrixOf(node: Node): (Node & { kind: 'matrix' }) | undefined {
  if (node.kind === 'matrix') return node.of === 'det' ? undefined : node;
  const entries = (
    of: Node,
    map: (entry: Node) => Node,
  ): (Node & { kind: 'matrix' }) | undefined => {
    const matrix = matrixOf(of);
    return matrix && { ...matrix, rows: matrix.rows.map((row) => row.map(map)) };
  };
  if (node.kind === 'negate') return entries(node.of, (of) => ({ kind: 'negate', of }));
  if (node.kind === 'quotient')
    return entries(node.over, (over) => ({ kind: 'quotient', over, under: node.under }));
  if (node.kind === 'product') {
    const matrices = node.factors.filter((factor) => matrixOf(factor));
    const [matrix] = matrices;
    if (matrices.length !== 1 || !matrix) return undefined;
    const rest = node.factors.filter((factor) => factor !== matrix);
    return entries(matrix, (entry) => ({ kind: 'product', factors: [...rest, entry] }));
  }
  return undefined;
}

function withoutLoose(node: Node): Node | undefined {
  if (node.kind !== 'product' || node.loose !== true) return undefined;
  const factors = node.factors.slice(0, -1);
  const [only] = factors;
  return factors.length === 1 && only ? only : { kind: 'product', factors };
}
