import type { PageText } from '../page.ts';

export const text: PageText = {
  skip: '跳到运行',
  footer:
    '一切都在本标签页中运行，不会向任何地方发送数据。小模型不等于大模型：这里看到的并不能说明论文中 7B 模型的结果。',
};
