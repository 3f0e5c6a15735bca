import { Comparer, type Finding } from './math/compare.ts';
import { type Node, print } from './math/expression.ts';
import { NotRead, type Token, tokensOf } from './math/lexer.ts';
import { parseAnswer } from './math/parser.ts';
import { TooCostly, Work } from './math/work.ts';

/** Longer answers are compared as text only: nobody writes them, and reading them costs time. */
const longestAnswer = 4096;
/** Operations that one comparison may take; the golden answers take a few hundred. */
const mostOperations = 15_000;

/** Why two answers were found the same or not. */
export interface Comparison {
  readonly same: boolean;
  /** The rule that decided. */
  readonly rule: string;
  /** The key and the answer as they were read. */
  readonly key: string;
  readonly answer: string;
}

/**
 * Whether two answers to a mathematics problem say the same, whatever notation they are written in:
 * LaTeX, plain text or Unicode. Exact numbers are compared exactly, decimals to 1e-6 of their
 * value, expressions in letters by their values, relations up to a factor, lists and sets in any
 * order, tuples and matrices entry by entry, words as text. What is not read as mathematics, or
 * would take too long, is the same only where its text is.
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

/** `10,100` is a number unless the other side is a list: then its commas are tried as a list's. */
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

/** Texts are the same where their signs are. */
const asText = (key: string, answer: string, why: string): Comparison => ({
  same: key !== '' && key === answer,
  rule: `${why}: compared as text`,
  key,
  answer,
});

/**
 * An answer's signs without LaTeX's spellings and white space, but for that between two numbers;
 * words in quotation marks.
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
