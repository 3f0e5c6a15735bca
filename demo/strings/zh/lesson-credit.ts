import type { LessonCreditText } from '../lesson-credit.ts';

export const text: LessonCreditText = {
  intro:
    '验证器只在结尾给一次奖励。哪些词元应得这份功劳？评论家在每个词元之前猜测答案会得到多少奖励；猜测一跳变，就说明情况比预期更好或更坏。GAE 把这些意外累加起来。',
  responses: '答案',
  kinds: {
    right: '正确的答案',
    slip: '错误的答案',
    malformed: '没有有效的答案',
    'wrong-key': '正确，但标准答案有误',
  },
  key: '标准答案',
  truth: '正确答案是',
  paid: (reward) => `奖励 ${reward}`,
  value: '评论家的预期',
  advantage: '每个词元的功劳（优势）',
  picture: (tokens) => `每个词元的功劳：${tokens}`,
  hint: '折线：每个词元之前评论家的预期。柱：功劳。短横线：仅该词元处的意外。',
  lambda: 'λ：一次意外向前追溯多远',
  gamma: 'γ：较晚的奖励值多少',
  columns: {
    token: '词元',
    value: '价值',
    reward: '奖励',
    delta: '意外 δ',
    advantage: '优势',
  },
  update: (update) => `答案、奖励和价值取自 FULL 的第 ${update} 次更新。`,
  tries: {
    zero: 'λ = 0：每个词元只为自己的意外负责。',
    one: 'λ = 1：每个词元都为结尾负责。',
    slip: '错误的答案：评论家在判定之前察觉了吗？',
  },
  notice: (lambda, gamma) =>
    `λ = 0 时，几乎全部责任落在最后一个词元上，因为判定正是在那里让知之甚少的评论家感到意外。λ = 1 时，所有词元平分，无辜的也不例外。训练采用 λ = ${lambda} 和 γ = ${gamma}，之后再把这批答案的优势平移到均值 0。结尾之前的小额奖励是偏离基础模型的惩罚。`,
  see: '查看一个答案如何一步步写出',
};
