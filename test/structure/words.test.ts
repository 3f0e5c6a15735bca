import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const strings = join(root, 'demo/strings');

const parsed = (path: string): ts.SourceFile =>
  ts.createSourceFile(
    path,
    readFileSync(path, 'utf8'),
    ts.ScriptTarget.Latest,
    true,
    path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS,
  );

const filesOf = (folder: string, ending: RegExp): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => ending.test(name))
    .map((name) => join(folder, name));

/**
 * Two letters in a row: signs, numbers and the letters of formulas are no words, and names such as LIM
 * are the same in every language.
 */
const isWord = (text: string): boolean => /\p{L}{2}/u.test(text.replaceAll(/\b[A-Z]{2,}\b/g, ''));

/** Attributes whose text a reader sees or hears. */
const spoken = [
  'aria-label',
  'aria-description',
  'aria-valuetext',
  'title',
  'placeholder',
  'alt',
  'label',
];

const literalOf = (node: ts.Node): string | undefined => {
  if (ts.isJsxText(node) || ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node)) {
    return [node.head, ...node.templateSpans.map(({ literal }) => literal)]
      .map(({ text }) => text)
      .join(' ');
  }
  return undefined;
};

/** Parts of an expression that are text if the expression is. */
function textParts(node: ts.Node): readonly ts.Node[] {
  if (ts.isParenthesizedExpression(node) || ts.isJsxExpression(node)) {
    return node.expression ? textParts(node.expression) : [];
  }
  if (ts.isConditionalExpression(node)) {
    return [node.whenTrue, node.whenFalse].flatMap(textParts);
  }
  if (ts.isBinaryExpression(node)) {
    const { kind } = node.operatorToken;
    if (kind === ts.SyntaxKind.PlusToken) return [node.left, node.right].flatMap(textParts);
    const chooses = [
      ts.SyntaxKind.AmpersandAmpersandToken,
      ts.SyntaxKind.BarBarToken,
      ts.SyntaxKind.QuestionQuestionToken,
    ];
    return chooses.includes(kind) ? textParts(node.right) : [];
  }
  return [node];
}

/** Words that stand in a view itself, where each line is, unless an element is code or says `translate={false}`. */
function wordsIn(file: ts.SourceFile): string[] {
  const found: string[] = [];
  const note = (node: ts.Node): void => {
    const text = literalOf(node);
    if (text === undefined || !isWord(text)) return;
    const { line } = file.getLineAndCharacterOfPosition(node.getStart());
    found.push(`${relative(root, file.fileName)}:${line + 1}: ${text.trim().slice(0, 60)}`);
  };
  const isLeft = (node: ts.Node): boolean =>
    ts.isJsxElement(node) &&
    (node.openingElement.tagName.getText() === 'code' ||
      node.openingElement.attributes.properties.some(
        (one) => ts.isJsxAttribute(one) && one.getText() === 'translate={false}',
      ));
  const visit = (node: ts.Node): void => {
    if (isLeft(node)) return;
    if (ts.isJsxText(node)) note(node);
    else if (ts.isJsxAttribute(node)) {
      if (spoken.includes(node.name.getText()) && node.initializer) {
        textParts(node.initializer).forEach(note);
      }
    } else if (ts.isJsxExpression(node) && !ts.isJsxAttribute(node.parent)) {
      textParts(node).forEach(note);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

test('a literal word in a view is found', () => {
  const file = ts.createSourceFile(
    join(root, 'x.tsx'),
    `const x = <p title={a ? 'One' : two}>{b && 'Three'}{c === 'four' ? t.five : \`Six \${n}\`}
      <q translate={false}>Seven</q> – Eight<i class="nine" aria-label="Ten">s</i></p>;`,
    ts.ScriptTarget.Latest,
    true,
    ts.ScriptKind.TSX,
  );
  expect(wordsIn(file).map((one) => one.split(': ')[1])).toEqual([
    'One',
    'Three',
    'Six',
    '– Eight',
    'Ten',
  ]);
});

test.each(filesOf(join(root, 'demo'), /\.tsx$/).map((path) => [relative(root, path), path]))(
  '%s has its words in demo/strings',
  (_, path) => {
    expect(wordsIn(parsed(path))).toEqual([]);
  },
);

test('sizes and times are written in the language of the page', () => {
  const own = /import \{[^}]*\b(?:bytes|duration)\b[^}]*\} from '[^']*look\/wording\.ts'/;
  const found = filesOf(join(root, 'demo'), /\.tsx?$/).filter((path) =>
    own.test(readFileSync(path, 'utf8')),
  );
  expect(found).toEqual([]);
});

/** What is declared at the top of a file, by its names. */
function declarationsOf(file: ts.SourceFile): Map<string, ts.Node> {
  return new Map(
    file.statements.flatMap((one): [string, ts.Node][] => {
      if (ts.isFunctionDeclaration(one) && one.name) return [[one.name.text, one]];
      if (!ts.isVariableStatement(one)) return [];
      return one.declarationList.declarations.flatMap(({ name, initializer }) =>
        initializer ? [[name.getText(), initializer]] : [],
      );
    }),
  );
}

/** The texts of a file, by their names. */
function textsOf(path: string): Map<string, ts.Node> {
  const declared = declarationsOf(parsed(path));
  let object = declared.get('english') ?? declared.get('text');
  while (object && (ts.isAsExpression(object) || ts.isSatisfiesExpression(object))) {
    object = object.expression;
  }
  if (!object || !ts.isObjectLiteralExpression(object)) throw new TypeError(`${path}: no texts`);
  return new Map(
    object.properties.map((one) => {
      const name = one.name && ts.isStringLiteral(one.name) ? one.name.text : one.name?.getText();
      if (name === undefined) throw new TypeError(`${path}: ${one.getText()} has no name`);
      return [name, ts.isShorthandPropertyAssignment(one) ? (declared.get(name) ?? one) : one];
    }),
  );
}

function literalsOf(node: ts.Node): string[] {
  const found: string[] = [];
  const visit = (inner: ts.Node): void => {
    const text = literalOf(inner);
    const names = ts.isPropertyAssignment(inner.parent) && inner.parent.name === inner;
    if (text !== undefined && !names) found.push(text);
    ts.forEachChild(inner, visit);
  };
  visit(node);
  return found;
}

/** Names of the pieces of markup that a text has places for. */
const placesOf = (node: ts.Node): string[] =>
  [
    ...new Set(
      literalsOf(node).flatMap((text) => [...text.matchAll(/\{(\w+)\}/g)].map(([one]) => one)),
    ),
  ].sort();

const namespaces = readdirSync(strings)
  .filter(
    (name) =>
      name.endsWith('.ts') &&
      readFileSync(join(strings, name), 'utf8').includes('translated(english'),
  )
  .map((name) => basename(name, '.ts'));

const readers = filesOf(join(root, 'demo'), /\.tsx?$/)
  .filter((path) => !path.startsWith(strings))
  .map((path) => readFileSync(path, 'utf8'));

describe.each(namespaces)('the texts of %s', (name) => {
  const english = textsOf(join(strings, `${name}.ts`));

  test('are all used', () => {
    const using = readers.filter((text) => text.includes(`strings/${name}.ts'`)).join('\n');
    const unused = [...english.keys()].filter((key) => !new RegExp(`\\b${key}\\b`).test(using));
    expect(unused).toEqual([]);
  });

  test.each(['de', 'zh'])('have the same places for markup in %s', (language) => {
    const other = textsOf(join(strings, language, `${name}.ts`));
    expect([...other].map(([key, node]) => [key, placesOf(node)])).toEqual(
      [...english].map(([key, node]) => [key, placesOf(node)]),
    );
  });

  test('are in no other language than they should be', () => {
    const sentences = (language: string): string[] =>
      [...textsOf(join(strings, language, `${name}.ts`)).values()]
        .flatMap(literalsOf)
        .filter((text) => /\p{L}{3}\S* \p{L}{3}/u.test(text));
    const own = new Set([...english.values()].flatMap(literalsOf));
    expect(sentences('de').filter((text) => own.has(text))).toEqual([]);
    expect(sentences('zh').filter((text) => !/\p{Script=Han}/u.test(text))).toEqual([]);
  });
});
