import { percent } from '../numbers.ts';
import type { TokensText } from '../tokens.ts';

export const text: TokensText = {
  none: 'Diese Antwort hat keine Tokens.',
  closeName: 'Tokens schließen',
  close: 'schließen',
  answer: 'Antwort',
  colourBy: 'Farbe nach',
  nats: 'Nat',
  channels: {
    logprob: {
      name: 'Log-Wahrscheinlichkeit',
      within: 'Log-Wahrscheinlichkeit',
      meaning: 'wie sicher sich das Modell bei diesem Token war; 0 heißt ganz sicher',
    },
    kl: {
      name: 'KL',
      within: 'KL',
      meaning: 'Schätzung, wie weit sich das Modell hier vom Ausgangsmodell entfernt hat',
    },
    entropy: {
      name: 'Entropie',
      within: 'Entropie',
      meaning: 'wie offen die Wahl war; 0 heißt gar nicht',
    },
    value: {
      name: 'Schätzwert',
      within: 'Schätzwert',
      meaning: 'die Belohnung, die der Kritiker vor dem Token erwartet',
    },
    reward: {
      name: 'Belohnung',
      within: 'Belohnung',
      meaning: 'was das Token selbst bekommt; das Urteil wird beim letzten bezahlt',
    },
    advantage: {
      name: 'Vorteil',
      within: 'Vorteil',
      meaning: 'besser oder schlechter als erwartet: wohin das Update drückt',
    },
    ratio: {
      name: 'Verhältnis',
      within: 'Verhältnis',
      meaning: 'Wahrscheinlichkeit nach dem Update geteilt durch die davor; 1 heißt unverändert',
    },
  },
  baseLogprob: 'des Ausgangsmodells',
  return: 'Ertrag',
  clipped: 'Begrenzt',
  yes: 'ja',
  no: 'nein',
  hint: (name, unit, meaning, middle, reach) =>
    `${name}${unit === '' ? '' : ` in ${unit}`}: ${meaning}. Orange liegt unter ${middle}, Blau darüber; ` +
    `am weitesten entfernt: ${reach}.`,
  cell: (name, value, clipped) => `${name} ${value}${clipped ? ', begrenzt' : ''}`,
  heldBack: 'vom Clipping gebremst',
  probability: (share) => `seine Wahrscheinlichkeit ${percent(share, 1)}`,
  likely: 'Hier am wahrscheinlichsten:',
  table: 'Alle Zahlen als Tabelle',
  tableName: 'Zahlen jedes Tokens',
  token: 'Token',
};
