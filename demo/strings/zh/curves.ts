import type { CurvesText } from '../curves.ts';

export const text: CurvesText = {
  title: (seed) => `学习过程，按各方法的更新次数${seed === undefined ? '' : `，种子 ${seed}`}`,
  lines: '线型',
  valuesAt: '数值取自',
  reset: '回到读数点',
  readout: '固定的读数点',
  atReadout: (readout) => `${readout}（固定的读数点）`,
  at: (update, epoch) =>
    `第 ${update} 次更新${epoch === undefined ? '' : `，FULL 的第 ${epoch} 轮`}`,
  choose: '曲线',
  chosen: (shown, of) => `显示 ${shown}/${of}`,
  usual: '显示常用的',
  held: '未见题目正确率',
  heldMeaning:
    '对任何提示池都没有的题目的贪心回答，各难度的平均。虚线：运行前定好的读数点；之后只有 FULL 继续，颜色变淡。',
  heldUnit: '正确比例',
  updates: '更新次数',
  none: '还没有数值',
  when: (update, readout) =>
    `第 ${update} 次更新${readout === undefined ? '' : `；读数点在${readout}`}`,
  whenReadout: (readout) => `${readout}（固定的读数点）`,
  absent: '本次运行没有数值：',
};
