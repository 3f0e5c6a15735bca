import { bind } from './arguments.ts';
import { filters, Group, type Host, tests } from './filters.ts';
import { percentFormat, strftime } from './format.ts';
import { methodOf } from './methods.ts';
import { parseTemplate } from './parser.ts';
import type { Arguments, Body, Expression, Parameter, Statement, Target } from './syntax.ts';
import {
  Callable,
  characters,
  contains,
  Dict,
  equal,
  expectLength,
  Float,
  type Given,
  integer,
  isTrue,
  itemsOf,
  Members,
  numberOf,
  order,
  placed,
  sequence,
  TemplateError,
  text,
  Tuple,
  typeName,
  Undefined,
  type Value,
  valueOf,
  wholeOf,
} from './values.ts';

/** The result of a rendering. */
export interface Rendered {
  readonly text: string;
  /** Start and end, in UTF-16 units, of the text of each `generation` block. */
  readonly generated: readonly (readonly [number, number])[];
}

/** Names and values of a block, with the scopes around it. */
class Scope {
  readonly values = new Map<string, Value>();
  readonly #outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.#outer = outer;
  }

  find(name: string): Value | undefined {
    const own = this.values.get(name);
    return own === undefined ? this.#outer?.find(name) : own; // `none` is a value
  }
}

/** How a body was left: by a `break` or a `continue`; the text before it is already written. */
type Leaving = 'break' | 'continue' | undefined;

const nothing: Given = { positional: [], named: new Map() };
/** Most numbers of one `range`, as in Jinja's sandbox. */
const longestRange = 100_000;
/** Longest text that a template may write. */
const longestText = 2 ** 24;

/**
 * A chat template: Jinja as transformers runs it, with `trim_blocks`, `lstrip_blocks`, loop
 * controls and the `generation` tag. A template can reach no files and no data but its own.
 */
export class Template {
  readonly #body: Body;

  /** @throws TemplateSyntaxError with the line at fault. */
  constructor(source: string) {
    this.#body = parseTemplate(source);
  }

  /**
   * @param variables Plain data, by the names that the template reads.
   * @param now The time that `strftime_now` returns.
   * @throws TemplateError, also when the template calls `raise_exception`.
   */
  render(variables: Readonly<Record<string, unknown>>, now = new Date()): Rendered {
    return new Run(variables, now).whole(this.#body);
  }
}

/** One rendering. */
class Run {
  readonly #global = new Scope();
  readonly #host: Host;
  /** Pieces of the text, or of the innermost captured block. */
  #out: string[] = [];
  #written = 0;
  readonly #marks: { start: number; end: number; out: string[] }[] = [];

  constructor(variables: Readonly<Record<string, unknown>>, now: Date) {
    const globals = this.#global.values;
    const define = (name: string, call: (given: Given) => Value): void => {
      globals.set(name, new Callable(name, call));
    };
    define('range', range);
    define('dict', (given) => new Dict([...pairsOf(given.positional[0]), ...given.named]));
    define('namespace', (given) => {
      const entries = [...pairsOf(given.positional[0]), ...given.named];
      return new Members(
        'Namespace',
        entries.map(([key, value]) => [text(key), value] as const),
      );
    });
    define('cycler', (given) => cycler(given.positional));
    define('joiner', (given) => joiner(bind('joiner', given, ['sep']).sep ?? ', '));
    define('raise_exception', (given) => {
      throw new TemplateError(text(bind('raise_exception', given, ['message']).message ?? null));
    });
    define('strftime_now', (given) =>
      strftime(now, text(bind('strftime_now', given, ['format']).format ?? null)),
    );
    for (const [name, value] of Object.entries(variables)) globals.set(name, valueOf(value));
    this.#host = {
      item: (of, key) => this.#item(of, key),
      field: (of, name) => placed(this.#field(of, name), `no attribute '${name}'`),
      filter: (name, of, given) => this.#filter(name, of, given),
      test: (name, of, given) => this.#test(name, of, given),
      add: (a, b) => this.#binary('+', a, b),
    };
  }

  whole(body: Body): Rendered {
    const leaving = this.#body(body, new Scope(this.#global));
    if (leaving) throw new TemplateError(`'${leaving}' outside of a loop`);
    const written = this.#out;
    const generated = this.#marks
      .filter(({ out }) => out === written)
      .map(({ start, end }) => [start, end] as const);
    return { text: written.join(''), generated };
  }

  #write(value: string): void {
    this.#written += value.length;
    expectLength(Math.max(0, this.#written));
    if (this.#written > longestText) throw new TemplateError('the text is too long');
    this.#out.push(value);
  }

  /** Runs `run` and returns the text that it wrote, instead of adding the text to the output. */
  #captured(run: () => void): string {
    const outer = this.#out;
    this.#out = [];
    try {
      run();
      return this.#out.join('');
    } finally {
      this.#out = outer;
    }
  }

  // Statements

  #body(body: Body, scope: Scope): Leaving {
    for (const statement of body) {
      const leaving = this.#statement(statement, scope);
      if (leaving) return leaving;
    }
    return undefined;
  }

  /**
   * Runs the body of a macro or of a captured text, in which `break` and `continue` have no loop to
   * end.
   */
  #inner(body: Body, scope: Scope): void {
    const leaving = this.#body(body, scope);
    if (leaving) throw new TemplateError(`'${leaving}' outside of a loop`);
  }

  #statement(statement: Statement, scope: Scope): Leaving {
    switch (statement.kind) {
      case 'text':
        this.#write(statement.text);
        return undefined;
      case 'print':
        this.#write(text(this.#value(statement.value, scope)));
        return undefined;
      case 'do':
        this.#value(statement.value, scope);
        return undefined;
      case 'if': {
        const chosen = statement.branches.find(({ test }) => isTrue(this.#value(test, scope)));
        return this.#body(chosen ? chosen.body : statement.other, scope);
      }
      case 'for':
        return this.#for(statement, this.#value(statement.of, scope), scope, 1);
      case 'set':
        this.#assign(statement.target, this.#value(statement.value, scope), scope);
        return undefined;
      case 'set-block': {
        const written = this.#captured(() => {
          this.#inner(statement.body, new Scope(scope));
        });
        const { filter } = statement;
        this.#assign(
          statement.target,
          filter ? this.#filtered(filter, written, scope) : written,
          scope,
        );
        return undefined;
      }
      case 'macro':
        scope.values.set(statement.name, this.#macro(statement, scope));
        return undefined;
      case 'call-block': {
        const caller = this.#macro({ ...statement, name: 'caller' }, scope);
        const callee = this.#value(statement.call.callee, scope);
        const given = this.#given(statement.call.args, scope);
        this.#write(
          text(
            this.#call(callee, { ...given, named: new Map([...given.named, ['caller', caller]]) }),
          ),
        );
        return undefined;
      }
      case 'filter-block': {
        const written = this.#captured(() => {
          this.#inner(statement.body, new Scope(scope));
        });
        this.#write(text(this.#filtered(statement.filter, written, scope)));
        return undefined;
      }
      case 'with': {
        const inner = new Scope(scope);
        const values = statement.values.map(
          ([target, value]) => [target, this.#value(value, scope)] as const,
        );
        for (const [target, value] of values) this.#assign(target, value, inner);
        return this.#body(statement.body, inner);
      }
      case 'scope':
        return this.#body(statement.body, new Scope(scope));
      case 'generation': {
        const start = this.#out.reduce((sum, one) => sum + one.length, 0);
        const written = this.#captured(() => {
          this.#inner(statement.body, new Scope(scope));
        });
        this.#out.push(written);
        this.#marks.push({ start, end: start + written.length, out: this.#out });
        return undefined;
      }
      case 'break':
      case 'continue':
        return statement.kind;
    }
  }

  #for(
    loop: Extract<Statement, { kind: 'for' }>,
    over: Value,
    scope: Scope,
    depth: number,
  ): Leaving {
    let items = itemsOf(over);
    const { test } = loop;
    if (test) {
      items = items.filter((item) => {
        const inner = new Scope(scope);
        this.#assign(loop.target, item, inner);
        return isTrue(this.#value(test, inner));
      });
    }
    let changed: Value | undefined;
    for (const [i, item] of items.entries()) {
      const inner = new Scope(scope);
      const last = items.length - 1;
      const recurse = (given: Given): Value => {
        if (!loop.recursive) {
          throw new TemplateError(
            "The loop must have the 'recursive' marker to be called recursively.",
          );
        }
        const { iterable = null } = bind('loop', given, ['iterable']);
        return this.#captured(() => this.#for(loop, iterable, scope, depth + 1));
      };
      const fields: [string, Value][] = [
        ['index', i + 1],
        ['index0', i],
        ['revindex', last - i + 1],
        ['revindex0', last - i],
        ['first', i === 0],
        ['last', i === last],
        ['length', items.length],
        ['depth', depth],
        ['depth0', depth - 1],
        ['previtem', placed(items[i - 1], 'there is no previous item')],
        ['nextitem', placed(items[i + 1], 'there is no next item')],
        [
          'cycle',
          new Callable('cycle', ({ positional }) => {
            if (positional.length === 0) throw new TemplateError('no items for cycling given');
            return positional[i % positional.length] ?? null;
          }),
        ],
        [
          'changed',
          new Callable('changed', ({ positional }) => {
            const value = new Tuple(positional);
            const isOther = changed === undefined || !equal(changed, value);
            changed = value;
            return isOther;
          }),
        ],
      ];
      inner.values.set('loop', new Members('LoopContext', fields, recurse));
      this.#assign(loop.target, item, inner);
      if (this.#body(loop.body, inner) === 'break') break;
    }
    if (items.length === 0) return this.#body(loop.other, new Scope(scope));
    return undefined;
  }

  #assign(target: Target, value: Value, scope: Scope): void {
    switch (target.kind) {
      case 'name':
        scope.values.set(target.name, value);
        return;
      case 'field': {
        const namespace = this.#lookup(target.namespace, scope);
        if (!(namespace instanceof Members) || namespace.kind !== 'Namespace') {
          throw new TemplateError('cannot assign attribute on non-namespace object');
        }
        namespace.fields.set(target.name, value);
        return;
      }
      case 'tuple': {
        if (value instanceof Undefined) value.fail();
        const items = itemsOf(value);
        if (items.length !== target.items.length) {
          const wanted = target.items.length;
          throw new TemplateError(
            items.length < wanted
              ? `not enough values to unpack (expected ${wanted}, got ${items.length})`
              : `too many values to unpack (expected ${wanted})`,
          );
        }
        for (const [i, one] of target.items.entries()) this.#assign(one, items[i] ?? null, scope);
      }
    }
  }

  #macro(
    {
      name,
      parameters,
      body,
    }: { readonly name: string; readonly parameters: readonly Parameter[]; readonly body: Body },
    scope: Scope,
  ): Callable {
    const reads = (wanted: string): boolean => readsName(body, wanted);
    const [takesMore, takesNamed, takesCaller] = [
      reads('varargs'),
      reads('kwargs'),
      reads('caller'),
    ];
    const call = ({ positional, named }: Given): Value => {
      const inner = new Scope(scope);
      const rest = new Map(named);
      const missing: Parameter[] = [];
      for (const [i, parameter] of parameters.entries()) {
        let value: Value | undefined = positional[i];
        if (value === undefined && rest.has(parameter.name)) {
          value = rest.get(parameter.name);
        } else if (value !== undefined && rest.has(parameter.name)) {
          throw new TemplateError(
            `macro '${name}' got multiple values for argument '${parameter.name}'`,
          );
        }
        rest.delete(parameter.name);
        if (value === undefined) missing.push(parameter);
        const why = `parameter '${parameter.name}' was not provided`;
        inner.values.set(parameter.name, placed(value, why));
      }
      for (const { name: own, fallback } of missing) {
        if (fallback) inner.values.set(own, this.#value(fallback, inner));
      }
      const caller = rest.get('caller');
      rest.delete('caller');
      if (takesCaller) inner.values.set('caller', placed(caller, 'No caller defined'));
      else if (caller !== undefined) {
        throw new TemplateError(
          `macro '${name}' was invoked with two values for the special caller argument. This is most likely a bug.`,
        );
      }
      if (takesNamed) inner.values.set('kwargs', new Dict(rest));
      else if (rest.size > 0) {
        const [first = ''] = rest.keys();
        throw new TemplateError(`macro '${name}' takes no keyword argument '${first}'`);
      }
      const more = positional.slice(parameters.length);
      if (takesMore) inner.values.set('varargs', new Tuple(more));
      else if (more.length > 0) {
        throw new TemplateError(
          `macro '${name}' takes not more than ${parameters.length} argument(s)`,
        );
      }
      return this.#captured(() => {
        this.#inner(body, inner);
      });
    };
    return new Callable(
      name,
      call,
      new Map<string, Value>([
        ['name', name],
        ['arguments', new Tuple(parameters.map((parameter) => parameter.name))],
        ['catch_kwargs', takesNamed],
        ['catch_varargs', takesMore],
        ['caller', takesCaller],
      ]),
    );
  }

  // Expressions

  #lookup(name: string, scope: Scope): Value {
    return placed(scope.find(name), `'${name}' is undefined`);
  }

  #value(expression: Expression, scope: Scope): Value {
    switch (expression.kind) {
      case 'literal':
        return expression.value;
      case 'float':
        return new Float(expression.value);
      case 'name':
        return this.#lookup(expression.name, scope);
      case 'list':
        return expression.items.map((item) => this.#value(item, scope));
      case 'tuple':
        return new Tuple(expression.items.map((item) => this.#value(item, scope)));
      case 'dict':
        return new Dict(
          expression.items.map(
            ([key, value]) => [this.#value(key, scope), this.#value(value, scope)] as const,
          ),
        );
      case 'attribute':
        return this.#attribute(this.#value(expression.of, scope), expression.name);
      case 'item': {
        const of = this.#value(expression.of, scope);
        if (expression.key.kind === 'slice') return this.#slice(of, expression.key, scope);
        return this.#item(of, this.#value(expression.key, scope));
      }
      case 'slice':
        throw new TemplateError('a slice stands alone in its brackets');
      case 'call':
        return this.#call(
          this.#value(expression.callee, scope),
          this.#given(expression.args, scope),
        );
      case 'filter':
        return this.#filtered(expression, undefined, scope);
      case 'test': {
        const of = this.#value(expression.of, scope);
        return this.#test(expression.name, of, this.#given(expression.args, scope));
      }
      case 'not':
        return !isTrue(this.#value(expression.of, scope));
      case 'negative':
      case 'positive': {
        const value = this.#value(expression.of, scope);
        const number = this.#number(value, expression.kind === 'negative' ? 'unary -' : 'unary +');
        const signed = expression.kind === 'negative' ? -number : number;
        return value instanceof Float ? new Float(signed) : integer(signed);
      }
      case 'and': {
        const left = this.#value(expression.left, scope);
        return isTrue(left) ? this.#value(expression.right, scope) : left;
      }
      case 'or': {
        const left = this.#value(expression.left, scope);
        return isTrue(left) ? left : this.#value(expression.right, scope);
      }
      case 'binary':
        return this.#binary(
          expression.operator,
          this.#value(expression.left, scope),
          this.#value(expression.right, scope),
        );
      case 'compare': {
        let left = this.#value(expression.first, scope);
        for (const [operator, next] of expression.rest) {
          const right = this.#value(next, scope);
          if (!holds(operator, left, right)) return false;
          left = right;
        }
        return true;
      }
      case 'choice': {
        if (isTrue(this.#value(expression.test, scope))) return this.#value(expression.then, scope);
        if (expression.other) return this.#value(expression.other, scope);
        return new Undefined(
          'the inline if-expression evaluated to false and no else section was defined.',
        );
      }
    }
  }

  #given(args: Arguments, scope: Scope): Given {
    if (
      args.positional.length === 0 &&
      args.named.length === 0 &&
      args.list === undefined &&
      args.dict === undefined
    ) {
      return nothing;
    }
    const positional = args.positional.map((one) => this.#value(one, scope));
    if (args.list) {
      for (const item of itemsOf(this.#value(args.list, scope))) positional.push(item);
    }
    const named = new Map<string, Value>();
    const add = (name: string, value: Value): void => {
      if (named.has(name)) {
        throw new TemplateError(`got multiple values for keyword argument '${name}'`);
      }
      named.set(name, value);
    };
    for (const [name, value] of args.named) add(name, this.#value(value, scope));
    if (args.dict) {
      const more = this.#value(args.dict, scope);
      if (!(more instanceof Dict)) {
        throw new TemplateError(`argument after ** must be a mapping, not ${typeName(more)}`);
      }
      for (const [key, value] of more.entries()) add(text(key), value);
    }
    return { positional, named };
  }

  #call(callee: Value, given: Given): Value {
    if (callee instanceof Callable) return callee.call(given);
    if (callee instanceof Members && callee.call) return callee.call(given);
    if (callee instanceof Undefined) callee.fail();
    throw new TemplateError(`'${typeName(callee)}' object is not callable`);
  }

  #filtered(expression: Expression, block: string | undefined, scope: Scope): Value {
    if (expression.kind !== 'filter') return this.#value(expression, scope);
    const of = expression.of
      ? expression.of.kind === 'filter'
        ? this.#filtered(expression.of, block, scope)
        : this.#value(expression.of, scope)
      : (block ?? '');
    return this.#filter(expression.name, of, this.#given(expression.args, scope));
  }

  #filter(name: string, of: Value, given: Given): Value {
    const filter = Object.hasOwn(filters, name) ? filters[name] : undefined;
    if (!filter) throw new TemplateError(`No filter named '${name}'.`);
    return filter(of, given, this.#host);
  }

  #test(name: string, of: Value, given: Given): boolean {
    if (name === 'in') return contains(bind('in', given, ['seq']).seq ?? null, of);
    if (name === 'callable') {
      return of instanceof Callable || (of instanceof Members && of.call !== undefined);
    }
    const test = Object.hasOwn(tests, name) ? tests[name] : undefined;
    if (!test) throw new TemplateError(`No test named '${name}'.`);
    return test(of, given, this.#host);
  }

  /** `of.name`: a method or a field first, else an item. */
  #attribute(of: Value, name: string): Value {
    const field = this.#field(of, name);
    const found = field === undefined ? this.#entry(of, name) : field;
    return found === undefined ? this.#missing(of, name) : found;
  }

  /** `of[key]`: an item first, else a method or a field. */
  #item(of: Value, key: Value): Value {
    if (key instanceof Undefined) key.fail();
    const found = this.#entry(of, key);
    if (found !== undefined) return found;
    const field = typeof key === 'string' ? this.#field(of, key) : undefined;
    return field === undefined ? this.#missing(of, key) : field;
  }

  #missing(of: Value, key: Value): Value {
    // A lookup in an undefined value is an error, as in Jinja.
    if (of instanceof Undefined) of.fail();
    if (of === null) return new Undefined(`'None' has no attribute '${text(key)}'`);
    const kind = of instanceof Members ? of.kind : typeName(of);
    return new Undefined(
      typeof key === 'string'
        ? `'${kind} object' has no attribute '${key}'`
        : `${kind} object has no element ${text(key)}`,
    );
  }

  #field(of: Value, name: string): Value | undefined {
    if (of instanceof Members) return of.fields.get(name);
    if (of instanceof Callable) return of.fields.get(name);
    if (of instanceof Group && (name === 'grouper' || name === 'list')) return of[name];
    return methodOf(of, name);
  }

  #entry(of: Value, key: Value): Value | undefined {
    if (of instanceof Dict) return of.get(key);
    const items = typeof of === 'string' ? characters(of) : sequence(of);
    if (!items || (typeof key !== 'number' && typeof key !== 'boolean')) return undefined;
    return items.at(Number(key));
  }

  #slice(of: Value, slice: Extract<Expression, { kind: 'slice' }>, scope: Scope): Value {
    const items = typeof of === 'string' ? characters(of) : sequence(of);
    if (!items) {
      if (of instanceof Undefined) of.fail();
      return new Undefined(`${typeName(of)} object has no slices`);
    }
    const bound = (one: Expression | undefined): number | undefined => {
      const value = one ? this.#value(one, scope) : null;
      return value === null ? undefined : wholeOf(value, 'a bound of a slice');
    };
    const step = bound(slice.step) ?? 1;
    if (step === 0) throw new TemplateError('slice step cannot be zero');
    const { length } = items;
    const clip = (value: number | undefined, fallback: number): number => {
      if (value === undefined) return fallback;
      const place = value < 0 ? value + length : value;
      return step > 0
        ? Math.max(0, Math.min(length, place))
        : Math.max(-1, Math.min(length - 1, place));
    };
    const start = clip(bound(slice.start), step > 0 ? 0 : length - 1);
    const stop = clip(bound(slice.stop), step > 0 ? length : -1);
    const found: Value[] = [];
    for (let i = start; step > 0 ? i < stop : i > stop; i += step) found.push(items[i] ?? null);
    if (typeof of === 'string') return found.map(text).join('');
    return of instanceof Tuple ? new Tuple(found) : found;
  }

  #number(value: Value, what: string): number {
    if (value instanceof Undefined) value.fail();
    const number = numberOf(value);
    if (number === undefined) {
      throw new TemplateError(`bad operand type for ${what}: '${typeName(value)}'`);
    }
    return number;
  }

  #binary(operator: string, a: Value, b: Value): Value {
    if (operator === '~') {
      const joined = text(a) + text(b);
      expectLength(joined.length);
      return joined;
    }
    if (a instanceof Undefined) a.fail();
    if (b instanceof Undefined) b.fail();
    const [x, y] = [numberOf(a), numberOf(b)];
    if (x !== undefined && y !== undefined) {
      const isFloat = a instanceof Float || b instanceof Float;
      return arithmetic(operator, x, y, isFloat);
    }
    const [left, right] = [sequence(a), sequence(b)];
    if (operator === '+') {
      if (typeof a === 'string' && typeof b === 'string') {
        expectLength(a.length + b.length);
        return a + b;
      }
      if (left && right && Array.isArray(a) === Array.isArray(b)) {
        expectLength(left.length + right.length);
        const both = [...left, ...right];
        return Array.isArray(a) ? both : new Tuple(both);
      }
      if (typeof a === 'string' || left) {
        const kind = typeName(a);
        throw new TemplateError(`can only concatenate ${kind} (not "${typeName(b)}") to ${kind}`);
      }
    }
    if (operator === '*') {
      const [many, count] = x !== undefined ? [b, x] : [a, y];
      if (
        count !== undefined &&
        Number.isInteger(count) &&
        !(a instanceof Float || b instanceof Float)
      ) {
        const times = Math.max(0, count);
        if (typeof many === 'string') {
          expectLength(many.length * times);
          return many.repeat(times);
        }
        const items = sequence(many);
        if (items) {
          expectLength(items.length * times);
          const all = Array.from({ length: times }, () => items).flat();
          return Array.isArray(many) ? all : new Tuple(all);
        }
      }
    }
    if (operator === '%' && typeof a === 'string') return percentFormat(a, b);
    throw new TemplateError(
      `unsupported operand type(s) for ${operator}: '${typeName(a)}' and '${typeName(b)}'`,
    );
  }
}

function arithmetic(operator: string, x: number, y: number, isFloat: boolean): Value {
  const made = (value: number): Value => (isFloat ? new Float(value) : integer(value));
  switch (operator) {
    case '+':
      return made(x + y);
    case '-':
      return made(x - y);
    case '*':
      return made(x * y);
    case '**':
      if (x === 0 && y < 0) throw new TemplateError('0.0 cannot be raised to a negative power');
      return y < 0 ? new Float(x ** y) : made(x ** y);
  }
  if (y === 0) {
    throw new TemplateError(
      operator === '/' ? 'division by zero' : 'integer division or modulo by zero',
    );
  }
  if (operator === '/') return new Float(x / y);
  if (operator === '//') return made(Math.floor(x / y));
  const rest = x % y;
  return made(rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest);
}

function holds(operator: string, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
      return equal(left, right);
    case '!=':
      return !equal(left, right);
    case 'in':
      return contains(right, left);
    case 'not in':
      return !contains(right, left);
    case '<':
      return order(left, right, operator) < 0;
    case '<=':
      return order(left, right, operator) <= 0;
    case '>':
      return order(left, right, operator) > 0;
    default:
      return order(left, right, operator) >= 0;
  }
}

/** Jinja's `range(stop)` and `range(start, stop, step)`. */
function range({ positional }: Given): Value {
  const numbers = positional.map((value) => {
    if (typeof value === 'number') return value;
    throw new TemplateError('range() takes whole numbers');
  });
  const [first, second, step = 1] = numbers;
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  if (start === undefined || stop === undefined || numbers.length > 3) {
    throw new TemplateError('range() takes a number');
  }
  if (step === 0) throw new TemplateError('range() takes no step of 0');
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (count > longestRange) {
    throw new TemplateError(`range() of ${count} numbers, more than the ${longestRange} allowed`);
  }
  return Array.from({ length: count }, (_, i) => start + i * step);
}

/** The initial keys and values of `dict` and `namespace`. */
function pairsOf(value: Value | undefined): (readonly [Value, Value])[] {
  if (value === undefined) return [];
  if (value instanceof Dict) return value.entries();
  return itemsOf(value).map((pair) => {
    const [key, one, ...more] = itemsOf(pair);
    if (key === undefined || one === undefined || more.length > 0) {
      throw new TemplateError('dictionary update sequence elements must be pairs');
    }
    return [key, one] as const;
  });
}

function cycler(items: readonly Value[]): Value {
  if (items.length === 0) throw new TemplateError('at least one item has to be provided');
  let at = 0;
  const cycle = new Members('Cycler');
  const show = (): void => {
    cycle.fields.set('current', items[at] ?? null);
  };
  const next = (): Value => {
    const found = items[at] ?? null;
    at = (at + 1) % items.length;
    show();
    return found;
  };
  const reset = (): Value => {
    at = 0;
    show();
    return null;
  };
  cycle.fields.set('next', new Callable('next', next));
  cycle.fields.set('reset', new Callable('reset', reset));
  show();
  return cycle;
}

function joiner(separator: Value): Value {
  let isUsed = false;
  return new Members('Joiner', [], () => {
    const found = isUsed ? separator : '';
    isUsed = true;
    return found;
  });
}

/** Whether a body reads a name anywhere outside its macros. */
function readsName(body: Body, name: string): boolean {
  const inside = (node: unknown): boolean => {
    if (Array.isArray(node)) return node.some(inside);
    if (typeof node !== 'object' || node === null) return false;
    const one = node as { readonly kind?: string; readonly name?: string };
    if (one.kind === 'name' && one.name === name) return true;
    if (one.kind === 'macro') return false;
    return Object.values(node).some(inside);
  };
  return inside(body);
}
