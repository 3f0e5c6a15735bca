import { percent } from '../numbers.ts';
import type { TokensText } from '../tokens.ts';

export const text: TokensText = {
  none: '这个回答没有词元。',
  closeName: '关闭词元视图',
  close: '关闭',
  answer: '回答',
  colourBy: '着色依据',
  nats: '奈特',
  channels: {
    logprob: {
      name: '对数概率',
      within: '对数概率',
      meaning: '模型对这个词元有多大把握；0 表示完全确定',
    },
    kl: { name: 'KL', within: 'KL', meaning: '模型在这里偏离基础模型多远的估计' },
    entropy: { name: '熵', within: '熵', meaning: '选择有多开放；0 表示没有选择' },
    value: { name: '价值', within: '价值', meaning: '评论家在这个词元之前预期的奖励' },
    reward: {
      name: '奖励',
      within: '奖励',
      meaning: '付给这个词元本身的奖励；判定的奖励付在最后一个词元上',
    },
    advantage: {
      name: '优势',
      within: '优势',
      meaning: '比预期好还是差：更新往哪个方向推',
    },
    ratio: {
      name: '比率',
      within: '比率',
      meaning: '更新后与更新前的概率之比；1 表示没有变化',
    },
  },
  baseLogprob: '基础模型的',
  return: '回报',
  clipped: '截断',
  yes: '是',
  no: '否',
  hint: (name, unit, meaning, middle, reach) =>
    `${name}${unit === '' ? '' : `（${unit}）`}：${meaning}。橙色低于 ${middle}，蓝色高于 ${middle}；最大偏离为 ${reach}。`,
  cell: (name, value, clipped) => `${name} ${value}${clipped ? '，被截断' : ''}`,
  heldBack: '被截断限制',
  probability: (share) => `它的概率 ${percent(share, 1)}`,
  likely: '这里最可能的：',
  table: '全部数字（表格）',
  tableName: '每个词元的数字',
  token: '词元',
};
