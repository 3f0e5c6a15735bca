import type { LessonKlText } from '../lesson-kl.ts';

export const text: LessonKlText = {
  intro:
    '如果只为正确答案付酬，模型可能会忘记怎么说话。因此，每个词元的概率偏离基础模型多少，就要罚多少：这是一根牵绳。下面是同样的训练配上三种长度的牵绳。',
  measure: '比较什么',
  measures: {
    kl: '与基础模型的距离（KL）',
    accuracy: '未见题目的正确率',
    reward: '奖励',
    entropy: '开放程度（熵）',
  },
  coefficient: '牵绳（系数）',
  none: '无',
  usual: (coefficient) => `${coefficient}，默认`,
  times: (multiple, coefficient) => `${coefficient}，默认的 ${multiple} 倍`,
  short: (multiple) => (multiple === 0 ? '无' : multiple === 1 ? '默认' : `${multiple} 倍`),
  at: '更新次数',
  updates: '更新',
  picture: (measure, values) => `${measure}，随更新变化。${values}`,
  source: (runs, updates) =>
    `用预设 quick、种子 1 训练 FULL ${runs} 次，每次 ${updates} 个更新；KL、奖励和熵取五个更新的平均。`,
  zero: '“无”：系数为 10⁻¹²，这样仍能测得距离。KL 和熵的单位是每个词元的纳特。',
  tries: {
    distance: '哪根牵绳让模型离基础模型最近？',
    right: '在训练的前四分之一：短牵绳的代价是什么？',
    entropy: '看开放程度：哪个模型的答案仍然最多变？',
  },
  notice:
    '更短的牵绳是一种取舍：距离更小，更加开放，学得更慢。在这么小的任务里没有多少语言可丢，所以没有牵绳也无妨，默认的与没有几乎一样。在大模型里，正是这个距离让答案保持可读。每种只有一个种子：线与线之间的小差别说明不了什么。',
  see: '查看 FULL 在运行中的结果',
};
