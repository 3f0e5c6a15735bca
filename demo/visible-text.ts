// Prompts and completions are shown as plain text. A character that a reader cannot see, or that
// would reorder the text around it, is shown as its code point.

/** A run of characters; `hidden` if the text names an invisible character. */
export interface TextPiece {
  readonly text: string;
  readonly hidden: boolean;
}

// Controls, format characters (bidi, zero width, tags), separators, unassigned, private,
// surrogates.
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cn}\p{Co}\p{Cs}]|(?! )\p{Zs}/gu;

/** Splits text so that every character is visible. */
export function visibleText(text: string): TextPiece[] {
  const pieces: TextPiece[] = [];
  let from = 0;
  for (const { 0: character, index } of text.matchAll(invisible)) {
    if (index > from) pieces.push({ text: text.slice(from, index), hidden: false });
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    pieces.push({ text: `U+${code}`, hidden: true });
    from = index + character.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), hidden: false });
  return pieces;
}

/** As `visibleText`, as one string for attributes. */
export const visibleString = (text: string): string =>
  visibleText(text)
    .map((piece) => (piece.hidden ? `[${piece.text}]` : piece.text))
    .join('');
