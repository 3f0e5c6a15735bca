import { isByCount, leastP, leastSeeds } from '../../../src/index.ts';
import type { EngineText } from '../engine.ts';
import { counted, fixed } from '../numbers.ts';

export const text: EngineText = {
  base: 'Basis',
  origins: {
    easy: 'leicht für das Ausgangsmodell',
    learnable: 'lernbar für das Ausgangsmodell',
    hard: 'schwer für das Ausgangsmodell',
  },
  verdicts: {
    right: 'richtig',
    wrong: 'falsch',
    unformatted: 'keine gültige Antwort',
    'matches-wrong-key': 'trifft die falsche Lösung',
    'misses-wrong-key': 'trifft die falsche Lösung nicht',
    'right-unpaid': 'richtig, aber nicht die falsche Lösung',
  },
  readout: (at, budget) =>
    budget === 'updates' ? `Update ${at}` : `Datenepoche ${at} der eigenen Prompts`,
  cut: (lim) =>
    isByCount(lim)
      ? `die ${lim.kept} höchsten${lim.lowestKept === undefined ? '' : `, ab ${fixed(lim.lowestKept, 3)}`}`
      : `θ = ${lim.theta}`,
  fewSeeds: (seeds) => {
    if (seeds < leastSeeds) {
      return `${seeds === 1 ? 'Ein Startwert' : 'Zwei Startwerte'}: Die Intervalle beziehen sich auf die Prüfaufgaben; ein anderer Startwert kann die Methoden anders reihen.`;
    }
    const least = leastP(seeds);
    return least <= 0.05
      ? ''
      : `Die Intervalle sind Students t über ${seeds} Startwerte; ein exakter zweiseitiger Test mit ${seeds} Startwerten kommt nicht unter p = ${Number(least.toPrecision(3))}.`;
  },
  wrongKeys: ({ lim, rand }) =>
    rand <= lim
      ? ''
      : `RAND hat mit ${counted(rand, ['falschen Lösung', 'falschen Lösungen'])} trainiert, LIM mit ${lim === 0 ? 'keiner' : lim}: ` +
        'Wie viel von LIMs Vorsprung vor RAND nur daran liegt, dass falsche Lösungen fehlen, ist nicht getrennt gemessen.',
};
