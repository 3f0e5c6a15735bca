import type { AttentionText } from '../attention.ts';
import { percent } from '../numbers.ts';

export const text: AttentionText = {
  title: '它在看哪里',
  hint: '写出一个词元之前，一层中的每个注意力头把注意力分配给此前的词元：方块越大，份额越大。每一行合计 100%。',
  layer: '层',
  layerName: (layer) => `第 ${layer} 层`,
  head: '注意力头',
  headName: (head) => `第 ${head} 个头`,
  mean: '全部平均',
  waiting: '正在计算注意力……',
  failed: '无法给出：{why}',
  later: (update) => `这是策略在第 ${update} 次更新时的注意力。`,
  looks: '写出 {token} 之前，它最关注',
  share: (share) => percent(share, 0),
  prompt: '提示',
  answer: '已写的回答',
  written: '写出',
  matrix: (layer, head) => `第 ${layer} 层的注意力，${head}`,
  part: (rows, of, columns) =>
    `${of} 个词元中画出 ${rows} 个，以及它们之前的最后 ${columns} 个词元。`,
  table: '各份额（表格）',
};
