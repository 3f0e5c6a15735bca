import { FormatError } from './format-error.ts';

/**
 * Refuses a JSON text that nests deeper than any file of its kind, before a parser fills memory
 * with open lists and objects. Takes one pass over any text.
 *
 * @throws FormatError naming the line.
 */
export function expectShallow(text: string, where: string, most: number): void {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inText) {
      if (code === 0x5c) at++;
      else if (code === 0x22) inText = false;
    } else if (code === 0x22) inText = true;
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > most) {
        const line = text.slice(0, at).split('\n').length;
        throw new FormatError(`${where} line ${line}: nested more than ${most} deep`);
      }
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
}
