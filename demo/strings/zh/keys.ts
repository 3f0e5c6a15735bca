import type { KeysText } from '../keys.ts';

export const text: KeysText = {
  title: '按键',
  keys: [
    ['空格', '播放或暂停影片'],
    ['← →', '后退或前进一幅'],
    ['1 – 5', '转到某一幕'],
    ['先按 g，再按 r p c l d', '转到运行、提示、比较、学习、数据'],
    ['/', '搜索提示'],
    ['Esc', '关闭提示'],
    ['?', '显示这些按键'],
  ],
  harmless: '这些按键都不会开始、停止或删除任何东西。',
  close: '关闭',
};
