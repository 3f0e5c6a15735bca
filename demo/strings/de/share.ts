import type { ShareText } from '../share.ts';

export const text: ShareText = {
  share: 'Teilen',
  title: 'Diese Ansicht teilen',
  close: 'Schließen',
  link: 'Link zu dieser Ansicht',
  linkHint:
    'Er öffnet denselben Raum, denselben Prompt und dieselbe Stelle im Film und startet nichts.',
  numbersLink: 'Link mit den Zahlen dieses Laufs',
  numbersHint: (characters) =>
    `Der Lauf liegt nur in diesem Browser, deshalb fahren seine Zahlen im Link mit (${characters} Zeichen): Kurven, Matrix und Werte, keine Antworten und keine Gewichte.`,
  cannot: {
    running: 'Ein Lauf lässt sich per Link verschicken, sobald er fertig ist.',
    own: 'Dieser Lauf hat eigene Prompts oder ein eigenes Modell: Seine Zahlen bleiben hier. Zum Weitergeben lässt sich unter „Daten“ der Bericht herunterladen.',
    seeds:
      'Läufe mit mehreren Seeds sind für einen Link zu groß. Zum Weitergeben lässt sich unter „Daten“ der Bericht herunterladen.',
    large:
      'Dieser Lauf hat zu viele Zahlen für einen Link. Zum Weitergeben lässt sich unter „Daten“ der Bericht herunterladen.',
  },
  embed: 'Code für eine eigene Seite',
  embedHint: 'Ein Rahmen mit dieser Ansicht allein. Er spielt die Aufzeichnung und rechnet nichts.',
  figure: 'Abbildung',
  noFigure: 'In diesem Raum ist keine Abbildung zu sehen.',
  png: 'PNG',
  svg: 'SVG',
  csv: 'Zahlen (CSV)',
  cite: 'Zitieren',
  citeHint: 'Der Aufsatz, dessen Methode hier läuft, und diese Software.',
  copy: 'Kopieren',
  copyOf: (what) => `Kopieren: ${what}`,
  copied: (what) => `Kopiert: ${what}.`,
  notCopied: (what) =>
    `Der Browser ließ das Kopieren nicht zu. ${what} ist markiert: Strg+C oder ⌘C drücken.`,
  saved: (name) => `${name} ist heruntergeladen.`,
  failed: (why) => `Das hat nicht geklappt: ${why}`,
  openInLab: 'In LIMR Lab öffnen',
  recordedOn: (date, adapter) => `Aufgezeichnet am ${date} auf ${adapter}`,
  frameTitle: (view) => `LIMR Lab: ${view}`,
  noView: (name, names) => `Eine Ansicht „${name}“ zum Einbetten gibt es nicht. Es gibt: ${names}.`,
};
