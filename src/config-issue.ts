import * as v from 'valibot';
import { kindOf, shorten } from './formats/json.ts';

/** `a`, `a or b`, `a, b or c`. */
export const alternatives = (texts: readonly string[]): string =>
  texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} or ${texts.at(-1) ?? ''}`;

const kinds: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  integer: 'a whole number',
  finite: 'a finite number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  strict_object: 'an object',
  string: 'a text',
  tuple: 'a list',
};

/** The value that a schema expects, in words. */
function wanted(issue: v.BaseIssue<unknown>): string {
  const { type, expected, requirement } = issue as v.BaseIssue<unknown> & {
    readonly requirement?: unknown;
  };
  if (type === 'min_value') return `at least ${String(requirement)}`;
  if (type === 'max_value') return `at most ${String(requirement)}`;
  if (type === 'min_length') return `a list of at least ${String(requirement)}`;
  if (type === 'custom') return issue.message;
  if (expected === 'Object') return 'an object';
  const kind = kinds[type];
  if (kind !== undefined) return kind;
  // Picklists, literals and unions list their values, as valibot writes them: ("a" | "b"), "a", 1.
  const listed = (expected ?? 'something else').replace(/^\(|\)$/g, '').split(' | ');
  return alternatives(listed.map((text) => text.replace(/^"(.*)"$/, "'$1'")));
}

/**
 * Describes a fault that a schema found. The text begins with the field: `task.arms: must be at
 * most 10, is the number 11`.
 */
export function issueText(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  const field = path === null ? '' : `${shorten(path)}: `;
  const ofKey = issue.path?.at(-1)?.origin === 'key';
  if (ofKey && issue.expected === 'never') return `${field}there is no such field`;
  if (ofKey) return `${field}is missing`;
  if (issue.input === undefined) return `${field}is missing: must be ${wanted(issue)}`;
  return `${field}must be ${wanted(issue)}, is ${kindOf(issue.input)}`;
}
