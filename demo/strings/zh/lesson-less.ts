import type { LessonLessText } from '../lesson-less.ts';

export const text: LessonLessText = {
  intro:
    'LIM 只用一小部分提示训练。这样是否更好，没有简单的是或否：取决于训练多久，也取决于挑选提示是否计入开销。移动预算，看看谁领先。',
  data: '数据来自',
  thisRun: '本次运行',
  wrongKeys: (share) => `${share} 的标准答案有误`,
  inStudy: (condition) => `研究，${condition}`,
  counting: '计入什么',
  ownUpdates: '只计自身的更新',
  allUpdates: (pass) => `计入挑选所用的 ${pass} 次更新`,
  budget: '预算',
  updates: (count) => `${count} 次更新`,
  axis: '计入的更新次数',
  picture: (budget, values) => `${budget} 次更新时的正确率：${values}`,
  hint: '未见题目上贪心答案的正确率。大标记：预算内的最后一次读数。',
  standings: '此预算下的排名',
  method: '方法',
  prompts: '提示数',
  own: '更新',
  right: '正确率',
  interval: '95% 区间',
  notYet: '仍在挑选',
  study: '一次运行说明不了什么',
  progress: (finished, planned) =>
    `一个种子就是掷一次骰子。一项包含 ${planned} 次训练的研究在第一个种子之前就已定好计划，目前完成了 ${finished} 次。`,
  covered: '在最后一次完成之前，数字一直盖着：提前看的人可能会在结果好看时收手。',
  open: '全部已完成：请在上方选择。',
  done: '已完成',
  waiting: '未完成',
  ofStudy: (name, preset) => `研究 ${name} 各种子的平均，预设 ${preset}。`,
  tries: {
    early: (update) => `自身更新 ${update} 次时：谁领先？区间是否重叠？`,
    charged: '现在把挑选所用的更新也算上：谁已经开始训练了？',
    late: '付清挑选的开销之后：只用一次，LIM 值得吗？',
  },
  notice:
    '提示越少，每个就被看到得越频繁，因此好的选择上升得更早；全部提示则在后期更有潜力。而且挑选并不是免费的：FULL 必须先训练一遍。只有当同一批提示再次派上用场时才划算：换一个模型、换一个种子、换一种设置。区间重叠表示：无法区分。',
  see: '比较本次运行的各种方法',
};
