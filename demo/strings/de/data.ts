import type { DataText } from '../data.ts';
import { fixed, percent, whole } from '../numbers.ts';

const several =
  (one: string, many: string) =>
  (count: number): string =>
    `${whole(count)} ${count === 1 ? one : many}`;
const rows = several('Zeile', 'Zeilen');
const prompts = several('Prompt', 'Prompts');
const entries = several('Eintrag', 'Einträge');
const files = several('Datei', 'Dateien');

export const text: DataText = {
  title: 'Eigene Rollouts',
  lead: 'Rollouts von OpenRLHF, TRL, verl oder LIMR, eine Belohnungsmatrix, eine Datei mit Punktzahlen oder das Bündel eines Laufs (.limr) irgendwo auf diese Seite ziehen. Sie werden hier bewertet und verlassen diesen Rechner nicht.',
  chooseFiles: 'Dateien wählen',
  chooseFolder: 'Ordner wählen',
  files: 'Dateien mit Rollouts oder Punktzahlen',
  folder: 'Ordner mit Rollouts',
  reading: (name) => `${name} wird gelesen`,
  read: (share) => `${percent(share, 0)} gelesen`,
  scoring: 'Alles gelesen; die Punktzahlen werden berechnet',
  cancel: 'Abbrechen',
  close: 'Schließen',
  closed: 'Diese Rollouts schließen',
  failed: (name) => `${name} konnte nicht gelesen werden`,
  mend: 'Ist es die richtige Datei, helfen vielleicht die Einstellungen zum Lesen weiter unten.',
  kept: (kept, of) => `LIM behält ${whole(kept)} von ${prompts(of)}`,
  share: (share) => percent(share, 1),
  size: (count, epochs) => `${prompts(count)} × ${several('Datenepoche', 'Datenepochen')(epochs)}`,
  scoresAlone: (prompts) =>
    `${whole(prompts)} Punktzahlen, so übernommen, wie sie in der Datei stehen: Belohnungen enthält sie nicht`,
  unscored: (count) => `${whole(count)} ohne Punktzahl`,
  computedOn: (adapter) => `berechnet auf ${adapter}`,
  computedHere: (why) =>
    `in float64 auf dem Prozessor berechnet, weil keine GPU nutzbar ist (${why}). Behalten werden dieselben Prompts; die letzten Stellen der Punktzahlen können von limr score abweichen.`,
  cutLegend: 'Ein Prompt wird behalten, wenn',
  threshold: 'seine Punktzahl mindestens θ beträgt',
  count: 'er zu den N besten gehört',
  hopeless: (score) =>
    `Vorsicht: Ein Prompt, den niemand je löst, erhält hier ${fixed(score, 2)} Punkte. Dieses θ behält also auch aussichtslose Prompts und falsche Schlüssel.`,
  histogram: 'Wie viele Prompts welche Punktzahl haben; was behalten wird, ist blau',
  below: '≤ −1',
  matrix: (signal) =>
    signal === 'accuracy'
      ? 'Anteil richtiger Antworten: Prompts von der höchsten zur niedrigsten Punktzahl, Epochen von oben nach unten'
      : 'Mittlere Belohnung: Prompts von der höchsten zur niedrigsten Punktzahl, Epochen von oben nach unten',
  keptMark: 'behalten',
  missing: 'kein Wert',
  meanCurve:
    'Mittel aller Prompts über die Epochen: Wer dieser Kurve folgt, erhält eine hohe Punktzahl',
  epoch: (epoch) => `Epoche ${whole(epoch)}`,
  epochColumn: 'Epoche',
  meanColumn: 'Mittel',
  table: 'Als Tabellen',
  prompts: 'Prompts nach Punktzahl',
  prompt: 'Prompt',
  score: 'Punktzahl',
  keptColumn: 'Behalten',
  yes: 'ja',
  no: 'nein',
  noScore: 'keine',
  odd: 'Was nicht zusammenpasste',
  clean: 'Alles passte zusammen: Keine Zeile wurde ausgelassen, zusammengelegt oder geraten.',
  oddities: {
    unmatchedRows: (count) => `${rows(count)} ausgelassen: Prompt nicht im Vorrat`,
    duplicateEntries: (count) =>
      `${entries(count)} aus mehreren Schritten einer Epoche: zusammengezählt`,
    partialEntries: (count) => `${entries(count)} mit weniger Antworten als die meisten`,
    missingEntries: (count) =>
      `${entries(count)} ohne Wert: in der Epoche keine Antwort zum Prompt`,
    mergedPrompts: (count) => `${prompts(count)} des Vorrats mit gleichem Text: zusammengelegt`,
    neverRolledOut: (count) => `${prompts(count)} des Vorrats ohne eine einzige Antwort`,
    rowsWithoutSignal: (count) => `${rows(count)} ohne Belohnung: in keinem Mittel`,
    repeatedRows: (count) => `${rows(count)} aus einem wiederholten Schritt: einmal gezählt`,
    rowsPastEnd: (count) => `${rows(count)} nach der letzten ganzen Epoche: ausgelassen`,
    cutRows: (count) => `${rows(count)} beim Schreiben abgeschnitten: ausgelassen`,
    emptyFiles: (count) => `${files(count)} ohne Zeile`,
    filesLeftOut: (count) => `${files(count)} daneben nicht gelesen`,
  },
  told: 'Was limr score dazu ausgibt',
  ways: 'Einstellungen zum Lesen',
  signal: 'Was bewertet wird',
  signals: { accuracy: 'Anteil richtiger Antworten', reward: 'die Belohnungen selbst' },
  rule: 'Fehlende Einträge',
  rules: {
    corrected: 'zählen in keinem Mittel',
    limr: 'werden wie in LIMRs Skript gefüllt oder verworfen',
  },
  format: 'Format',
  formatAuto: 'nach dem Inhalt der Datei',
  reward: 'Spalte der Belohnung',
  rewardHint: 'bei mehreren: a=1,b=0.5 zählt sie zusammen',
  epochs: 'Datenepochen',
  stepsPerEpoch: 'Schritte je Epoche',
  byFile: 'aus der Datei',
  allowPartial: 'Eine letzte Zeile auslassen, die beim Schreiben abgeschnitten wurde',
  pool: 'Vorrat an Prompts',
  poolNone: 'keiner: Es zählen die Prompts der Dateien',
  choosePool: 'Datei wählen',
  dropPool: 'Ohne Vorrat',
  readAgain: 'Erneut lesen',
  outOfRange: (what) => `${what}: keine ganze Zahl von 1 bis 1.000.000`,
  downloads: 'Zum Mitnehmen',
  downloadScores: 'scores.json herunterladen',
  subset: 'Teilmenge als',
  subsetSame: 'in der Form der Datei',
  downloadSubset: 'Teilmenge herunterladen',
  busy: 'Ein Lauf ist im Gange: Modell, Prompts und Prüfer lassen sich wählen, wenn er beendet ist. Rollouts und Punktzahlen lassen sich jederzeit öffnen.',
};
