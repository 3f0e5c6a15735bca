import { planOf } from '../../link.ts';
import type { FormText } from '../form.ts';
import { bytes, counted, whole } from '../numbers.ts';

export const text: FormText = {
  title: 'Ein neuer Lauf',
  preset: 'Vorgabe',
  ownModel: 'ein eigenes Modell',
  seed: 'Startwert',
  start: 'Start',
  seedHint:
    'Eine ganze Zahl, oder mehrere mit Kommas: je ein ganzes Experiment. Derselbe Startwert auf demselben Gerät ergibt denselben Lauf.',
  own: 'Ihr Modell und Ihre Prompts',
  ownHint:
    'Ziehen Sie den Ordner eines Modells (config.json, model.safetensors, tokenizer.json), eine Datei mit Prompts und, wenn Sie eines haben, ein Prüfmodul (.js, .mjs) irgendwo auf diese Seite, oder wählen Sie sie hier. Sie bleiben auf diesem Rechner.',
  noModel: 'Kein Modell gewählt.',
  model: 'Modell',
  chooseModel: 'Ordner eines Modells wählen',
  keepModel: 'In diesem Browser aufbewahren',
  keeping: 'Aufbewahrter Anteil',
  cancel: 'Abbrechen',
  keptHere: 'In diesem Browser aufbewahrt:',
  noPrompts: 'Keine Prompts gewählt.',
  choosePrompts: 'Datei mit Prompts wählen',
  verifier: 'Prüfung',
  ownModule: 'ein eigenes Modul',
  trained: 'Trainiert',
  lora: 'LoRA-Adapter',
  full: 'alle Gewichte',
  rank: 'LoRA-Rang',
  storage: 'Basis gespeichert in',
  budget: 'GPU-Speicher, GiB',
  promptTokens: 'Tokens eines Prompts',
  responseTokens: 'Tokens einer Antwort',
  moduleLimits:
    'Ein Modul läuft in einem abgeschotteten Rahmen: Es bekommt jeden Prompt mit Lösung und Antwort und darf je 30 Sekunden rechnen, erreicht aber kein Netz, nichts von dieser Seite oder Ihren Dateien und nichts, was dieser Browser speichert.',
  noModule: 'Kein Modul gewählt.',
  chooseModule: 'Datei .js oder .mjs wählen',
  pasteCode: 'Oder den Code einfügen',
  useCode: 'Diesen Code nehmen',
  moduleFile: 'Datei des Moduls',
  modelFolder: 'Ordner des Modells',
  promptsFile: 'Datei mit Prompts',
  settings: 'Einstellungen dieses Laufs',
  json: 'Einstellungen der Vorgabe ersetzen (JSON; sie stehen dann in der Adresse der Seite)',

  plan: (choice) => {
    const plan = planOf(choice);
    const { weights, base, given, estimator, prompts, task, epochs, updates } = plan;
    const model = given
      ? `${given.model} mit ${whole(weights)} Gewichten; trainiert werden ` +
        (given.rank === undefined ? 'alle Gewichte' : `Adapter vom Rang ${given.rank}`)
      : `Ein Modell mit etwa ${whole(weights)} Gewichten; seine Basis kommt mit der Seite oder wird in ` +
        `${counted(base, ['Update', 'Updates'])} vortrainiert`;
    const arms =
      plan.arms.length === 0
        ? ''
        : `, dann ${plan.arms.join(', ')} über je ${plan.armLength} ${plan.inEpochs ? 'Epochen' : 'Updates'}`;
    return (
      `${model}; ${estimator} auf ${counted(prompts, ['Prompt', 'Prompts'])} (${task}) über ` +
      `${counted(epochs, ['Epoche', 'Epochen'])} (${counted(updates, ['Update', 'Updates'])} aus ` +
      `${plan.perUpdate} Prompts × ${plan.samples} Antworten)${arms}; ` +
      `${plan.seeds.length === 1 ? 'Startwert' : 'Startwerte'} ${plan.seeds.join(', ')}.`
    );
  },
  missing: (model, prompts, verifier) => {
    const parts = [
      ...(model ? ['den Ordner eines Modells'] : []),
      ...(prompts ? ['eine Datei mit Prompts'] : []),
      ...(verifier ? ['ein Prüfmodul'] : []),
    ];
    return `Wählen Sie ${new Intl.ListFormat('de').format(parts)}.`;
  },
  memory: (run, pretraining) =>
    `Etwa ${bytes(run)} GPU-Speicher` +
    `${pretraining === undefined ? '' : `; ${bytes(pretraining)}, falls die Basis erst vortrainiert werden muss`}.`,
  ownMemory: (total, of, choices) =>
    `GPU-Speicher: ${bytes(total)} von ${bytes(of)}; ${counted(choices.rowsTogether, ['Antwort', 'Antworten'])} ` +
    `zugleich gezogen, ${counted(choices.microRows, ['Token', 'Tokens'])} je Durchgang, ` +
    `Schichten beim Rückwärtsrechnen ${choices.gradientCheckpointing ? 'neu berechnet' : 'aufgehoben'}.`,
  tooSmall: (why) => `Dieser Adapter ist zu klein: ${why}.`,
  memoryWhy: (why) => `GPU-Speicher: ${why}.`,
  same: 'Nichts weicht von der Vorgabe ab.',
  differ: (count) =>
    `${count} ${count === 1 ? 'Einstellung weicht' : 'Einstellungen weichen'} von der Vorgabe ab:`,
  insteadOf: (value, reference) => `: ${value} statt ${reference}`,
  modelFacts: (parameters, size, positions) =>
    ` · ${whole(parameters)} Gewichte, ${bytes(size)}, ${whole(positions)} Positionen`,
  rows: (count) => ` · ${counted(count, ['Zeile', 'Zeilen'])}`,
  keptPart: (copied, of) => `${bytes(copied)} von ${bytes(of)} aufbewahrt`,
  use: 'Verwenden',
  remove: 'Entfernen',
  useKept: (model) => `Das aufbewahrte Modell ${model} verwenden`,
  removeKept: (model) => `Das aufbewahrte Modell ${model} entfernen`,
  confirmRemove: (model) => `Das aufbewahrte Modell ${model} entfernen?`,
  codeChanged: 'Der Code hat sich geändert: Drücken Sie „Diesen Code nehmen“.',
  notAModule: (name) => `${name}: Der Name eines Moduls endet auf .js oder .mjs`,
  moduleFacts: (size, digest) => ` · ${bytes(size)}, ${digest}`,
  wantsModule: (module, digest) =>
    `Dieser Lauf begann mit dem Modul ${module}${digest === undefined ? '' : ` (${digest})`}, dessen Code nicht ` +
    'aufbewahrt wird und nie von selbst startet: Wählen Sie das Modul erneut und drücken Sie dann „Fortsetzen“.',
  otherModule: (module, digest, chosen, its) =>
    `Dieser Lauf begann mit dem Modul ${module}${digest === undefined ? '' : ` (${digest})`}, und ` +
    `${chosen} (${its}) ist ein anderes: Wählen Sie dasselbe Modul und drücken Sie dann „Fortsetzen“.`,
  wantsModel: (path) =>
    `Dieser Lauf begann mit dem Modell ${path}, das dieser Browser nicht aufbewahrt: Wählen Sie seinen Ordner ` +
    'erneut und drücken Sie dann „Fortsetzen“. Seine Dateien werden mit denen vom Beginn des Laufs verglichen.',
  wantsModelToAsk: (path) =>
    `Dieser Lauf begann mit dem Modell ${path}, das dieser Browser nicht aufbewahrt: Wählen Sie seinen Ordner im Raum „Daten“ und fragen Sie dann erneut.`,
  looking: (name) => `${name} wird angesehen …`,
  linkNames: 'Der Link nennt das Modul ',
  chooseYourself: ', aber Code kommt nie mit einem Link: Wählen Sie das Modul selbst.',
};
