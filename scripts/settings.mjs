// npm run settings: writes what the docstrings of a config say of its fields into src/config-words.ts,
// which the page's form of settings shows.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import prettier from 'prettier';
import ts from 'typescript';
import { root } from './process.mjs';

export const wordsFile = join(root, 'src/config-words.ts');

const sources = {
  '': ['src/config.ts', 'ExperimentConfig'],
  task: ['src/tasks/arithmetic-config.ts', 'ArithmeticConfig'],
};

/**
 * The docstring of every field of a config, by the field's path.
 *
 * @returns {Record<string, string>}
 */
export function settingWords() {
  const files = Object.values(sources).map(([file]) => join(root, file ?? ''));
  const program = ts.createProgram(files, {
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    types: [],
  });
  const checker = program.getTypeChecker();
  /** @type {Record<string, string>} */
  const words = {};
  /**
   * @param {ts.Type} type
   * @param {string} path
   */
  const walk = (type, path) => {
    for (const member of type.isUnion() ? type.types : [type]) {
      if (!(member.flags & ts.TypeFlags.Object) || checker.isArrayLikeType(member)) continue;
      for (const symbol of checker.getPropertiesOfType(member)) {
        const [declaration] = symbol.declarations ?? [];
        if (!declaration || /node_modules/.test(declaration.getSourceFile().fileName)) continue;
        const own = path === '' ? symbol.name : `${path}.${symbol.name}`;
        const text = ts.displayPartsToString(symbol.getDocumentationComment(checker));
        if (text !== '') words[own] ??= text.replace(/\s+/g, ' ');
        walk(checker.getTypeOfSymbolAtLocation(symbol, declaration), own);
      }
    }
  };
  for (const [path, [file, name]] of Object.entries(sources)) {
    const source = program.getSourceFile(join(root, file ?? ''));
    source?.forEachChild((node) => {
      if (ts.isInterfaceDeclaration(node) && node.name.text === name) {
        walk(checker.getTypeAtLocation(node), path);
      }
    });
  }
  return Object.fromEntries(Object.entries(words).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** @returns {Promise<string>} The text of the file. */
export async function settingsText() {
  const text =
    '// What the docstrings of a config say of its fields, by path. Written by npm run settings.\n' +
    `export const configWords: Readonly<Record<string, string>> = ${JSON.stringify(settingWords())};\n`;
  const config = await prettier.resolveConfig(wordsFile);
  return prettier.format(text, { ...config, filepath: wordsFile });
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const text = await settingsText();
  if (readFileSync(wordsFile, { encoding: 'utf8', flag: 'a+' }) !== text) {
    writeFileSync(wordsFile, text);
  }
}
