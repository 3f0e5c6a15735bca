import type { TableText } from '../table.ts';

export const text: TableText = {
  pages: '表格翻页',
  previous: '上一页',
  next: '下一页',
  rows: (from, to, of) => `第 ${from}–${to} 个，共 ${of} 个`,
  none: '共 0 个',
};
