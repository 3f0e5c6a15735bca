import type { InspectorText } from '../inspector.ts';
import { fixed } from '../numbers.ts';

export const text: InspectorText = {
  howRead: '如何读懂一个回答',
  one: '一个提示',
  featured: '进步很大的提示',
  choose: '有了列之后，选择一列，就能看到它是什么、得到了多少奖励、模型怎样回答。',
  closeName: '关闭这个提示',
  close: '关闭',
  key: '标准答案 {key}',
  wrongKey: '标准答案故意写错',
  truth: '正确的是 {truth}',
  ask: '向模型提问',

  notation: (modulus) =>
    '模型从左到右计算 {prompt}，写出 {answer}：每个运算后的值' +
    `${modulus === 10 ? '（只取末位数字）' : `（模 ${modulus}）`}，然后是 {mark}、答案和 {end}。`,
  paid: [
    ['1', '奖励给与标准答案一致的回答，'],
    ['−0.5', '给其他答案，'],
    ['−1', '给没有这种格式的回答，例如用 {query} 代替了 {mark}。'],
  ],

  kept: '被 LIM 保留',
  rejected: '被 LIM 舍弃',
  heldBy: (methods) => `属于 ${methods}`,

  earned: (rounds) => `它得到的奖励，${rounds}`,
  earnedIn: (epoch, value) => `第 ${epoch} 轮：${fixed(value, 2)}`,
  shareHint: '它的回答与标准答案一致的比例，逐轮；红色：全部提示的平均。',
  rewardHint: '它的平均奖励，逐轮；红色：全部提示的平均。',

  noScore: '它没有得分：某一轮中没有它的回答。',
  score: 'LIM 得分 {score}',
  keptBy: (cut) => `保留：${cut}`,
  notKeptBy: (cut) => `未保留：${cut}`,
  formula: (apart, most, score) =>
    `1 − ${fixed(apart, 2)} ⁄ ${fixed(most, 2)} = ${fixed(score, 2)}：它的曲线离平均曲线有多远，相对于平均曲线离 1 有多远。`,
  sums: '逐轮的各项',
  epoch: '轮',
  mean: '平均 r̄',

  alike: '学习过程相似：',

  unreadable: '没有有效的答案：格式无法识别。',
  itIs: (want) => `应为 ${want}`,
  noAnswer: '没有有效的答案',
  answer: (answer) => `答案 ${answer}`,
  byLuck: '碰巧正确',
  lastDigits: '从左到右，只取末位数字。',
};
