import type { AnswersText } from '../answers.ts';
import { fixed } from '../numbers.ts';

export const text: AnswersText = {
  methods: 'Antworten von',
  waiting: 'Seine Antworten werden gelesen …',
  failed: 'Die Antworten lassen sich nicht lesen: {why}',
  first: 'Seine Antworten kommen mit der ersten Epoche.',
  numbers: 'Ein Link enthält nur Zahlen: Die Antworten seines Laufs sind nicht hier.',
  unchosen: (method) =>
    `${method} hat nicht auf diesem Prompt trainiert und deshalb keine Antworten dazu.`,
  unbegun: (method) => `${method} hat noch nicht trainiert.`,
  undrawn: (method) => `Bisher gibt es von ${method} keine Antwort auf diesen Prompt.`,
  own: (method, prompts) =>
    `Gezählt sind die Epochen von ${method} über die eigenen ${prompts} Prompts.`,

  epochs: 'Antworten aus Epoche',
  epoch: (epoch) => `Epoche ${epoch}`,
  lucky: 'über einen falschen Schritt',
  against: 'Verglichen mit Epoche',
  nothing: 'keiner',
  nothingName: 'Mit keiner Epoche vergleichen',

  changes: (before, after) => `Von Epoche ${before} zu Epoche ${after}`,
  right: (before, of, after, ofAfter) => `Richtig: ${before} von ${of} → ${after} von ${ofAfter}.`,
  matched: (before, of, after, ofAfter) =>
    `Treffen die falsche Lösung: ${before} von ${of} → ${after} von ${ofAfter}.`,
  chance: 'Jede Epoche zieht neu: Ein oder zwei Antworten mehr oder weniger können Zufall sein.',
  bars: (before, after) => `Oberer Balken: Epoche ${before}; unterer Balken: Epoche ${after}.`,
  answers: 'Antworten',
  steps: 'Richtige Schritte',
  came: 'neu',
  went: 'verschwunden',
  more: 'häufiger',
  fewer: 'seltener',
  same: 'gleich oft',
  most: (epoch) => `Am häufigsten in Epoche ${epoch}:`,
  mostInBoth: 'In beiden am häufigsten:',
  changed: 'geändert',
  values: (before, after) => `meist ${before} → ${after}`,
  table: 'Die Änderungen als Tabelle',
  tableName: 'Änderungen der Antworten und Schritte',
  answer: 'Antwort',
  verdict: 'Urteil',
  change: 'Änderung',
  step: 'Schritt',
  rightIn: (epoch) => `Richtig, Epoche ${epoch}`,
  mostIn: (epoch) => `Meist, Epoche ${epoch}`,
  of: (count, of) => `${count} von ${of}`,
  points: (share) => `${share > 0 ? '+' : ''}${fixed(100 * share, 1)} Punkte`,
};
