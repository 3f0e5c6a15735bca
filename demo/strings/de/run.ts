import { counted, fixed, percent, type Noun } from '../numbers.ts';
import type { RunText } from '../run.ts';

const prompt: Noun = ['Prompt', 'Prompts'];
const epoch: Noun = ['Epoche', 'Epochen'];

export const text: RunText = {
  rooms: {
    run: 'Lauf',
    prompts: 'Prompts',
    compare: 'Vergleich',
    learn: 'Lernen',
    data: 'Daten',
  },
  roomsName: 'Räume',
  keys: 'Tasten dieser Seite',
  language: 'Sprache',
  dark: 'Dunkle Farben',

  spine: 'Der Lauf',
  coming: 'Eine Aufzeichnung ist unterwegs.',
  missing: (why) => `Die Aufzeichnung lässt sich nicht zeigen: ${why}.`,
  underWay: 'Ein Lauf in diesem Tab, noch unterwegs',
  watching: 'Ein anderer Tab trainiert; dieser sieht zu',
  watchedEnded: 'Der andere Tab hat diesen Lauf vor dem Ende verlassen',
  broken: 'Ein Lauf in diesem Tab, der nicht bis zum Ende kam',
  finished: 'Ein fertiger Lauf in diesem Browser',
  showRecording: 'Aufzeichnung zeigen',
  shared: 'Geteilt, nur Zahlen',
  sharedText: 'Er kam mit dem Link; hier wurde nichts gerechnet.',
  recorded: 'Aufgezeichnet',
  recordedOn: (date) => `am ${date} auf`,
  adapter: 'Ganzer Name des Adapters',
  shareOf: (act) => `Fortschritt: ${act}`,

  acts: ['Basis', 'Alle Prompts', 'Wertung', 'Auswahl', 'Vergleich'],
  right: (share) => `${percent(share, 1)} richtig`,
  update: (at, of) => (of === undefined ? `Update ${at}` : `Update ${at} von ${of}`),
  kept: (kept, of) => `${kept} von ${of} behalten`,
  atUpdate: (method, at) => `${method}, Update ${at}`,

  pretraining: 'Ein kleines Modell liest vorgerechnete Aufgaben, manche davon mit Fehlern.',
  beforeBase: 'Am Anfang steht das Ausgangsmodell: das Modell vor jeder Belohnung.',
  base: (share, drawn) =>
    `${drawn ? 'Ein kleines Sprachmodell kennt das Verfahren, verrechnet sich aber' : 'So kam das Modell hierher'}: ` +
    `Von seinen Antworten auf ungesehene Aufgaben sind ${percent(share, 1)} richtig.`,
  paid: (prompts, epochs) =>
    `PPO belohnt ein Sprachmodell für richtige Antworten: ${counted(prompts, prompt)}, ${counted(epochs, epoch)}.`,
  watch: 'Welche Spalten leuchten auf?',
  reward: (epochs, last) =>
    `Mittlere Belohnung ${epochs === 1 ? 'in Epoche 1' : `nach ${epochs} Epochen`}: ${fixed(last, 2)}.`,
  answers: (epochs, first, last) =>
    epochs === 1
      ? `In Epoche 1 galten ${percent(last, 0)} der Antworten als richtig.`
      : `Von Epoche 1 bis ${epochs} ging der Anteil richtiger Antworten von ${percent(first, 0)} auf ${percent(last, 0)}.`,
  scores: (cut) =>
    `Prompts, die so lernen wie die Gesamtheit, bekommen einen hohen Wert${cut ? `: LIM behält ${cut.kept} von ${cut.of}` : ''}.`,
  again: (prompts, method, at, of) =>
    `Noch einmal dasselbe Ausgangsmodell, aber nur ${prompts === undefined ? 'einige Prompts' : counted(prompts, prompt)}: ` +
    `${method} bei Update ${at} von ${of ?? '?'}.`,
  notEvaluated: 'Der Lauf ist fertig. Auf ungesehenen Aufgaben wurde er nicht geprüft.',
  fullAlone: (all, full) =>
    `Mit allen ${all} trainiert: ${percent(full, 1)} der ungesehenen Aufgaben richtig.`,
  ending: (kept, lim, all, full) =>
    `LIM mit ${kept === undefined ? 'seiner Auswahl' : counted(kept, prompt)}: ${percent(lim, 1)}. ` +
    `Mit allen ${all} trainiert: ${percent(full, 1)}.`,

  recording: 'Die Aufzeichnung',
  play: 'Film abspielen',
  pause: 'Film anhalten',
  place: 'Stelle im Film',
  speed: 'Tempo des Films',
  resume: 'Lauf fortsetzen',
  resumes: 'Er war noch nicht fertig und geht Bit für Bit genau so weiter.',
  train: 'Hier trainieren',
  took: (time) => `${time} auf dem Adapter der Aufzeichnung`,
  tookHere: (time) => `zuletzt ${time}`,
  cannotTrain: 'Dieser Browser kann nicht trainieren; die Aufzeichnung erzählt alles.',
  settings: 'Einstellungen und eigene Daten',

  stages: [
    'Eine Aufgabe und eine Antwort',
    'Jeder Prompt, Epoche für Epoche',
    'Dieselben Prompts, nach ihrem Wert geordnet',
    'Noch einmal trainiert, mit einer Auswahl',
    'Was dabei herauskam',
  ],
  onItsWay: 'Dieses Bild ist unterwegs.',
  field: 'Prompts und was sie eingebracht haben',
  fieldHint:
    'Eine Spalte ist ein Prompt, eine Zeile eine Epoche: ein Durchgang durch alle Prompts. Klicken oder mit den Pfeiltasten wählen.',
  notYet: (at, what) => `Epoche ${at}, ${what}: noch nichts`,
  matched: (at, what, matched, of) =>
    `Epoche ${at}, ${what}: ${matched} von ${of} Antworten stimmen mit der Lösung überein`,
  earned: (at, what, reward) => `Epoche ${at}, ${what}: mittlere Belohnung ${fixed(reward, 2)}`,
  andWrong: '; die Lösung ist absichtlich falsch',
  legend: 'Farben und Zeichen des Bildes',
  rewards: 'mittlere Belohnung, −1 bis 1',
  shares: 'keine bis alle Antworten stimmen',
  easy: 'leicht',
  learnable: 'lernbar',
  hard: 'schwer',
  wrong: 'Lösung absichtlich falsch',
  keptByLim: 'von LIM behalten',
  changed: (at) => `In Epoche ${at} am stärksten verändert:`,
  change: (from, to, of) => `${from} → ${to} von ${of}`,
  empty: '(leer)',
};
