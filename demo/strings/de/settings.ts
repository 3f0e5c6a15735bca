import type { SettingsText } from '../settings.ts';

export const text: SettingsText = {
  form: 'Alle Einstellungen dieses Laufs',
  search: 'Einstellung suchen',
  nothing: 'Keine Einstellung enthält diese Wörter.',
  chooseFirst: 'Sobald Modell und Prompts gewählt sind, lässt sich hier jede Einstellung ändern.',
  jsonFirst: 'Das JSON unten ist nicht lesbar: Sobald es stimmt, ist das Formular wieder da.',
  groups: {
    general: 'Allgemein',
    task: 'Aufgabe: Prompts, Schlüssel und Prüfstufen',
    model: 'Modell',
    adapter: 'Adapter',
    base: 'Basis: Vortraining',
    rollout: 'Rollout: Ziehen von Antworten',
    ppo: 'PPO: von Belohnungen zu Updates',
    lim: 'LIM: Punktzahlen und Schnitt',
    online: 'Online-Methoden',
    sft: 'Überwachtes Nachlernen',
    experiment: 'Experiment: Methoden und Längen',
    evaluation: 'Auswertung',
  },
  fields: (count) => (count === 1 ? '1 Einstellung' : `${count} Einstellungen`),
  changed: (count) => `${count} geändert`,
  reset: 'Zurücksetzen',
  resetField: (path) => `${path} auf die Vorlage zurücksetzen`,
  presetValue: (value) => `Vorlage: ${value}.`,
  leftOut: 'weggelassen',
  bounds: (least, most) => `Erlaubt: ${least} bis ${most}.`,
  unread: { number: 'Das ist keine Zahl.', json: 'Das ist kein JSON.' },
  presets: {
    quick:
      'Ein erster Blick: 160 Prompts, fünf Epochen, dann LIM, RAND und LINEAR von derselben Basis aus.',
    standard: 'Ein sorgfältiger Lauf: 1.280 Prompts, sechs Epochen, 40 Updates je Auswahl.',
    study: 'Der Standardlauf mit fünf frischen Startwerten: So viel braucht eine Aussage.',
    'standard-0.4m': 'Der Standardlauf mit einem Modell mit viermal so vielen Gewichten.',
    'standard-1.6m': 'Der Standardlauf mit sechzehnmal so vielen Gewichten: für eine GPU.',
    'standard-ood':
      'Der Standardlauf mit einer Prüfstufe aus längeren Aufgaben als allen, die trainiert werden.',
  },
  quickTime:
    'Weniger als eine Minute auf den zwei Kernen der Aufzeichnung; eine GPU ist schneller.',
  times: (times) => `Etwa ${times}-mal so viel Arbeit wie quick.`,
  badLink:
    'Dieser Link verlangt etwas, das aus dem oben genannten Grund nicht erlaubt ist. Gestartet wurde nichts.',
  useQuick: 'quick verwenden',
  edit: 'Einstellungen bearbeiten',
  tooLarge: (part) => `Zu groß für einen Tab: ${part}.`,
  fits: 'passt.',
  useFit: (value) => `${value} verwenden`,
  inTerminal: 'So wie er ist, läuft er in einem Terminal:',
  copy: 'Befehl kopieren',
  copied: 'Kopiert.',
};
