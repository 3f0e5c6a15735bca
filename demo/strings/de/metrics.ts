import type { MetricsText } from '../metrics.ts';

export const text: MetricsText = {
  metrics: {
    reward_mean: {
      name: 'Belohnung',
      meaning:
        'Mittlere Belohnung der gezogenen Antworten: 1 richtig, −0,5 falsch, −1 ohne gültige Form',
    },
    accuracy_mean: {
      name: 'Trefferquote',
      meaning:
        'Anteil gezogener Antworten, die mit ihrer Lösung übereinstimmen, auch mit falschen Lösungen',
    },
    format_error_rate: {
      name: 'Formfehler',
      meaning: 'Anteil gezogener Antworten ohne gültige, fertige Form',
    },
    informative_groups: {
      name: 'Aussagekräftige Prompts',
      meaning: 'Anteil der Prompts, deren Antworten weder alle richtig noch alle falsch waren',
    },
    response_length_mean: {
      name: 'Antwortlänge',
      meaning: 'Mittlere Zahl der Tokens einer Antwort, mit ihrem Schlusszeichen',
    },
    cut_share: {
      name: 'Abgeschnittene Antworten',
      meaning:
        'Bei einem eigenen Modell: Anteil gezogener Antworten, die vor ihrem Ende an die Längengrenze stießen',
    },
    kl_mean: {
      name: 'KL zum Ausgangsmodell',
      meaning:
        'Mittel der eingestellten KL-Schätzung zwischen ziehendem Modell und Ausgangsmodell über die Tokens der Antworten; k1 kann negativ sein',
    },
    sampler_gap: {
      name: 'Ziehen gegen Trainieren',
      meaning:
        'Mit Adaptern: größter Abstand der Log-Wahrscheinlichkeiten eines Tokens beim Ziehen und beim Bewerten',
    },
    entropy: {
      name: 'Entropie',
      meaning: 'Mittlere Entropie der Strategie über die Tokens der Antworten; positiv',
    },
    supervised_loss: {
      name: 'Verlust beim Nachlernen',
      meaning:
        'Beim überwachten Training: mittlere negative Log-Likelihood der Antwort-Token eines Updates',
    },
    policy_loss: {
      name: 'Verlust der Strategie',
      meaning:
        'Begrenztes Ersatzziel mit umgekehrtem Vorzeichen: Es wird verkleinert, negativ heißt erwarteter Gewinn',
    },
    value_loss: {
      name: 'Verlust des Kritikers',
      meaning:
        'Halber quadratischer Fehler des Kritikers nach der Begrenzung; wird verkleinert, nie negativ',
    },
    explained_variance: {
      name: 'Erklärte Varianz',
      meaning:
        '1 − Var(Erträge − Schätzwerte) / Var(Erträge) über die Ziehung; 1 ist ein vollkommener Kritiker, 0 eine Konstante',
    },
    clip_fraction: {
      name: 'Begrenzte Tokens',
      meaning: 'Anteil der Tokens, deren Wahrscheinlichkeitsverhältnis das Clipping begrenzt hat',
    },
    approx_kl: {
      name: 'KL des Updates',
      meaning:
        'Mittel von Verhältnis − 1 − log Verhältnis zwischen der Strategie und sich selbst beim Ziehen; nie negativ',
    },
    advantage_mean: {
      name: 'Mittlerer Vorteil',
      meaning: 'Mittel der Vorteile über die Tokens der Antworten, vor der Normierung',
    },
    advantage_std: {
      name: 'Streuung der Vorteile',
      meaning: 'Standardabweichung der Vorteile über die Tokens, vor der Normierung',
    },
    actor_grad_norm: {
      name: 'Gradientennorm der Strategie',
      meaning: 'Norm über alle Gewichte, vor der Begrenzung',
    },
    critic_grad_norm: {
      name: 'Gradientennorm des Kritikers',
      meaning: 'Norm über alle Gewichte, vor der Begrenzung',
    },
    actor_lr: {
      name: 'Lernrate der Strategie',
      meaning: 'Die des letzten Optimierungsschritts',
    },
    critic_lr: {
      name: 'Lernrate des Kritikers',
      meaning: 'Die des letzten Optimierungsschritts',
    },
    verifier_failures: {
      name: 'Unbeurteilte Antworten',
      meaning:
        'Gezogene Antworten, deren Prüfung scheiterte oder zu lange dauerte; sie zählen als Belohnung −1',
    },
    tokens_per_second: {
      name: 'Geschwindigkeit',
      meaning: 'Gezogene Tokens, geteilt durch die Dauer der ganzen Iteration',
    },
    samples_generated: {
      name: 'Gezogene Antworten',
      meaning: 'Antworten, die eine Online-Methode gezogen hat, auch die ausgesiebten',
    },
    samples_trained: {
      name: 'Trainierte Antworten',
      meaning: 'Antworten, aus denen das Update einer Online-Methode bestand',
    },
    generated_accuracy: {
      name: 'Trefferquote beim Ziehen',
      meaning: 'Anteil richtiger Antworten unter allen, die eine Online-Methode gezogen hat',
    },
    ranking_change: {
      name: 'Änderung der Rangfolge',
      meaning: '1 − Jaccard-Index von LIMs höchsten Prompts mit und ohne die letzte Datenepoche',
    },
    ranking_noise: {
      name: 'Rauschen der Rangfolge',
      meaning: '1 − Jaccard-Index von LIMs höchsten Prompts und denen neu gezogener Belohnungen',
    },
    step_ms: {
      name: 'Iteration',
      meaning: 'Dauer einer Iteration: ziehen, prüfen, Update',
    },
    rollout_ms: { name: 'Ziehen', meaning: 'Dauer des Ziehens der Antworten' },
    verify_ms: { name: 'Prüfen', meaning: 'Dauer, bis alle Urteile da waren' },
    update_ms: {
      name: 'Update',
      meaning: 'Dauer von Log-Wahrscheinlichkeiten, Vorteilen und Optimierungsschritten',
    },
  },
  units: {
    share: 'Anteil',
    tokens: 'Tokens',
    'nats per token': 'Nat je Token',
    nats: 'Nat',
    'per optimizer step': 'je Optimierungsschritt',
    responses: 'Antworten',
    'tokens/s': 'Tokens/s',
    ms: 'ms',
  },
};
