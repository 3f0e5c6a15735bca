import { textOfString, type Token, TemplateSyntaxError, tokenize, type Word } from './lexer.ts';
import type { Arguments, Body, Expression, Parameter, Statement, Target } from './syntax.ts';

/** Deepest nesting of expressions and blocks. */
const deepest = 200;

/** Jinja's tags that load other files. A chat template has no other files, in transformers too. */
const tagsOfOthers = ['include', 'import', 'from', 'extends'];

const noArguments: Arguments = { positional: [], named: [], list: undefined, dict: undefined };

/** Words that end an expression or a test and never begin one. */
const joining = new Set(['else', 'or', 'and', 'if', 'is', 'in', 'not', 'recursive']);

const constants: Readonly<Record<string, boolean | null>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};

/** Parses a template into statements. @throws TemplateSyntaxError with the line at fault. */
export const parseTemplate = (template: string): Body => new Parser(tokenize(template)).whole();

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  /** Words of the current tag. */
  #words: readonly Word[] = [];
  #at = 0;
  #line = 1;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Body {
    const { body, end } = this.#body([]);
    if (end !== undefined) this.#fail(`unexpected '${end}'`);
    return body;
  }

  #fail(why: string): never {
    throw new TemplateSyntaxError(`line ${this.#line}: ${why}`);
  }

  #deeper<T>(read: () => T): T {
    if (++this.#depth > deepest) this.#fail(`more than ${deepest} expressions in each other`);
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }

  // Words

  get #word(): Word | undefined {
    return this.#words[this.#at];
  }

  #is(text: string, kind?: 'name' | 'operator', ahead = 0): boolean {
    const word = this.#words[this.#at + ahead];
    if (word === undefined || word.text !== text) return false;
    return kind === undefined
      ? word.kind === 'name' || word.kind === 'operator'
      : word.kind === kind;
  }

  #take(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) this.#fail(`expected '${text}', got ${this.#shown()}`);
  }

  #name(): string {
    const word = this.#word;
    if (word?.kind !== 'name') this.#fail(`expected a name, got ${this.#shown()}`);
    this.#at++;
    return word.text;
  }

  #shown(): string {
    return this.#word === undefined ? 'the end of the tag' : `'${this.#word.text.slice(0, 40)}'`;
  }

  #endTag(): void {
    if (this.#word !== undefined) this.#fail(`unexpected ${this.#shown()}`);
  }

  // Statements

  /** Statements up to a tag with one of these names; the tag's further words are left unread. */
  #body(ends: readonly string[]): { body: Body; end: string | undefined } {
    return this.#deeper(() => {
      const body: Statement[] = [];
      for (;;) {
        const token = this.#tokens[this.#next++];
        if (token === undefined) {
          if (ends.length > 0) this.#fail(`the template ends before '${ends.join("' or '")}'`);
          return { body, end: undefined };
        }
        if (token.kind === 'text') {
          body.push({ kind: 'text', text: token.text });
          continue;
        }
        this.#words = token.words;
        this.#at = 0;
        this.#line = token.line;
        if (token.kind === 'print') {
          body.push({ kind: 'print', value: this.#tuple() });
          this.#endTag();
          continue;
        }
        const tag = this.#name();
        if (ends.includes(tag)) return { body, end: tag };
        body.push(this.#statement(tag));
      }
    });
  }

  /** Statements of a block that has one possible end tag. */
  #block(end: string): Body {
    this.#endTag();
    const { body } = this.#body([end]);
    return body;
  }

  #statement(tag: string): Statement {
    switch (tag) {
      case 'if':
        return this.#if();
      case 'for':
        return this.#for();
      case 'set':
        return this.#set();
      case 'macro': {
        const name = this.#name();
        const parameters = this.#parameters();
        const body = this.#block('endmacro');
        this.#endTag();
        return { kind: 'macro', name, parameters, body };
      }
      case 'call': {
        const parameters = this.#is('(') ? this.#parameters() : [];
        const call = this.#expression();
        if (call.kind !== 'call') this.#fail("'call' takes a call");
        const body = this.#block('endcall');
        this.#endTag();
        return { kind: 'call-block', call, parameters, body };
      }
      case 'filter': {
        const filter = this.#filters(undefined, true);
        if (!filter) this.#fail('expected a filter');
        const body = this.#block('endfilter');
        this.#endTag();
        return { kind: 'filter-block', filter, body };
      }
      case 'with': {
        const values: [Target, Expression][] = [];
        while (this.#word !== undefined) {
          if (values.length > 0) this.#expect(',');
          const target = this.#target(false);
          this.#expect('=');
          values.push([target, this.#expression()]);
        }
        const body = this.#block('endwith');
        this.#endTag();
        return { kind: 'with', values, body };
      }
      case 'autoescape': {
        this.#expression();
        const body = this.#block('endautoescape');
        this.#endTag();
        return { kind: 'scope', body };
      }
      case 'block': {
        const name = this.#name();
        while (this.#take('scoped') || this.#take('required'));
        const body = this.#block('endblock');
        if (this.#is(name)) this.#at++;
        this.#endTag();
        return { kind: 'scope', body };
      }
      case 'generation': {
        const body = this.#block('endgeneration');
        this.#endTag();
        return { kind: 'generation', body };
      }
      case 'do': {
        const value = this.#tuple();
        this.#endTag();
        return { kind: 'do', value };
      }
      case 'break':
      case 'continue':
        this.#endTag();
        return { kind: tag };
      default:
        if (tagsOfOthers.includes(tag)) {
          this.#fail(`'${tag}' needs other templates, and a chat template is alone`);
        }
        this.#fail(`unknown tag '${tag}'`);
    }
  }

  #if(): Statement {
    const branches: { test: Expression; body: Body }[] = [];
    let other: Body = [];
    for (;;) {
      const test = this.#tuple();
      this.#endTag();
      const { body, end } = this.#body(['elif', 'else', 'endif']);
      branches.push({ test, body });
      if (end === 'elif') continue;
      if (end === 'else') other = this.#block('endif');
      this.#endTag();
      return { kind: 'if', branches, other };
    }
  }

  #for(): Statement {
    const target = this.#target(true);
    this.#expect('in');
    const of = this.#tuple(false);
    const test = this.#take('if') ? this.#expression() : undefined;
    const recursive = this.#take('recursive');
    this.#endTag();
    const { body, end } = this.#body(['else', 'endfor']);
    const other = end === 'else' ? this.#block('endfor') : [];
    this.#endTag();
    return { kind: 'for', target, of, test, recursive, body, other };
  }

  #set(): Statement {
    if (this.#is('.', 'operator', 1)) {
      const namespace = this.#name();
      this.#expect('.');
      return this.#setTo({ kind: 'field', namespace, name: this.#name() });
    }
    return this.#setTo(this.#target(true));
  }

  #setTo(target: Target): Statement {
    if (this.#take('=')) {
      const value = this.#tuple();
      this.#endTag();
      return { kind: 'set', target, value };
    }
    const filter = this.#filters(undefined, false);
    const body = this.#block('endset');
    this.#endTag();
    return { kind: 'set-block', target, filter, body };
  }

  /** One name, or several names separated by commas, with or without brackets. */
  #target(mayBeTuple: boolean): Target {
    const one = (): Target => {
      if (!this.#take('(')) return { kind: 'name', name: this.#assigned() };
      const inner = this.#target(true);
      this.#expect(')');
      return inner.kind === 'tuple' ? inner : { kind: 'tuple', items: [inner] };
    };
    const first = one();
    if (!mayBeTuple || !this.#is(',')) return first;
    const items = [first];
    while (this.#take(',')) {
      if (this.#is('in') || this.#is('=') || this.#is(')')) break;
      items.push(one());
    }
    return { kind: 'tuple', items };
  }

  #assigned(): string {
    const name = this.#name();
    if (Object.hasOwn(constants, name)) this.#fail(`'${name}' cannot be assigned`);
    return name;
  }

  #parameters(): Parameter[] {
    const found: Parameter[] = [];
    this.#expect('(');
    while (!this.#take(')')) {
      if (found.length > 0) this.#expect(',');
      if (this.#take(')')) break;
      const name = this.#assigned();
      const fallback = this.#take('=') ? this.#expression() : undefined;
      if (!fallback && found.some((one) => one.fallback)) {
        this.#fail('a parameter without a default follows one with it');
      }
      found.push({ name, fallback });
    }
    return found;
  }

  // Expressions, from the loosest binding to the tightest

  /** An expression, or a tuple: several expressions separated by commas. */
  #tuple(mayChoose = true): Expression {
    const one = (): Expression => (mayChoose ? this.#expression() : this.#or());
    const first = one();
    if (!this.#is(',')) return first;
    const items = [first];
    while (this.#take(',')) {
      if (this.#word === undefined || this.#is(')') || this.#is('=')) break;
      items.push(one());
    }
    return { kind: 'tuple', items };
  }

  #expression(): Expression {
    return this.#deeper(() => {
      let found = this.#or();
      while (this.#take('if')) {
        const test = this.#or();
        const other = this.#take('else') ? this.#expression() : undefined;
        found = { kind: 'choice', test, then: found, other };
      }
      return found;
    });
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#take('or')) left = { kind: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.#take('and')) left = { kind: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    if (this.#is('not', 'name')) {
      this.#at++;
      return { kind: 'not', of: this.#deeper(() => this.#not()) };
    }
    return this.#compare();
  }

  #compare(): Expression {
    const first = this.#sum();
    const rest: [string, Expression][] = [];
    for (;;) {
      const operator = ['==', '!=', '<', '<=', '>', '>=', 'in'].find((one) => this.#is(one));
      if (operator !== undefined) {
        this.#at++;
        rest.push([operator, this.#sum()]);
      } else if (this.#is('not', 'name') && this.#is('in', 'name', 1)) {
        this.#at += 2;
        rest.push(['not in', this.#sum()]);
      } else return rest.length === 0 ? first : { kind: 'compare', first, rest };
    }
  }

  #binary(operators: readonly string[], next: () => Expression): Expression {
    let left = next();
    for (;;) {
      const operator = operators.find((one) => this.#is(one, 'operator'));
      if (operator === undefined) return left;
      this.#at++;
      left = { kind: 'binary', operator, left, right: next() };
    }
  }

  #sum = (): Expression => this.#binary(['+', '-'], this.#joined);
  #joined = (): Expression => this.#binary(['~'], this.#product);
  #product = (): Expression => this.#binary(['*', '/', '//', '%'], this.#power);
  #power = (): Expression => this.#binary(['**'], () => this.#unary(true));

  #unary(mayFilter: boolean): Expression {
    return this.#deeper(() => {
      let found: Expression;
      if (this.#take('-')) found = { kind: 'negative', of: this.#unary(false) };
      else if (this.#take('+')) found = { kind: 'positive', of: this.#unary(false) };
      else found = this.#primary();
      found = this.#postfix(found);
      return mayFilter ? (this.#filters(found, false) ?? found) : found;
    });
  }

  #primary(): Expression {
    const word = this.#word;
    if (word === undefined) this.#fail('expected an expression, got the end of the tag');
    this.#at++;
    switch (word.kind) {
      case 'name': {
        const { text } = word;
        if (Object.hasOwn(constants, text)) {
          return { kind: 'literal', value: constants[text] ?? null };
        }
        return { kind: 'name', name: text };
      }
      case 'string': {
        let value = textOfString(word.text);
        while (this.#word?.kind === 'string') {
          value += textOfString(this.#word.text);
          this.#at++;
        }
        return { kind: 'literal', value };
      }
      case 'integer': {
        const value = Number(word.text.replaceAll('_', ''));
        if (!Number.isSafeInteger(value)) this.#fail(`${word.text} is too large`);
        return { kind: 'literal', value };
      }
      case 'float':
        return { kind: 'float', value: Number(word.text.replaceAll('_', '')) };
      case 'operator':
        if (word.text === '(') {
          if (this.#take(')')) return { kind: 'tuple', items: [] };
          const inner = this.#tuple();
          this.#expect(')');
          return inner;
        }
        if (word.text === '[') return { kind: 'list', items: this.#items(']') };
        if (word.text === '{') return this.#dict();
        this.#at--;
        return this.#fail(`unexpected ${this.#shown()}`);
    }
  }

  #items(end: string): Expression[] {
    const items: Expression[] = [];
    while (!this.#take(end)) {
      if (items.length > 0) this.#expect(',');
      if (this.#take(end)) break;
      items.push(this.#expression());
    }
    return items;
  }

  #dict(): Expression {
    const items: [Expression, Expression][] = [];
    while (!this.#take('}')) {
      if (items.length > 0) this.#expect(',');
      if (this.#take('}')) break;
      const key = this.#expression();
      this.#expect(':');
      items.push([key, this.#expression()]);
    }
    return { kind: 'dict', items };
  }

  #postfix(of: Expression): Expression {
    let found = of;
    for (;;) {
      if (this.#take('.')) {
        const word = this.#word;
        if (word?.kind === 'integer') {
          this.#at++;
          const key: Expression = { kind: 'literal', value: Number(word.text) };
          found = { kind: 'item', of: found, key };
        } else found = { kind: 'attribute', of: found, name: this.#name() };
      } else if (this.#take('[')) {
        found = { kind: 'item', of: found, key: this.#key() };
      } else if (this.#is('(', 'operator')) {
        found = { kind: 'call', callee: found, args: this.#arguments() };
      } else return found;
    }
  }

  /** The contents of the square brackets after a value. */
  #key(): Expression {
    const one = (): Expression => {
      const part = (): Expression | undefined =>
        this.#is(':') || this.#is(']') || this.#is(',') ? undefined : this.#expression();
      const start = part();
      if (!this.#take(':')) return start ?? this.#fail(`unexpected ${this.#shown()}`);
      const stop = part();
      const step = this.#take(':') ? part() : undefined;
      return { kind: 'slice', start, stop, step };
    };
    const items = [one()];
    let isTuple = false;
    while (this.#take(',')) {
      isTuple = true;
      if (this.#is(']')) break;
      items.push(one());
    }
    this.#expect(']');
    const [first] = items;
    return isTuple || !first ? { kind: 'tuple', items } : first;
  }

  #arguments(): Arguments {
    this.#expect('(');
    const positional: Expression[] = [];
    const named: [string, Expression][] = [];
    let list: Expression | undefined;
    let dict: Expression | undefined;
    let isFirst = true;
    while (!this.#take(')')) {
      if (!isFirst) this.#expect(',');
      if (this.#take(')')) break;
      isFirst = false;
      if (this.#take('*')) {
        if (list ?? dict) this.#fail("unexpected '*'");
        list = this.#expression();
      } else if (this.#take('**')) {
        if (dict) this.#fail("unexpected '**'");
        dict = this.#expression();
      } else if (this.#word?.kind === 'name' && this.#is('=', 'operator', 1)) {
        const name = this.#name();
        this.#expect('=');
        named.push([name, this.#expression()]);
      } else {
        if (list ?? dict ?? named[0]) this.#fail('a plain argument follows a named one');
        positional.push(this.#expression());
      }
    }
    return { positional, named, list, dict };
  }

  /**
   * Filters, tests and calls after a value; a filter block begins with a filter's name, without
   * `|`.
   */
  #filters(of: Expression | undefined, isBlock: boolean): Expression | undefined {
    let found = of;
    let bare = isBlock;
    for (;;) {
      if (bare || this.#take('|')) {
        bare = false;
        const name = this.#dotted();
        const args = this.#is('(', 'operator') ? this.#arguments() : noArguments;
        found = { kind: 'filter', of: found, name, args };
      } else if (found && this.#is('is', 'name')) {
        this.#at++;
        found = this.#test(found);
      } else if (found && this.#is('(', 'operator')) {
        found = { kind: 'call', callee: found, args: this.#arguments() };
      } else return found;
    }
  }

  #dotted(): string {
    let name = this.#name();
    while (this.#take('.')) name += `.${this.#name()}`;
    return name;
  }

  #test(of: Expression): Expression {
    const isNegated = this.#is('not', 'name');
    if (isNegated) this.#at++;
    const name = this.#dotted();
    let args = noArguments;
    const word = this.#word;
    if (this.#is('(', 'operator')) args = this.#arguments();
    else if (
      word !== undefined &&
      (word.kind === 'operator' ? ['[', '{'].includes(word.text) : !joining.has(word.text))
    ) {
      args = { ...noArguments, positional: [this.#postfix(this.#primary())] };
    }
    const test: Expression = { kind: 'test', of, name, args };
    return isNegated ? { kind: 'not', of: test } : test;
  }
}
