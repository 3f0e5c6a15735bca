/** HTML that is safe as it stands. Made by `markup` and, for text that we wrote ourselves, `raw`. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What a template takes: text is escaped, markup is not, nothing is left out. */
export type Part = Markup | string | number | undefined | readonly Part[];

/** Markup out of a template whose parts are escaped unless they are markup. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(
    strings.map((text, i) => text + (i < parts.length ? textOf(parts[i]) : '')).join(''),
  );
}

/** Markup from outside `markup`: our own stylesheet, a drawn figure. Never anything out of a file. */
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
 * Text for an element or a quoted attribute. What a reader would not see, or what would reorder the
 * line it stands in (controls, bidirectional marks, half surrogate pairs), is spelled out.
 */
export const escape = (text: string): string =>
  text
    .replace(/[&<>"']/g, (character) => entities[character] ?? '')
    .replace(
      /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|\p{Surrogate}/gu,
      (character) => `⟨U+${hexOf(character.codePointAt(0) ?? 0)}⟩`,
    );

const hexOf = (code: number): string => code.toString(16).toUpperCase().padStart(4, '0');

/** Text out of a file, cut to a length that a table can hold. */
export const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `${Array.from(text.slice(0, most)).slice(0, -1).join('')}…`;
