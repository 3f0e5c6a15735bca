/**
 * The headers of chat templates that precede a response. The first header of this list that occurs
 * in a text belongs to the text's template; other headers are ordinary words of the text.
 */
const assistantHeaders = [
  '<|im_start|>assistant\n',
  '<|start_header_id|>assistant<|end_header_id|>\n\n',
  '<start_of_turn>model\n',
  '[/INST]',
  '<|assistant|>\n',
  '<|assistant|>',
  '<\uff5cAssistant\uff5c>',
];

interface Split {
  /** The prompt as it stands in the query, with its template. */
  readonly prompt: string;
  readonly response: string;
}

const cut = (query: string, at: number): Split => ({
  prompt: query.slice(0, at),
  response: query.slice(at),
});

/**
 * Splits a query, a prompt followed by a response with special tokens kept. The response begins
 * after the given prompt, else after the last assistant header. After a prompt without its
 * template, the response begins after the next header.
 */
export function splitQuery(query: string, prompt?: string): Split {
  const given = prompt?.trimEnd() ?? '';
  const at = given === '' ? -1 : query.indexOf(given);
  if (at < 0) {
    const header = headerEnd(query, 0, 'last');
    const [composed, wanted] = [query.normalize('NFC'), given.normalize('NFC')];
    const isOther = composed !== query || wanted !== given;
    // Some tokenizers compose accents: the prompt then returns with other characters.
    return header === undefined && isOther ? splitQuery(composed, wanted) : cut(query, header ?? 0);
  }
  const end = at + given.length;
  const whole = prompt ?? '';
  // The prompt's trailing blanks belong to the prompt, if the query has them too.
  const exact = query.startsWith(whole, at) ? at + whole.length : end;
  const endsWithHeader = assistantHeaders.some((header) => given.endsWith(header.trimEnd()));
  return cut(query, (endsWithHeader ? undefined : headerEnd(query, end, 'first')) ?? exact);
}

/** Index after the first or the last assistant header at or after `from`. */
function headerEnd(query: string, from: number, which: 'first' | 'last'): number | undefined {
  for (const header of assistantHeaders) {
    const at = which === 'first' ? query.indexOf(header, from) : query.lastIndexOf(header);
    if (at >= from) return at + header.length;
  }
  return undefined;
}
