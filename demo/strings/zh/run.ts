import { fixed, percent } from '../numbers.ts';
import type { RunText } from '../run.ts';

export const text: RunText = {
  rooms: { run: '运行', prompts: '提示', compare: '比较', learn: '学习', data: '数据' },
  roomsName: '房间',
  keys: '本页的按键',
  language: '语言',
  dark: '深色',

  spine: '这次运行',
  coming: '录制的运行正在载入。',
  missing: (why) => `无法显示录制的运行：${why}。`,
  underWay: '本标签页中的运行，正在进行',
  watching: '另一个标签页在训练，本标签页在观看',
  watchedEnded: '另一个标签页在运行完成前就结束了',
  broken: '本标签页中未完成的运行',
  finished: '本浏览器中已完成的运行',
  showRecording: '显示录制',
  shared: '他人分享，仅有数字',
  sharedText: '随链接而来，并未在此计算。',
  recorded: '录制',
  recordedOn: (date) => `于${date}，设备：`,
  adapter: '设备的全名',
  shareOf: (act) => `“${act}”的进度`,

  acts: ['基础模型', '全部提示', '打分', '子集', '比较'],
  right: (share) => `正确率 ${percent(share, 1)}`,
  update: (at, of) => (of === undefined ? `第 ${at} 次更新` : `更新 ${at}/${of}`),
  kept: (kept, of) => `保留 ${kept}/${of}`,
  atUpdate: (method, at) => `${method}，第 ${at} 次更新`,

  pretraining: '一个小模型正在阅读带步骤的例题，其中一些有错误。',
  beforeBase: '首先是基础模型：还没有得到任何奖励的模型。',
  base: (share, drawn) =>
    `${drawn ? '一个小型语言模型懂得解题步骤，但会算错' : '这是给定的模型'}：对未见过的题目，它的回答有 ${percent(share, 1)} 正确。`,
  paid: (prompts, epochs) => `PPO 奖励语言模型的正确回答：${prompts} 个提示，${epochs} 轮。`,
  watch: '看看哪些列会亮起来。',
  reward: (epochs, last) =>
    `${epochs === 1 ? '第 1 轮' : `第 1 到 ${epochs} 轮后`}的平均奖励：${fixed(last, 2)}。`,
  answers: (epochs, first, last) =>
    epochs === 1
      ? `第 1 轮中，${percent(last, 0)} 的回答被判为正确。`
      : `从第 1 轮到第 ${epochs} 轮，正确回答的比例由 ${percent(first, 0)} 变为 ${percent(last, 0)}。`,
  scores: (cut) =>
    `与整体同步进步的提示得分高${cut ? `：LIM 在 ${cut.of} 个中保留 ${cut.kept} 个` : ''}。`,
  again: (prompts, method, at, of) =>
    `再次从同一个基础模型开始，只用${prompts === undefined ? '部分提示' : ` ${prompts} 个提示`}：` +
    `${method}，更新 ${at}/${of ?? '?'}。`,
  notEvaluated: '运行已完成，但没有在未见过的题目上评测。',
  fullAlone: (all, full) => `用全部 ${all} 个提示训练：未见题目正确率 ${percent(full, 1)}。`,
  ending: (kept, lim, all, full) =>
    `LIM 用 ${kept === undefined ? '它选的' : `${kept} 个`}提示：${percent(lim, 1)}。` +
    `用全部 ${all} 个训练：${percent(full, 1)}。`,

  recording: '录制的运行',
  play: '播放影片',
  pause: '暂停影片',
  place: '影片位置',
  speed: '影片速度',
  resume: '继续你的运行',
  resumes: '它还没有完成，会逐位一致地继续下去。',
  train: '在这里训练',
  took: (time) => `在录制所用的设备上需 ${time}`,
  tookHere: (time) => `上次用时 ${time}`,
  cannotTrain: '这个浏览器不能训练；录制会讲完整个过程。',
  settings: '设置与自己的数据',

  stages: [
    '一道题和一个回答',
    '每个提示，一轮又一轮',
    '同样的提示，按得分排列',
    '只用选出的提示，重新训练',
    '结果如何',
  ],
  onItsWay: '这幅图正在载入。',
  field: '各提示得到的奖励',
  fieldHint: '一列是一个提示，一行是一轮，即把所有提示过一遍。点击或用方向键选择。',
  notYet: (at, what) => `第 ${at} 轮，${what}：还没有`,
  matched: (at, what, matched, of) =>
    `第 ${at} 轮，${what}：${of} 个回答中有 ${matched} 个与标准答案一致`,
  earned: (at, what, reward) => `第 ${at} 轮，${what}：平均奖励 ${fixed(reward, 2)}`,
  andWrong: '，标准答案是故意写错的',
  legend: '图中的颜色和标记',
  rewards: '平均奖励，−1 到 1',
  shares: '从无一致到全部一致',
  easy: '容易',
  learnable: '可学',
  hard: '困难',
  wrong: '标准答案故意写错',
  keptByLim: '被 LIM 保留',
  changed: (at) => `第 ${at} 轮变化最大：`,
  change: (from, to, of) => `${from} → ${to}（共 ${of}）`,
  empty: '（空）',
};
