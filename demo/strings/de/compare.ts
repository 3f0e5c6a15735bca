import type { CompareText } from '../compare.ts';

export const text: CompareText = {
  found: (readout, seeds) =>
    `Was herauskam: Anteil richtiger Antworten auf zurückgehaltene Prompts bei ${readout}${seeds > 1 ? `, Mittel über ${seeds} Seeds` : ''}`,
  nothingFound: 'Was herauskam',
  prompts: (least, most) =>
    least === most ? `${most} ${most === 1 ? 'Prompt' : 'Prompts'}` : `${least}–${most} Prompts`,
  online: (trained, generated) => `, trainiert auf ${trained} von ${generated} Antworten`,

  runs: 'Läufe',
  runsHint:
    'Läufe mit gleichen Einstellungen zählen als Seeds eines Versuchs: Ab drei gibt es ein Intervall über Seeds.',
  runsTable: 'Tabelle der Läufe',
  compareRun: (name) => `${name} vergleichen`,
  include: 'Vergleichen',
  run: 'Lauf',
  seedsHead: 'Seeds',
  adapter: 'Grafikeinheit',
  differs: 'Einstellungen, die sich unterscheiden',
  same: 'Alle Einstellungen sind gleich.',
  noSetting: 'nicht gesetzt',
  recorded: (date) => `Aufgezeichnet am ${date}`,
  shared: 'Geteilt, nur Zahlen',
  shown: 'Dieser Tab, jetzt',
  stored: (date) => `Begonnen am ${date}`,
  running: 'läuft',
  noStored:
    'Läufe, die Sie in diesem Browser trainieren, erscheinen hier; ein laufendes Training kommt schon währenddessen dazu. Bis dahin steht die Aufzeichnung dafür.',
  cannotRead: (name) => `${name} lässt sich nicht lesen:`,
  reading: 'Die gespeicherten Läufe werden gelesen …',
  twice: (seeds) => `Seed ${seeds} kommt in zwei dieser Läufe vor und zählt einmal.`,
  remove: 'Weglassen',

  curves: 'Lernen, nach Methode',
  axis: 'Über',
  axes: {
    updates: 'Updates',
    epochs: 'eigene Epochen',
    samples: 'Antworten samt Wertung',
  },
  axisTexts: {
    updates:
      'Jede Methode nach gleich vielen Updates. Was die Wertung durch LIM kostet, steht nicht in ihrer Kurve.',
    epochs:
      'Durchgänge jeder Methode durch ihre eigenen Prompts: Eine kleine Auswahl macht in gleich vielen Updates viele.',
    samples:
      'Alle gezogenen Antworten. Die Kurve von LIM beginnt nach dem FULL-Durchgang, aus dem ihre Werte stammen.',
  },
  shareRight: 'Anteil richtig',
  curvesLabel: (axis, values) =>
    `Anteil richtiger Antworten über ${axis}; letzte Werte: ${values}. Die Zahlen stehen in der Tabelle darunter.`,
  rule: 'Gestrichelte Höhe: die Basis. Wo FULL allein weitergeht, ist es blass.',
  bands: (seeds) =>
    seeds > 2
      ? `Bänder: 95-%-Intervalle über ${seeds} Seeds; dünne Linien: die einzelnen Seeds.`
      : seeds === 2
        ? 'Dünne Linien: die beiden Seeds. Zwei sind zu wenige für ein Intervall über Seeds.'
        : 'Ein Seed: Ein anderer kann die Methoden anders ordnen.',
  cursor: 'Werte bei',
  at: (unit, readout) => `${unit} ${readout}`,
  update: 'Update',
  ownEpoch: 'eigene Epoche',
  fixedReadout: 'der festgelegten Messung',
  backToReadout: 'Zurück zur festgelegten Messung',
  numbers: 'Zahlen der Kurven',
  method: 'Methode',
  accuracy: 'Richtig',
  interval: '95-%-Intervall',
  updatesHead: 'Updates',
  epochsHead: 'Eigene Epochen',
  samplesHead: 'Antworten',
  chargedHead: 'Antworten samt Wertung',
  none: '–',
  noCurves: 'Noch keine Messung: Mit der ersten kommen die Kurven.',
  settingsOf: (number) => `Einstellungen ${number}`,
  seedsOf: (seeds) => `Seeds ${seeds}`,

  sure: 'Ist der Unterschied sicher?',
  fixedTitle: 'Vor dem Lauf festgelegt',
  fixedText: (unit, readout) =>
    `Die Einstellungen nannten ${unit} ${readout} als Messung, vor dem ersten Update. LIM minus die anderen dort:`,
  exploratory: 'Erkundend',
  exploratoryText:
    'Niemand hat diese Vergleiche vorher gewählt, und für ihre Zahl ist nichts korrigiert: Sie zeigen, was mit neuen Seeds zu prüfen wäre.',
  exploratoryCount: (count) => `${count} weitere Vergleiche`,
  equalSamples: 'gleich viele Antworten, Wertung eingerechnet',
  comparison: 'Vergleich',
  where: 'Wo',
  difference: 'Unterschied in Punkten',
  verdict: 'Lesart',
  above: (one) => `${one} liegt vorn`,
  below: (one) => `${one} liegt zurück`,
  level: 'nicht zu unterscheiden',
  oneSeed: 'kein Intervall: zu wenige Seeds',
  over: {
    seeds: (seeds) => `gepaart über ${seeds} Seeds`,
    prompts: 'nur über die zurückgehaltenen Prompts',
  },
  onePromptSeed:
    'Mit weniger als drei Seeds reicht das Intervall nur über die zurückgehaltenen Prompts dieser Trainings: Über einen anderen Seed, der die Methoden anders ordnen kann, sagt es nichts.',
  manySeeds: (seeds) =>
    `Intervalle nach Student (t) über ${seeds} Seeds, gepaart: Gleicher Seed heißt gleicher Vorrat und gleiche Basis.`,
  noDifferences: 'Kommt, sobald LIM und eine andere Methode an derselben Stelle gemessen sind.',
  stripLabel: (what, mean, low, high) => `${what}: ${mean} Punkte, ${low} bis ${high}`,

  makeup: 'Was in jeder Auswahl steckt',
  makeupText:
    'Prompts danach, wie schwer sie der Basis fallen; der dünne Balken darunter: absichtlich falsche Lösungen.',
  makeupNumbers: 'Zahlen der Auswahlen',
  easy: 'leicht',
  learnable: 'lernbar',
  hard: 'schwer',
  wrongKeys: 'falsche Lösungen',
  makeupRow: (name, prompts, easy, learnable, hard, wrong) =>
    `${name}: ${prompts} Prompts, ${easy} leicht, ${learnable} lernbar, ${hard} schwer; ${wrong} mit falscher Lösung`,
  noMakeup: 'Bei diesen Prompts ist nicht bekannt, wie schwer sie sind.',
  selectionPending: 'Die Auswahl steht fest, sobald FULL fertig ist.',

  results: 'Ergebnisse nach Stufen',
  notEvaluated: 'Nicht gemessen: Die Aufgabe hat keine zurückgehaltenen Prompts.',
  evaluated: (readout) =>
    `Anteil richtiger Antworten ohne Zufall nach ${readout} jeder Methode, vor dem Lauf festgelegt.`,
  readoutOf: {
    update: (count) => `${count} Updates`,
    'data epoch': (count) => `${count} Datenepochen`,
  },
  mean: 'Mittel',
  sampled: 'Gezogen',
  promptsHead: 'Prompts',
  easyHead: 'Leicht',
  learnableHead: 'Lernbar',
  hardHead: 'Schwer',
  wrongHead: 'Falsche Schlüssel',
  table: 'Tabelle der Ergebnisse',
  warnings: 'Warnungen',
  overSeeds: (seeds) =>
    `Mittel und Intervalle reichen über ${seeds} Seeds (Student, t), sobald drei fertig sind; bis dahin über die zurückgehaltenen Prompts.`,
  overPrompts:
    'Mit weniger als drei Seeds reicht das Intervall nur über die zurückgehaltenen Prompts: Ein anderer Seed kann außerhalb landen.',
  noInterval: 'Für diese Aufgabe gibt es kein Intervall.',
  outside: (tier) => `${tier}: Prompts, die anders sind als im Training; nicht im Mittel.`,
  sampledText: (samples, temperature) =>
    `Gezogen: Mittel aus ${samples} Antworten je Prompt bei Temperatur ${temperature}.`,
  ofSeed: (seed) => `Die Prompts sind die von Seed ${seed}.`,

  sweep: 'Wann ist weniger mehr? Eine Versuchsreihe',
  sweepText:
    'Eine Versuchsreihe trainiert viele Einstellungen mit vielen Seeds. Öffnen Sie ihre sweep.json zusammen mit runs.csv oder ihren ganzen Ordner, um zu sehen, bei welcher Auswahl und welchem Aufwand weniger Prompts besser waren.',
  chooseFiles: 'Dateien wählen',
  chooseFolder: 'Ordner wählen',
  study: 'Die Studie dieses Projekts zeigen',
  studyText: (done, of) => `${done} von ${of} Trainings liegen vor.`,
  mapText: 'Blau: weniger ist mehr. Orange: weniger ist weniger. Spalten sind der Aufwand.',
  maps: {
    key: 'schraffiert, mit Fragezeichen: unentschieden. Das 95-%-Intervall enthält 0, oder es sind weniger als drei Seeds. Ein Punkt: nicht gemessen.',
    intervals: 'Intervalle',
    intervalsOf: (diagram) => `${diagram}, 95-%-Intervalle`,
    noInterval: 'keines',
    interval: (low, high) => `${low} bis ${high}`,
    seeds: (seeds) => (seeds === 1 ? '1 Seed' : `${seeds} Seeds`),
    corner: { subset: 'Auswahl', method: 'Methode' },
    unit: (unit) => (unit === 'update' ? 'Update' : 'Datenepoche'),
    equalSamples: ', bei gleich vielen Antworten insgesamt',
  },
  equalBudget: (unit) =>
    unit === 'update' ? 'Bei gleich vielen Updates' : 'Bei gleich vielen Datenepochen',
  equalTotal: 'Bei gleich vielen Antworten, Wertung eingerechnet',
  nothingToCompare: 'Noch lässt sich darin nichts mit FULL vergleichen.',
  close: 'Versuchsreihe schließen',
  opening: 'Die Versuchsreihe wird gelesen …',
};
