// What a terminal would act on: C0 and C1 controls, and what turns the direction of text.
const acted = '\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069';
const insideText = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f${acted}]`, 'g');
const insideLine = new RegExp(`[\\u0000-\\u001f${acted}]+`, 'g');

/** Text for a terminal, of whatever origin: lines and tabs stay, other control characters show. */
export const visibleText = (text: string): string => text.replace(insideText, '\ufffd');

/** The same on one line. */
export const visibleLine = (text: string): string => text.replace(insideLine, ' ').trim();

/** JSON for a terminal: control characters only stand inside its strings, where they can be escaped. */
export const visibleJson = (text: string): string =>
  text.replace(
    insideText,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
