import type { KeptText } from '../kept.ts';

export const text: KeptText = {
  title: 'In diesem Browser gespeicherte Läufe',
  room: (runs, used, of) =>
    `Diese Läufe belegen ${runs}; die Seite nutzt ${used} von ${of}, die ihr der Browser bietet.`,
  roomLabel: 'Von dieser Seite belegter Platz',
  persist: 'Den Browser bitten, sie zu behalten',
  persistHint: 'Sonst darf er sie löschen, wenn der Platz knapp wird.',
  persisted: 'Der Browser behält sie auch dann, wenn der Platz knapp wird.',
  persistRefused:
    'Der Browser wollte es nicht zusagen: Er entscheidet danach, wie oft eine Seite genutzt wird. Läufe lassen sich weiterhin als Bündel herunterladen.',
  hint: (most) =>
    `Die letzten ${most} Läufe und alle angehefteten bleiben in diesem Browser auf diesem Rechner: Ein neuer Lauf ersetzt den ältesten nicht angehefteten, und wer die Daten dieser Seite löscht, löscht alle.`,
  started: (date) => `begonnen ${date}`,
  pinned: 'angeheftet',
  pin: 'Anheften',
  name: 'Name',
  resume: 'Fortsetzen',
  open: 'Öffnen',
  bundle: 'Bündel',
  free: 'Herunterladen und freigeben',
  delete: 'Löschen',
  discard: 'Verwerfen',
  resumeRun: (title, state) => `Fortsetzen: Lauf mit ${title}, ${state}`,
  openRun: (title, state) => `Öffnen: Lauf mit ${title}, ${state}`,
  bundleRun: (title, state) => `Bündel herunterladen: Lauf mit ${title}, ${state}`,
  freeRun: (title, state) =>
    `Bündel herunterladen und den Platz freigeben: Lauf mit ${title}, ${state}`,
  full: 'Für diese Seite ist kaum noch Platz.',
  freeOldest: (name, size) => `Den ältesten herunterladen und freigeben: ${name}, ${size}`,
  making: 'Das Bündel entsteht …',
  declined: 'Es wurde keine Datei gespeichert, also bleibt der Lauf.',
  out: {
    saved: (file, size) =>
      `${file} ist gespeichert, alle ${size}. Soll der Lauf hier Platz machen? Auf diese Seite gezogen, öffnet die Datei ihn wieder.`,
    handed: (file, size) =>
      `Der Browser hat alle ${size} von ${file}. Sobald die Datei bei den Downloads liegt, kann der Lauf hier Platz machen; auf diese Seite gezogen, öffnet sie ihn wieder.`,
  },
  lost: (files) =>
    files === 1
      ? 'Eine Datei gehört in kein Bündel und geht mit dem Lauf:'
      : `${files} Dateien gehören in kein Bündel und gehen mit dem Lauf:`,
  notFreed: 'Der Lauf bleibt, wie er war:',
  freeNow: (size) => `${size} freigeben`,
  keepIt: 'Den Lauf behalten',
  freed: (size) => `${size} freigegeben.`,
  pinRun: (title, state) => `Anheften: Lauf mit ${title}, ${state}`,
  unpinRun: (title, state) => `Anheften aufheben: Lauf mit ${title}, ${state}`,
  nameRun: (title, state) => `Name und Notiz: Lauf mit ${title}, ${state}`,
  deleteRun: (title, state) => `Löschen: Lauf mit ${title}, ${state}`,
  discardRun: (title, state) => `Verwerfen: Lauf mit ${title}, ${state}`,
  confirmDelete:
    'Diesen Lauf und seine Dateien löschen? Ein heruntergeladenes Bündel bleibt erhalten.',
  confirmDiscard: 'Diesen unfertigen Lauf verwerfen?',
  titleField: 'Name dieses Laufs',
  noteField: 'Notiz',
  save: 'Speichern',
  cancel: 'Abbrechen',
  unknown: 'unbekannte Einstellungen',
  settings: (preset, seeds) =>
    `Vorlage ${preset}, ${seeds.length === 1 ? 'Startwert' : 'Startwerte'} ${seeds.join(', ')}`,
  unreadable: (why) => `nicht lesbar: ${why}`,
  underWay: 'im Gange',
  otherTab: 'gehört einem anderen Tab, der daran arbeitet',
  finished: 'beendet',
  noCheckpoint: 'ohne Zwischenstand',
  atBase: 'unfertig, mit der Basis gespeichert',
  at: (method, update) => `unfertig, gespeichert bei ${method}, Update ${update}`,
  files: 'Dateien des Laufs',
  recorded:
    'Zu sehen ist eine Aufzeichnung. Ihr Bündel enthält die Dateien jenes Laufs; diese Seite und limr öffnen es.',
  downloadReport: 'Bericht herunterladen',
  downloadBundle: 'Bündel herunterladen',
  withWeights: 'mit den trainierten Gewichten',
  reportStates: {
    none: 'Der Bericht ist eine Seite zum Lesen und Weitergeben; das Bündel ist eine Datei, die diese Seite und limr wieder öffnen. Beide gibt es, wenn der Lauf beendet ist.',
    making: 'Der Bericht entsteht …',
    made: 'Eine Seite, die nichts von anderswo lädt.',
  },
  meanings: {
    'config.json': 'Einstellungen und Startwerte, wie limr run sie liest',
    'results.json': 'Einstellungen, Genauigkeiten und was jede Auswahl behielt',
    'scores.json': 'jeder Prompt mit Schlüssel, Punktzahl und Verlauf',
    'rewards.safetensors': 'die Belohnungsmatrix, Prompts × Epochen',
    'metrics.jsonl': 'jede Messgröße jedes Updates',
    'subsets/lim.json': 'die Prompts, die LIM behielt',
  },
  later: 'kommt später',
  adapter: 'das Trainierte in der Form von PEFT',
  model: 'das trainierte Modell in der Form von Hugging Face',
  otherSeed: 'zu einem anderen Startwert',
  subsetOf: (method, seed) =>
    `die Prompts von ${method}${seed === undefined ? '' : `, Startwert ${seed}`}`,
  kept: 'Bleibt in diesem Browser, bis der Lauf oder die Daten dieser Seite gelöscht werden.',
  notKept: (why) =>
    `Es kann nichts gespeichert werden: ${why}. Läufe liegen nur im Speicher dieses Tabs; wer etwas behalten möchte, lädt es vor dem Schließen herunter.`,
  bundleBusy: 'Ein Lauf ist im Gange: Das Bündel lässt sich öffnen, wenn er beendet ist.',
};
