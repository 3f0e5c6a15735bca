import type { LessonLimText } from '../lesson-lim.ts';

export const text: LessonLimText = {
  intro:
    'LIM 保留学习曲线与全部提示的平均曲线走势一致的提示。画出某个提示的曲线，看看它会不会被保留。',
  rewards: '这次运行按平均奖励打分，而本课画的是正确答案的比例：请打开录制的运行来查看。',
  curves: '起始曲线',
  presets: {
    late: '大器晚成',
    always: '总是正确',
    never: '从未正确',
    lucky: '碰运气',
    mean: '与平均一致',
  },
  plot: '一个提示的学习曲线；每一轮都是一个滑块',
  plotHint: '拖动各点，或用 Tab 键和方向键调整。竖条表示曲线与平均值的距离。',
  meanLabel: '全部提示的平均',
  epochs: '轮次',
  epoch: (number) => `第 ${number} 轮`,
  right: (count, of) => `${of} 个答案中有 ${count} 个正确`,
  scoreIs: '是它的 LIM 得分',
  kept: (theta) => `保留：不低于 ${theta}`,
  rejected: (theta) => `不保留：低于 ${theta}`,
  strip: (score) => `得分 ${score}，与 200 次重新抽样的得分对照`,
  cloud: (samples, low, high, kept) =>
    `每个点只来自 ${samples} 个答案。按同一条曲线重新抽样 200 次，十次中有九次得分在 ${low} 到 ${high} 之间，其中 ${kept} 会被保留。`,
  sum: '得分背后的算式',
  promptCurve: '采用这个提示的曲线：',
  tries: {
    late: '大器晚成：它在学习，却与平均走势相反。会被保留吗？',
    mean: '恰好落在平均曲线上：重新抽样后还有多少会被保留？',
    never: '从未正确：它的得分落在哪里？',
  },
  noticeRejected: (level, needed, theta) =>
    `“总是正确”的得分恒为 0，与其他提示无关：这样的提示教不了什么。“从未正确”之所以被排除，只是因为整体表现不错：平均曲线的水平为 ${level}，而在 θ = ${theta} 时它必须高于 ${needed}。如果某次运行的曲线更低，LIM 就会留下毫无希望的提示。`,
  noticeKept: (level, needed, theta) =>
    `“总是正确”的得分恒为 0，与其他提示无关：这样的提示教不了什么。“从未正确”在这里却会被保留：平均曲线的水平只有 ${level}，而在 θ = ${theta} 时必须高于 ${needed} 才能排除毫无希望的提示。在学得更多的运行中，它们会落到 θ 以下。`,
  see: '查看全部提示按得分排列的过程',
};
