import type { ActsText } from '../acts.ts';
import { percent, points } from '../numbers.ts';

export const text: ActsText = {
  learning: '基础模型正在从带步骤的例题中学习解题步骤。',
  reading: '正在载入并评测基础模型。',
  right: (share) => `在得到任何奖励之前，它的回答有 ${percent(share, 1)} 正确。`,
  oneOf: (answers) => `这是它在第 1 轮对这道题给出的 ${answers} 个回答之一。`,

  noReadout: '还没有评测结果。',
  noSelection: '这次运行没有用任何子集训练。',
  updates: '各方法的更新次数',
  raceHint: '贪心解码时在未见题目上的正确率。每条线都从同一个基础模型出发。',
  race: (lines) => `未见题目正确率：${lines}`,
  raceLine: (name, share, at) => `${name} 在第 ${at} 次更新时为 ${percent(share, 1)}`,

  nothingHeldOut: '这次运行没有留出题目，没有可比较的内容。',
  atReadout: (readout) =>
    `${readout}（运行前就定好的读数点）时的未见题目正确率；横线是 95 % 区间。`,
  estimate: (name, mean, low, high) =>
    `${name} ${percent(mean, 1)}，${percent(low, 1)} 到 ${percent(high, 1)}`,
  sizes: '各方法的提示数',
  size: (name, prompts, wrong) =>
    `${name}：${prompts} 个提示${wrong > 0 ? `，其中 ${wrong} 个标准答案有误` : ''}`,

  notApart: '差别不能确定。',
  keptNone: '在这个阈值下 LIM 没有保留任何提示，没有可比较的内容。',
  finding: (readout, gaps) =>
    `${readout}时，LIM ${gaps
      .map(({ name, mean, low, high, over }) => {
        const far = `${points(Math.abs(mean))} 个百分点`;
        const side = mean === 0 ? `与 ${name} 相同` : `比 ${name} ${mean > 0 ? '高' : '低'} ${far}`;
        const sure = low > 0 || high < 0 ? '' : '，差别不能确定';
        return (
          `${side}（按${over === 'seeds' ? '随机种子' : '题目'}的 95 % 区间为 ` +
          `${points(low, true)} 到 ${points(high, true)}${sure}）`
        );
      })
      .join('，')}。`,
  noLim: '这次运行没有用 LIM 保留的提示训练。',
  comes: (readout) => `等 LIM 也到${readout}时才有结果。`,
  endedBefore: (readout) => `运行在 LIM 到达${readout}之前就结束了。`,
  charged: (pass, lim, total, full, at) =>
    `要知道该选哪些提示，先要花费 FULL 的 ${pass} 次更新。算上这些，LIM 的 ${percent(lim, 1)} 共需 ${total} 次更新；` +
    `FULL 自己在 ${at} 次更新后为 ${percent(full, 1)}。`,
};
