import type { LessonClipText } from '../lesson-clip.ts';

export const text: LessonClipText = {
  intro:
    '一批答案会用于好几步更新。每一步让好词元更可能出现，让坏词元更少出现；但答案是由更新之前的模型抽取的。某个词元的概率移动得足够远之后，裁剪就不再为它付酬。',
  picture: '更新从每个词元得到的收益，横轴为其概率移动了多少；折线对应所选的优势',
  hint: '点：一次更新后的词元。圆圈：被裁剪拦住。折线：某个优势的收益，可以拖动。',
  ratio: '现在的概率 ⁄ 更新前的概率（比率）',
  held: (of, share) => `个词元被裁剪拦住，共 ${of} 个（${share}）`,
  epsilon: 'ε：词元最多能移动多远',
  advantage: 'A：折线的优势',
  tokens: '词元',
  many: '全部',
  heldColumn: '被拦住',
  better: '好于预期（A > 0）',
  worse: '不好于预期（A ≤ 0）',
  beyond: (count) => `比率超出图外、画在边缘上的词元：${count} 个。`,
  update: (update, tokens) =>
    `FULL 第 ${update} 次更新的 ${tokens} 个词元：比率和优势与更新时完全相同。`,
  tries: {
    tight: 'ε = 0.05：现在有多少词元被拦住？',
    none: 'ε = 0.6：几乎没有裁剪。折线会怎样延伸？',
    worse: '把优势调到 0 以下：折线在哪一侧转折？',
  },
  notice:
    '折线只在更新已经得手的那一侧变平：好词元在上升方向，坏词元在下降方向。平线没有斜率，也就不再推动。另一侧仍然陡峭：移动方向错误的词元会被拉回来。大多数词元在一次更新中几乎不动，裁剪针对的是少数可能失控的词元。',
  see: '逐次查看 FULL 的更新',
};
