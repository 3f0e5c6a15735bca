import { counted, fixed, type Noun } from '../numbers.ts';
import type { TryItText } from '../try-it.ts';

const answer: Noun = ['Antwort', 'Antworten'];

export const text: TryItText = {
  title: 'Die Modelle fragen',
  noGpu: (why) =>
    `Ohne GPU kann hier kein Modell antworten: ${why} Die Antworten aus dem Training stehen bei jedem Prompt.`,
  recording:
    'Eine Aufzeichnung hat keine Gewichte. Nach einem Lauf hier antworten das Ausgangsmodell und alle daraus trainierten Modelle, ' +
    'Token für Token und mit dem, worauf jedes geschaut hat.',
  train: 'Hier trainieren',
  nobodyYet: 'Noch ist niemand da, der antworten könnte: Zuerst kommt das Ausgangsmodell.',
  elsewhere: 'Die Modelle dieses Laufs hält ein anderer Tab: Dort lassen sie sich fragen.',
  nobody: 'Dieser Lauf endete, bevor es ein Modell zu fragen gab.',
  noWeights:
    'Dieser Lauf kam ohne seine trainierten Gewichte, deshalb kann keines seiner Modelle antworten; ein Bündel „mit den trainierten Gewichten“ bringt sie mit.',
  waiting: 'Wartet auf das Ende dieses Updates: Antworten kommen zwischen zwei Updates.',
  asking: 'Wird gefragt …',
  intro: 'Das Ausgangsmodell und die daraus trainierten Modelle antworten auf denselben Prompt.',
  goesOn: 'Der Lauf geht weiter: Antworten kommen zwischen zwei Updates und ändern nichts an ihm.',
  prompt: 'Prompt',
  type: 'Prompt eingeben',
  each: 'Antworten je Modell',
  temperature: 'Temperatur',
  topP: 'Top-p',
  ask: 'Fragen',
  who: 'Modelle, die antworten',
  models: 'Modelle',
  lastUpdate: 'seine Antworten im letzten Update',
  enter: 'Enter fragt; Umschalt und Enter beginnen eine neue Zeile.',
  asked: 'Gefragt: {prompt}',
  key: 'Lösung {key}',
  reading: 'Liest die Tokens …',
  byToken: (whose) => `Token für Token: ${whose}`,
  byTokenName: 'Token für Token',
  trainedBy: (name, method, update) => `${name}, ${method} bei Update ${update}`,
  training: (method, update) => `${method}, Update ${update}`,
  drawn: (samples, temperature, topP) =>
    `Je ${counted(samples, answer)}, gezogen mit Temperatur ${fixed(temperature, 2)} und Top-p ${fixed(topP, 2)}. ` +
    'Balken: womit das erste Token gezogen wird; der Strich ist seine Wahrscheinlichkeit ohne die Regler.',
  answersOf: (name) => `Antworten von ${name}`,
  others: (count) => `und ${count === 1 ? 'eine weitere' : `${count} weitere`}`,
  cut: 'abgeschnitten',
  next: 'Das nächste Token',
  now: 'Jetzt',

  noneAgree: (of) => `keine zwei von ${of} gleich`,
  agree: (most, of) => `${most} von ${of} gleich`,
  match: (right, of) =>
    `${right} von ${of} ${right === 1 ? 'stimmt' : 'stimmen'} mit der Lösung überein`,
  notJudged: 'nicht beurteilt',
  luck: (words, step, want) =>
    `${words}, aber zufällig: ${step === undefined ? 'über einen falschen Schritt' : `${step} ist ${want}`}`,
  slip: (words, step, want) => `${words}, verrechnet: ${step} ist ${want}`,
};
