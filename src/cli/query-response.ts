/**
 * What stands before a response in a text that went through a chat template. The first of these that
 * a text holds is its own: the others are words in it.
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
  /** The prompt as the query has it, its template around it. */
  readonly prompt: string;
  readonly response: string;
}

const cut = (query: string, at: number): Split => ({
  prompt: query.slice(0, at),
  response: query.slice(at),
});

/**
 * The response of a query, which is a prompt with the response behind it, special tokens kept: what
 * follows the given prompt, else the last assistant header. A prompt given without its template is
 * followed by the header first.
 */
export function splitQuery(query: string, prompt?: string): Split {
  const given = prompt?.trimEnd() ?? '';
  const at = given === '' ? -1 : query.indexOf(given);
  if (at < 0) {
    const header = headerEnd(query, 0, 'last');
    const [composed, wanted] = [query.normalize('NFC'), given.normalize('NFC')];
    const isOther = composed !== query || wanted !== given;
    // Some tokenizers compose accents: the prompt comes back in other characters.
    return header === undefined && isOther ? splitQuery(composed, wanted) : cut(query, header ?? 0);
  }
  const end = at + given.length;
  const whole = prompt ?? '';
  // What the prompt ends with belongs to it, as far as the query has it too.
  const exact = query.startsWith(whole, at) ? at + whole.length : end;
  const endsWithHeader = assistantHeaders.some((header) => given.endsWith(header.trimEnd()));
  return cut(query, (endsWithHeader ? undefined : headerEnd(query, end, 'first')) ?? exact);
}

/** One past the first or the last assistant header from a place on. */
function headerEnd(query: string, from: number, which: 'first' | 'last'): number | undefined {
  for (const header of assistantHeaders) {
    const at = which === 'first' ? query.indexOf(header, from) : query.lastIndexOf(header);
    if (at >= from) return at + header.length;
  }
  return undefined;
}
