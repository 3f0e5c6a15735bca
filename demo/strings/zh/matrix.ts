import type { MatrixText } from '../matrix.ts';

export const text: MatrixText = {
  epoch: (epoch) => `第 ${epoch} 轮`,
  strips: ['来源', '错误键', '保留'],
  score: '得分最高',
  mean: '均值最高',
  lowest: '最低',
  none: '还没有提示',
  unchosen: (count) => `${count} 个提示，未选择`,
  rank: (prompt, rank, of) => `${prompt}，第 ${rank} 名，共 ${of} 个`,
  noScore: '没有得分',
  scored: (score) => `得分 ${score}`,
  averaged: (mean) => `均值 ${mean}`,
  origins: { easy: '容易', learnable: '可学', hard: '困难' },
  wrongKey: '答案键故意设错',
  kept: '保留',
  rejected: '舍弃',
};
