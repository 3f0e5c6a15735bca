import { Comparer, type Finding } from './math/compare.ts';
import { type Node, print } from './math/expression.ts';
import { NotRead, tokensOf } from './math/lexer.ts';
import { parseAnswer } from './math/parser.ts';
import { TooCostly, Work } from './math/work.ts';

/** Longer answers are compared as text only: nobody writes them, and reading them costs time. */
const longestAnswer = 4096;
/** Operations that one comparison may take; the golden answers take a few hundred. */
const mostOperations = 40_000;

/** Why two answers were found the same or not. */
export interface Comparison {
  readonly same: boolean;
  /** The rule that decided. */
  readonly rule: string;
  /** The key and the answer as they were read. */
  readonly key: string;
  readonly answer: string;
}

/** Whether two answers say the same, by `compareAnswers`. */
export const sameAnswer = (gold: string, answer: string): boolean =>
  compareAnswers(gold, answer).same;

/**
 * Whether two answers to a mathematics problem say the same, whatever notation they are written in:
 * LaTeX, plain text or Unicode. Exact numbers are compared exactly, decimals to 1e-6 of their
 * value, expressions in letters by their values, relations up to a factor, lists and sets in any
 * order, tuples and matrices entry by entry, words as text. What is not read as mathematics, or
 * would take too long, is the same only where its text is.
 */
export function compareAnswers(gold: string, answer: string): Comparison {
  if (Math.max(gold.length, answer.length) > longestAnswer)
    return asText(gold, answer, 'too long: compared as text');
  const [key, own] = [read(gold), read(answer)];
  if (!key || !own) return asText(gold, answer, 'not read as mathematics: compared as text');
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
    return decided(listed(gold, answer, key, own, work) ?? found);
  } catch (error) {
    if (error instanceof NotRead)
      return asText(gold, answer, 'not read as mathematics: compared as text');
    if (error instanceof TooCostly) return asText(gold, answer, 'too costly: compared as text');
    throw error;
  }
}

/** `10,100` is a number unless the other side is a list: then its commas are tried as a list's. */
function listed(
  gold: string,
  answer: string,
  key: Node,
  own: Node,
  work: Work,
): Finding | undefined {
  if ((key.kind === 'list') === (own.kind === 'list')) return undefined;
  const other = read(key.kind === 'list' ? answer : gold, false);
  if (other?.kind !== 'list') return undefined;
  const found = new Comparer(work).compare(
    key.kind === 'list' ? key : other,
    key.kind === 'list' ? other : own,
  );
  return found.same ? { ...found, rule: `${found.rule}, its commas between entries` } : undefined;
}

function read(text: string, grouped = true): Node | undefined {
  try {
    return parseAnswer(text, grouped);
  } catch (error) {
    if (error instanceof NotRead) return undefined;
    throw error;
  }
}

/** Texts are the same where their signs are, LaTeX's spellings and white space aside. */
function asText(gold: string, answer: string, rule: string): Comparison {
  const [key, own] = [plainText(gold), plainText(answer)];
  return { same: key !== '' && key === own, rule, key, answer: own };
}

function plainText(text: string): string {
  if (text.length > longestAnswer) return text.trim();
  try {
    return tokensOf(text)
      .map(({ kind, text: sign }) => (kind === 'text' ? `"${sign}"` : sign))
      .join('');
  } catch (error) {
    if (error instanceof NotRead) return text.replace(/\s+/g, '');
    throw error;
  }
}
