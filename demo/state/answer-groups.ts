// Equal answers as one.

/** Equal answers of one drawing. */
export interface AnswerGroup<Answer> {
  readonly one: Answer;
  readonly count: number;
  /** Place of the first of them among the answers. */
  readonly row: number;
}

/** The most frequent first, of equally frequent ones the first drawn. */
export function groupAnswers<Answer extends { readonly text: string }>(
  answers: readonly Answer[],
): AnswerGroup<Answer>[] {
  const groups = new Map<string, AnswerGroup<Answer>>();
  for (const [row, one] of answers.entries()) {
    const before = groups.get(one.text);
    groups.set(one.text, before ? { ...before, count: before.count + 1 } : { one, count: 1, row });
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || a.row - b.row);
}
