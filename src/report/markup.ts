/** Safe HTML. Made by `markup`, or by `raw` from text of this program. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A part of a template: text is escaped, markup is not, undefined is empty. */
export type Part = Markup | string | number | undefined | readonly Part[];

/** Markup from a template; parts are escaped unless they are markup. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(
    strings.map((text, i) => text + (i < parts.length ? textOf(parts[i]) : '')).join(''),
  );
}

/** Markup from outside of `markup`: our own stylesheet, a drawn figure. Never text from a file. */
export const raw = (text: string): Markup => new Markup(text);

function textOf(part: Part): string {
  if (part === undefined) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(textOf).join('');
  return escape(String(part));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Escapes text for an element or a quoted attribute. Spells out invisible characters and characters
 * that reorder their line: controls, bidirectional marks, half surrogate pairs.
 */
export const escape = (text: string): string =>
  text
    .replace(/[&<>"']/g, (character) => entities[character] ?? '')
    .replace(
      /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|\p{Surrogate}/gu,
      (character) => `⟨U+${hexOf(character.codePointAt(0) ?? 0)}⟩`,
    );

const hexOf = (code: number): string => code.toString(16).toUpperCase().padStart(4, '0');

/** Text from a file, cut to a length that fits a table. */
export const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `${Array.from(text.slice(0, most)).slice(0, -1).join('')}…`;
