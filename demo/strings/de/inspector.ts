import type { InspectorText } from '../inspector.ts';
import { fixed } from '../numbers.ts';

export const text: InspectorText = {
  howRead: 'Wie man eine Antwort liest',
  one: 'Ein Prompt',
  featured: 'Ein Prompt, der viel gelernt hat',
  choose:
    'Sobald es Spalten gibt: eine wählen und lesen, was sie ist, was sie eingebracht hat und was geantwortet wurde.',
  closeName: 'Diesen Prompt schließen',
  close: 'schließen',
  key: 'Lösung {key}',
  wrongKey: 'Lösung absichtlich falsch',
  truth: 'richtig wäre {truth}',
  ask: 'die Modelle danach fragen',

  notation: (modulus) =>
    'Das Modell rechnet {prompt} von links nach rechts und schreibt {answer}: den Wert nach jedem Rechenzeichen' +
    `${modulus === 10 ? ', davon nur die letzte Ziffer' : `, modulo ${modulus}`}, dann {mark}, das Ergebnis und {end}.`,
  paid: [
    ['1', 'gibt es für eine Antwort, die mit der Lösung übereinstimmt,'],
    ['−0,5', 'für eine andere,'],
    ['−1', 'für eine ohne diese Form, etwa mit {query} statt {mark}.'],
  ],

  kept: 'von LIM behalten',
  rejected: 'von LIM verworfen',
  heldBy: (methods) => `in ${methods}`,

  earned: (rounds) => `Was er eingebracht hat, ${rounds}`,
  earnedIn: (epoch, value) => `Epoche ${epoch}: ${fixed(value, 2)}`,
  shareHint:
    'Anteil seiner Antworten, die mit der Lösung übereinstimmen, Epoche für Epoche; rot: Mittel aller Prompts.',
  rewardHint: 'Seine mittlere Belohnung, Epoche für Epoche; rot: Mittel aller Prompts.',

  noScore: 'Er hat keinen Wert: In einer Epoche bekam er keine Antwort.',
  score: 'LIM-Wert {score}',
  keptBy: (cut) => `behalten: ${cut}`,
  notKeptBy: (cut) => `nicht behalten: ${cut}`,
  formula: (apart, most, score) =>
    `1 − ${fixed(apart, 2)} ⁄ ${fixed(most, 2)} = ${fixed(score, 2)}: wie weit seine Kurve von der mittleren ` +
    'Kurve entfernt ist, gemessen daran, wie weit die mittlere Kurve von 1 entfernt ist.',
  sums: 'Die Summen, Epoche für Epoche',
  epoch: 'Epoche',
  mean: 'Mittel r̄',

  alike: 'Ähnlich gelernt:',

  unreadable: 'Keine gültige Antwort: Ihre Form lässt sich nicht lesen.',
  itIs: (want) => `richtig ist ${want}`,
  noAnswer: 'keine gültige Antwort',
  answer: (answer) => `Ergebnis ${answer}`,
  byLuck: 'zufällig richtig',
  lastDigits: 'Von links nach rechts, nur letzte Ziffern.',
};
