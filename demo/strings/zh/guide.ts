import type { GuideText } from '../guide.ts';

export const text: GuideText = {
  tour: '导览',
  step: (number, of) => `第 ${number} 步，共 ${of} 步`,
  back: '上一步',
  next: '下一步',
  end: '结束导览',
  leave: '离开导览',
  leavePresent: '重新显示控件',
  sentences: {
    base: '一切从基础模型开始：一个极小的语言模型，懂得解题步骤，但会出错。',
    full: 'FULL 用所有提示训练；一列是一个提示，一行是一轮，越亮表示正确答案越多。',
    score: 'LIM 给提示排序：与整体学习走势一致的得分高，其中一部分被保留。',
    subsets: '从同一个基础模型重新训练，只用这些提示，并与其他选择对照。',
    finding: '结果附有区间：区间重叠时，一次运行无法说明谁更好。',
    prompts: '这里可以查看每个提示：得到了多少奖励，模型回答了什么。',
    compare: '这里把各种方法并排比较，并计入挑选的开销。',
    learn: '七堂课把方法拆开讲解，每一课都有可以动手的东西。',
    data: '在这里开始您自己的运行，可以换设置，也可以用自己的提示。导览不会启动任何训练。',
  },
};
