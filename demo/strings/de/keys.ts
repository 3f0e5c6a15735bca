import type { KeysText } from '../keys.ts';

export const text: KeysText = {
  title: 'Tasten',
  keys: [
    ['Leertaste', 'Film abspielen oder anhalten'],
    ['← →', 'ein Bild zurück oder weiter'],
    ['1 – 5', 'zu einem Akt'],
    ['g, dann r p c l d', 'zu Lauf, Prompts, Vergleich, Lernen, Daten'],
    ['/', 'Prompts durchsuchen'],
    ['t', 'Rundgang'],
    ['P', 'anderen zeigen: größer, ohne Bedienung'],
    ['Esc', 'Prompt schließen'],
    ['?', 'diese Tasten'],
  ],
  harmless: 'Keine davon startet, beendet oder löscht etwas.',
  close: 'Schließen',
};
