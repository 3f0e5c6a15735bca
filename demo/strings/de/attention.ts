import type { AttentionText } from '../attention.ts';
import { percent } from '../numbers.ts';

export const text: AttentionText = {
  title: 'Worauf es schaut',
  hint:
    'Bevor es ein Token schreibt, verteilt jeder Kopf einer Schicht seine Aufmerksamkeit auf die bisherigen Tokens: ' +
    'je größer das Quadrat, desto größer der Anteil. Eine Zeile ergibt zusammen 100 %.',
  layer: 'Schicht',
  layerName: (layer) => `Schicht ${layer}`,
  head: 'Kopf',
  headName: (head) => `Kopf ${head}`,
  mean: 'Mittel aller',
  waiting: 'Die Aufmerksamkeit wird berechnet …',
  failed: 'Sie lässt sich nicht angeben: {why}',
  later: (update) => `Von der Policy, wie sie bei Update ${update} steht.`,
  looks: 'Vor {token} schaut es am meisten auf',
  share: (share) => percent(share, 0),
  prompt: 'Prompt',
  answer: 'Antwort bisher',
  written: 'Geschrieben',
  matrix: (layer, head) => `Aufmerksamkeit von Schicht ${layer}, ${head}`,
  part: (rows, of, columns) =>
    `Von seinen ${of} Tokens sind ${rows} gezeichnet, mit den letzten ${columns} Tokens davor.`,
  table: 'Die Anteile als Tabelle',
};
