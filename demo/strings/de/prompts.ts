import type { PromptsText } from '../prompts.ts';

export const text: PromptsText = {
  title: 'Jeder Prompt, jede Epoche',
  none: 'Die Prompts kommen mit dem Lauf.',
  looks: 'Die Prompts ansehen als',
  heat: 'Heatmap',
  land: 'Landschaft',
  curves: 'Kurven',
  table: 'Tabelle',
  show: 'Zeigen',
  filters: {
    all: 'alle',
    kept: 'vom Schnitt behaltene',
    rejected: 'vom Schnitt verworfene',
    right: 'mit richtigem Schlüssel',
    wrong: 'mit falschem Schlüssel',
    easy: 'leichte',
    learnable: 'lernbare',
    hard: 'schwere',
  },
  search: 'Suchen',
  orderBy: 'Reihenfolge',
  orders: {
    score: 'Wert',
    mean: 'Mittel',
    origin: 'Herkunft',
    pool: 'wie im Pool',
    likeness: 'ähnlich dem gewählten',
  },
  ends: {
    score: { first: 'höchster Wert', last: 'niedrigster' },
    mean: { first: 'höchstes Mittel', last: 'niedrigstes' },
    origin: { first: 'leicht', last: 'schwer' },
    pool: { first: 'Anfang des Pools', last: 'Ende' },
    likeness: { first: 'am ähnlichsten', last: 'am wenigsten' },
  },
  shown: (shown, of) => `${shown} von ${of} Prompts`,
  showAll: 'alle zeigen',
  picked: (count) => `${count} ausgewählt`,
  heatText: (order) =>
    `Was FULL verdient hat. Eine Spalte ist ein Prompt, ${order}; eine Zeile ist eine Epoche, ein Durchgang durch alle Prompts.`,
  orderTexts: {
    score: 'der höchste LIM-Wert zuerst',
    means: 'das bisher höchste Mittel zuerst',
    mean: 'das höchste Mittel zuerst',
    origin: 'leichte zuerst, schwere zuletzt',
    pool: 'in der Reihenfolge des Pools',
    likeness: 'der dem gewählten ähnlichste zuerst',
  },
  matrixLabel: 'Prompts in dieser Reihenfolge',
  matrixHint:
    'Prompt anklicken oder Pfeiltasten, Bild auf, Bild ab, Pos1 und Ende benutzen. Über Spalten ziehen wählt sie aus; o wechselt die Reihenfolge.',
  legend: 'Farben und Zeichen',
  rampAccuracy: 'Anteil der Antworten, die dem Schlüssel gleichen, 0 bis 1',
  rampOwn: 'Anteil richtiger Antworten, 0 bis 1',
  rampReward: 'mittlere Belohnung, −1 bis 1',
  missing: 'noch kein Wert',
  easy: 'leicht',
  learnable: 'lernbar',
  hard: 'schwer für die Basis',
  wrongKey: 'falscher Schlüssel',
  keptMark: 'behalten',
  cell: (epoch, prompt, wrong, value) =>
    `Epoche ${epoch}, ${prompt}${wrong ? ', Schlüssel mit Absicht falsch' : ''}: ${value}`,
  noValue: 'noch kein Wert',

  landText:
    'Jeder Balken ist ein Prompt in einer Epoche, seine Höhe das, was er verdient hat; die erste Epoche liegt vorn. Behaltene Prompts stehen auf einem Sockel, die Wand ist der Schnitt.',
  landLabel: 'Landschaft aus Prompts und Epochen; h zeigt dasselbe als Heatmap',
  landTools: 'Kamera',
  landHint:
    'Ziehen oder Pfeiltasten drehen, mit Umschalttaste verschieben; + und − oder das Mausrad gehen näher und weiter weg, Pos1 geht zurück. Ein Klick oder Bild auf und Bild ab wählen einen Prompt.',
  landLive: 'Gezeichnet aus den Puffern des Trainers selbst.',
  landOwn:
    'Ein laufendes Training wird aus den Puffern des Trainers gezeichnet, während sie sich füllen.',
  landWait: 'Die Landschaft kommt gleich.',
  landNone:
    'Die Landschaft braucht WebGPU, das hier nichts zeichnet; dies ist dasselbe als Heatmap.',
  landChosen: (prompt, rank, of) => `${prompt}, Rang ${rank} von ${of}`,
  turnLeft: 'Nach links drehen',
  turnRight: 'Nach rechts drehen',
  nearer: 'Näher',
  farther: 'Weiter weg',
  fromAbove: 'Von oben',
  homeView: 'Erste Ansicht',

  keptByLim: 'Von LIM behalten',
  keptByCut: 'Von diesem Schnitt behalten',
  allSoFar: 'Alle Prompts bisher',
  rejectedTitle: 'Verworfen',
  curvesBefore:
    'Sobald FULL fertig ist, trennen sie sich: die von LIM behaltenen hier, die anderen dort.',
  curvesLater: 'Steht fest, sobald FULL fertig ist.',
  curvesText: (shown, chosen) =>
    `${shown}, die mittlere Kurve des Pools in Rot.${chosen ? ' Der gewählte Prompt ist hervorgehoben.' : ''}`,
  curvesCount: (count, shown) => `${shown} ${count === 1 ? 'Prompt' : 'Prompts'}`,
  curvesSample: (shown, of) => `${shown} von ${of} Prompts`,
  curvesHint:
    'Über ein Bild ziehen wählt die Prompts aus, deren Kurven durch die Stelle verlaufen.',
  epochAxis: 'Datenepoche von FULL',
  shareAxis: 'Anteil gleich dem Schlüssel',
  rewardAxis: 'mittlere Belohnung',

  tableLabel: 'Liste der Prompts',
  noSuch: 'Keine solchen Prompts.',
  prompt: 'Prompt',
  score: 'Wert',
  mean: 'Mittel',
  epochColumn: (epoch) => `E ${epoch}`,
  epochLong: (epoch) => `Epoche ${epoch}`,
  origin: 'Herkunft',
  cut: 'Schnitt',
  kept: 'behalten',
  origins: { easy: 'leicht', learnable: 'lernbar', hard: 'schwer' },
  withWrongKey: 'falscher Schlüssel',

  cutTitle: 'Was würde ein anderer Schnitt behalten?',
  cutBefore: 'Die Werte kommen, sobald FULL jeden Prompt in jeder Epoche gesehen hat.',
  thetaLabel: 'Schwelle θ',
  thetaWords: (theta) => `θ = ${theta}`,
  countLabel: 'Oder die höchsten',
  countWords: (count) => `die ${count} höchsten`,
  cutKeys:
    'Über das Bild ziehen oder die Pfeiltasten benutzen: ein Schritt ist 0,01, mit Umschalttaste 0,1.',
  keeps: (kept, of) => `behält ${kept} von ${of} Prompts`,
  ownCut: (cut, kept) => `Der Schnitt des Laufs selbst: ${cut}, ${kept} behalten.`,
  sameAsOwn: 'Mit diesem Schnitt hat der Lauf trainiert.',
  against: (more, fewer) =>
    more === 0 && fewer === 0
      ? 'Dieselben Prompts wie beim Schnitt des Laufs.'
      : `Gegenüber dem Schnitt des Laufs: ${[
          ...(more > 0 ? [`${more} mehr`] : []),
          ...(fewer > 0 ? [`${fewer} weniger`] : []),
        ].join(', ')}.`,
  untrained:
    'Mit diesem Schnitt wurde nichts trainiert: was er lehren würde, kann nur ein Lauf sagen.',
  backToOwn: 'Zurück zum Schnitt des Laufs',
  histogram: (from, to) =>
    `Wie viele Prompts welchen Wert haben, von ${from} bis ${to}; die Linie ist der Schnitt`,
  neverSolved: 'nie gelöst',
  alwaysSolved: 'immer gelöst',
  boundText: (never, level, required, ok) =>
    ok
      ? `Ein nie gelöster Prompt hat hier den Wert ${never}, unter θ: er wird verworfen. Die mittlere Kurve liegt so hoch wie eine flache bei ${level}, θ verlangt ${required}.`
      : `Ein nie gelöster Prompt hat hier den Wert ${never}, nicht unter θ: der Schnitt behält Prompts, die nie gelöst wurden. Die mittlere Kurve liegt so tief wie eine flache bei ${level}, θ verlangt mehr als ${required}.`,
  boundCount: (never) => `Ein nie gelöster Prompt hat hier den Wert ${never}.`,
  makeupCaption: 'Was dieser Schnitt behält',
  group: 'Prompts',
  keptOf: 'Behalten',
  outOf: 'Von',
  allPrompts: 'alle',
  wrongKeys: 'mit falschem Schlüssel',
  rejection: (wrong, rejected, precision, chance) =>
    `Von ${rejected} verworfenen Prompts haben ${wrong} einen falschen Schlüssel, ${precision}; im ganzen Pool sind es ${chance}.`,
  download: (count, shown) =>
    count === 1 ? 'Diesen Prompt herunterladen' : `Diese ${shown} Prompts herunterladen`,
  downloadHint:
    'JSON-Zeilen mit Platz, Prompt und Schlüssel, wie limr run und limr select sie lesen.',
  ladder: 'Dasselbe für jedes θ',
  theta: 'θ',
  wrongShort: 'Falsche Schlüssel',
  precision: 'Falsche unter den verworfenen',

  answersTitle: 'Jede Antwort, Epoche für Epoche',
  answersLabel: 'Antworten nach Epochen',
  answersChoose: 'Einen Prompt wählen, um zu lesen, was dazu geantwortet wurde, Epoche für Epoche.',
  answersUnkept:
    'Was einige Epochen dazu gezogen haben, wurde nicht gespeichert; ihre Belohnungen schon.',
  key: 'Schlüssel',
  wrongOnPurpose: 'Schlüssel mit Absicht falsch',
  truth: 'richtig wäre',
  scoreFact: (score) => `Wert ${score}`,
  inMethod: (method) => `in ${method}`,
  epoch: (epoch) => `Epoche ${epoch}`,
  rightOf: (right, of) => `${right} von ${of} richtig`,
  matchWrong: (match, of, right) =>
    `${match} von ${of} gleichen dem falschen Schlüssel${right > 0 ? `, ${right} richtig` : ''}`,
  paidFor: (mark, words, reward) => `${mark} ${words}, ${reward}`,
};
