import type { NoticesText } from '../notices.ts';

export const text: NoticesText = {
  name: '通知',
  otherTab: '另一个标签页正在训练。',
  watch: '在这里观看',
  otherVersion: '另一个标签页正用本页面的另一个版本训练：两边版本一致后才能观看。',
  newVersion: '本页面有新版本。',
  reload: '用新版本重新加载',
};
