import { isByCount, leastP, leastSeeds } from '../../../src/index.ts';
import type { EngineText } from '../engine.ts';
import { fixed } from '../numbers.ts';

export const text: EngineText = {
  base: '基础模型',
  origins: {
    easy: '对基础模型容易',
    learnable: '对基础模型可学',
    hard: '对基础模型困难',
  },
  verdicts: {
    right: '正确',
    wrong: '错误',
    unformatted: '没有有效的答案',
    'matches-wrong-key': '与错误的标准答案一致',
    'misses-wrong-key': '与错误的标准答案不一致',
    'right-unpaid': '其实正确，但与错误的标准答案不一致',
  },
  readout: (at, budget) => (budget === 'updates' ? `第 ${at} 次更新` : `自己的提示的第 ${at} 轮`),
  cut: (lim) =>
    isByCount(lim)
      ? `最高的 ${lim.kept} 个${lim.lowestKept === undefined ? '' : `，不低于 ${fixed(lim.lowestKept, 3)}`}`
      : `θ = ${lim.theta}`,
  fewSeeds: (seeds) => {
    if (seeds < leastSeeds) {
      return `只有${seeds === 1 ? '一' : '两'}个随机种子：区间只反映评测题目，换一个种子，各方法的次序可能不同。`;
    }
    const least = leastP(seeds);
    return least <= 0.05
      ? ''
      : `区间是 ${seeds} 个种子的学生 t 区间；${seeds} 个种子的精确双侧检验最低只能到 p = ${Number(least.toPrecision(3))}。`;
  },
  wrongKeys: ({ lim, rand }) =>
    rand <= lim
      ? ''
      : `RAND 用了 ${rand} 个错误的标准答案训练，LIM 用了 ${lim} 个：LIM 领先 RAND 的部分有多少来自去掉错误答案，没有分开测量。`,
};
