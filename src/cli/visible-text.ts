// Characters that a terminal acts on: C0 and C1 controls, and changes of text direction.
const acted = '\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069';
const insideText = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f${acted}]`, 'g');
const insideLine = new RegExp(`[\\u0000-\\u001f${acted}]+`, 'g');

/**
 * Text of any origin, safe for a terminal: lines and tabs stay, other control characters are
 * replaced.
 */
export const visibleText = (text: string): string => text.replace(insideText, '\ufffd');

/** As `visibleText`, on one line. */
export const visibleLine = (text: string): string => text.replace(insideLine, ' ').trim();

/**
 * JSON, safe for a terminal: control characters occur only inside strings, where they can be
 * escaped.
 */
export const visibleJson = (text: string): string =>
  text.replace(
    insideText,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
