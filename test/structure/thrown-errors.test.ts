import { join } from 'node:path';
import ts from 'typescript';
import { beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const entries = {
  'limr-lab': 'src/index.ts',
  'limr-lab/bases': 'src/bases/shipped.ts',
  'limr-lab/lim': 'src/entries/lim.ts',
  'limr-lab/model': 'src/entries/model.ts',
  'limr-lab/browser': 'src/entries/browser.ts',
} as const;

/**
 * Errors that the trace finds and that no caller sees: the trace takes a catch clause that throws
 * other errors for one that throws all. Each with a name on the way to it.
 */
const caught: Readonly<Record<string, string>> = {
  // A log of responses that is damaged is read as none: `CompletionLog.load`.
  DamageError: 'loadAll',
  // Told with the parameter's name, as a ConfigError: `FrozenStore`.
  BlockError: 'blocksOf',
  // An expression that cannot be read has no value.
  NoValue: 'valueOf',
  // What is read of a config reads none of the files that it names: `baseIdentity`.
  FormatError: 'baseIdentity',
  WorkerError: 'baseIdentity',
};

let program: ts.Program;
let checker: ts.TypeChecker;

beforeAll(() => {
  const path = join(root, 'tsconfig.json');
  const { config } = ts.readConfigFile(path, (name) => ts.sys.readFile(name)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  program = ts.createProgram(
    Object.values(entries).map((entry) => join(root, entry)),
    { ...options, noEmit: true },
  );
  checker = program.getTypeChecker();
}, 180_000);

const isOurs = (node: ts.Node): boolean => {
  const { fileName, isDeclarationFile } = node.getSourceFile();
  return !isDeclarationFile && !fileName.includes('/node_modules/');
};

/** The declarations behind a name, through imports and re-exports. */
function declarationsOf(symbol: ts.Symbol | undefined): readonly ts.Declaration[] {
  if (!symbol) return [];
  const real = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return (real.declarations ?? []).filter(isOurs);
}

/** Whether a class is an error, by its ancestors. */
const isError = (node: ts.ClassLikeDeclaration): boolean =>
  (node.heritageClauses ?? []).some(({ types }) =>
    types.some(
      ({ expression }) =>
        expression.getText() === 'Error' ||
        declarationsOf(checker.getSymbolAtLocation(expression)).some(
          (one) => ts.isClassLike(one) && isError(one),
        ),
    ),
  );

/** The members of the interfaces that a class implements, each with the class's own member. */
const implementedBy = (node: ts.ClassLikeDeclaration): [ts.Declaration, ts.ClassElement][] =>
  (node.heritageClauses ?? []).flatMap((clause) =>
    clause.types.flatMap((written) => {
      const type = checker.getTypeFromTypeNode(written);
      return node.members.flatMap((member) => {
        const name = member.name && ts.isIdentifier(member.name) ? member.name.text : '';
        return declarationsOf(type.getProperty(name)).map(
          (declared): [ts.Declaration, ts.ClassElement] => [declared, member],
        );
      });
    }),
  );

/** Whether code throws again what it caught, or another error. */
const throws = (node: ts.Node): boolean =>
  ts.isThrowStatement(node) ||
  (ts.forEachChild(node, (child) => throws(child) || undefined) ?? false);

/** Every error class that code makes when it runs, with the way that leads to it. */
class Trace {
  readonly found = new Map<string, string>();
  readonly #seen = new Set<ts.Node>();
  readonly #constructed = new Set<ts.Node>();
  /** Members of interfaces that were called, and what stands behind them so far. */
  readonly #called = new Map<ts.Declaration, string>();
  readonly #made = new Map<ts.Declaration, ts.Declaration[]>();

  /** Follows what a caller may run: a function, or a class with its public members. */
  enter(declaration: ts.Declaration, way: string): void {
    if (this.#seen.has(declaration)) return;
    this.#seen.add(declaration);
    if (ts.isClassLike(declaration)) {
      for (const member of declaration.members) {
        const hidden =
          (member.name && ts.isPrivateIdentifier(member.name)) ||
          ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private;
        if (!hidden) this.enter(member, way);
      }
    } else this.#walk(declaration, way);
  }

  #walk(node: ts.Node, way: string): void {
    if (ts.isTypeNode(node)) return;
    if (ts.isTryStatement(node) && node.catchClause && !throws(node.catchClause)) {
      this.#walk(node.catchClause, way);
      if (node.finallyBlock) this.#walk(node.finallyBlock, way);
      return;
    }
    if (ts.isObjectLiteralElement(node) && this.#hold(node)) return;
    if (ts.isNewExpression(node)) this.#construct(node, way);
    // A name stands for the function behind it, called here or handed on.
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) this.#follow(node, way);
    ts.forEachChild(node, (child) => {
      this.#walk(child, way);
    });
  }

  /** Keeps a function of an object for the calls of the interface that the object satisfies. */
  #hold(member: ts.ObjectLiteralElement): boolean {
    const value = ts.isPropertyAssignment(member) ? member.initializer : member;
    if (!ts.isFunctionLike(value) || !ts.isObjectLiteralExpression(member.parent)) return false;
    const type = checker.getContextualType(member.parent);
    const name = member.name && ts.isIdentifier(member.name) ? member.name.text : '';
    const declared = declarationsOf(type?.getProperty(name));
    for (const one of declared) this.#offer(one, value);
    return declared.length > 0;
  }

  /** Something that runs when a member of an interface is called. */
  #offer(declared: ts.Declaration, member: ts.Declaration): void {
    this.#made.set(declared, [...(this.#made.get(declared) ?? []), member]);
    const called = this.#called.get(declared);
    if (called !== undefined) this.enter(member, called);
  }

  #construct({ expression }: ts.NewExpression, way: string): void {
    for (const made of declarationsOf(checker.getSymbolAtLocation(expression))) {
      if (!ts.isClassLike(made) || this.#constructed.has(made)) continue;
      this.#constructed.add(made);
      if (isError(made)) {
        const name = made.name?.text ?? '';
        if (!this.found.has(name)) this.found.set(name, way);
        continue;
      }
      for (const [declared, member] of implementedBy(made)) this.#offer(declared, member);
      for (const member of made.members) {
        if (ts.isConstructorDeclaration(member) || ts.isPropertyDeclaration(member)) {
          this.enter(member, `${way} > new ${expression.getText()}`);
        }
      }
    }
  }

  #follow(name: ts.Identifier | ts.PrivateIdentifier, way: string): void {
    for (const found of declarationsOf(checker.getSymbolAtLocation(name))) {
      const next = `${way} > ${name.text}`;
      if (ts.isMethodSignature(found) || ts.isPropertySignature(found)) {
        if (!this.#called.has(found)) this.#called.set(found, next);
        for (const member of this.#made.get(found) ?? []) this.enter(member, next);
      } else if (ts.isFunctionLike(found) || ts.isVariableDeclaration(found)) {
        this.enter(found, next);
      }
    }
  }
}

describe.each(Object.entries(entries))('%s', (_, entry) => {
  test('exports every class of error that its functions throw', () => {
    const file = program.getSourceFile(join(root, entry));
    const module = file && checker.getSymbolAtLocation(file);
    const exported = module ? checker.getExportsOfModule(module) : [];
    expect(exported.length).toBeGreaterThan(0);
    const trace = new Trace();
    for (const symbol of exported) {
      for (const declaration of declarationsOf(symbol)) {
        const errors = ts.isClassLike(declaration) && isError(declaration);
        if (!errors) trace.enter(declaration, symbol.name);
      }
    }
    const names = new Set(exported.map(({ name }) => name));
    const missing = [...trace.found].filter(
      ([name, way]) => !names.has(name) && !way.split(' > ').includes(caught[name] ?? '\0'),
    );
    expect(missing.map(([name, way]) => `${name}: ${way}`)).toEqual([]);
  });
});
