import { Comparer, type Finding } from './math/compare.ts';
import { type Node, print } from './math/expression.ts';
import { NotRead, type Token, tokensOf } from './math/lexer.ts';
import { parseAnswer } from './math/parser.ts';
import { TooCostly, Work } from './math/work.ts';

/** Longer answers are compared as text only: they are unusual, and reading them costs time. */
const longestAnswer = 4096;
/** Operations that one comparison may take; the golden answers take a few hundred. */
const mostOperations = 15_000;

/** Whether two answers are the same, and why. */
export interface Comparison {
  readonly same: boolean;
  /** The rule that decided. */
  readonly rule: string;
  /** The key and the answer as they were read. */
  readonly key: string;
  readonly answer: string;
}

/**
 * Compares two answers to a mathematics problem in any notation: LaTeX, plain text or Unicode.
 *
 * - Exact numbers are compared exactly, decimals to 1e-6 of their value.
 * - Expressions with letters are compared by their values, relations up to a factor.
 * - Lists and sets are compared in any order, tuples and matrices entry by entry, words as text.
 *
 * Answers that cannot be read as mathematics, or would take too long, are compared as text.
 */
export function compareAnswers(gold: string, answer: string): Comparison {
  if (Math.max(gold.length, answer.length) > longestAnswer)
    return asText(gold.trim(), answer.trim(), 'too long');
  const [keyTokens, ownTokens] = [lex(gold), lex(answer)];
  if (keyTokens === 'too many' || ownTokens === 'too many')
    return asText(gold.trim(), answer.trim(), 'too many signs');
  const texts = (why: string): Comparison =>
    asText(plainText(gold, keyTokens), plainText(answer, ownTokens), why);
  const [key, own] = [read(keyTokens), read(ownTokens)];
  if (!key || !own) return texts('not read as mathematics');
  const work = new Work(mostOperations);
  const decided = ({ same, rule }: Finding): Comparison => ({
    same,
    rule,
    key: print(key),
    answer: print(own),
  });
  try {
    const found = new Comparer(work).compare(key, own);
    if (found.same) return decided(found);
    return decided(listed([keyTokens, ownTokens], [key, own], work) ?? found);
  } catch (error) {
    if (error instanceof NotRead) return texts('not read as mathematics');
    if (error instanceof TooCostly) return texts('too costly to compute');
    throw error;
  }
}

type Tokens = readonly Token[] | undefined;

function lex(text: string): Tokens | 'too many' {
  try {
    return tokensOf(text);
  } catch (error) {
    if (error instanceof NotRead) return undefined;
    if (error instanceof TooCostly) return 'too many';
    throw error;
  }
}

function read(tokens: Tokens, grouped = true): Node | undefined {
  if (!tokens) return undefined;
  try {
    return parseAnswer(tokens, grouped);
  } catch (error) {
    if (error instanceof NotRead) return undefined;
    throw error;
  }
}

/**
 * Reads the commas of one side as a list's where only the other side is a list. Otherwise `10,100`
 * is a number.
 */
function listed(
  [keyTokens, ownTokens]: readonly [Tokens, Tokens],
  [key, own]: readonly [Node, Node],
  work: Work,
): Finding | undefined {
  const keyIsList = key.kind === 'list';
  if (keyIsList === (own.kind === 'list')) return undefined;
  const other = read(keyIsList ? ownTokens : keyTokens, false);
  if (other?.kind !== 'list') return undefined;
  const found = new Comparer(work).compare(keyIsList ? key : other, keyIsList ? other : own);
  return found.same ? { ...found, rule: `${found.rule}, its commas between entries` } : undefined;
}

const asText = (key: string, answer: string, why: string): Comparison => ({
  same: key !== '' && key === answer,
  rule: `${why}: compared as text`,
  key,
  answer,
});

/**
 * An answer as text: its tokens without LaTeX's spellings, words in quotation marks. White space is
 * left out, except between two numbers.
 */
function plainText(text: string, tokens: Tokens): string {
  if (!tokens) return text.trim().replace(/\s+/g, ' ');
  return tokens
    .map(({ kind, text: sign, blank }, i) => {
      if (kind === 'text' || kind === 'word') return `"${sign}"`;
      return blank && kind === 'number' && tokens[i - 1]?.kind === 'number' ? ` ${sign}` : sign;
    })
    .join('');
}
