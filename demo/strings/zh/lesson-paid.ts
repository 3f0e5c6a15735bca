import type { LessonPaidText } from '../lesson-paid.ts';

export const text: LessonPaidText = {
  intro:
    '对于一个答案，强化学习只看到一个数字。这个数字由验证器给出：它是程序，不是人。输入一个答案，看看能得到多少奖励。',
  rules: '验证器',
  arithmetic: '数字运算（本次运行所用）',
  maths: '数学题（大模型所用）',
  prompts: '提示',
  wrongKey: '（标准答案有误）',
  mathsProblem: '3 ⁄ 6 约分后是多少？',
  key: '标准答案',
  truth: '正确答案是',
  answer: '您的答案',
  examples: '可以试试的答案',
  example: {
    right: '正确',
    slip: '最后一步出错',
    malformed: '用 ? 代替 #',
    open: '没有结尾',
    key: '错误的标准答案',
  },
  matches: '答案与标准答案一致。',
  other: '格式正确，但答案与标准答案不一致。',
  matchesWrongKey: '它与标准答案一致，但标准答案是错的：错误的答案得到了全部奖励。',
  rightUnpaid: (key) => `答案正确，却没有得到奖励：标准答案写的是 ${key}。验证器只知道这一点。`,
  broken: {
    unfinished: '没有有效的答案：没有写完。',
    boxes: '没有有效的答案：需要一到四个 \\boxed{…}。',
    garbled: '没有有效的答案：异常字符过多。',
    repetition: '没有有效的答案：内容重复。',
    'no answer': '没有有效的答案：无法识别格式。',
  },
  unreadable: '无法识别它的步骤。',
  itIs: (want) => `应为 ${want}`,
  leftToRight: (modulus) =>
    modulus === 10 ? '从左到右计算，只保留个位。' : `从左到右计算，对 ${modulus} 取模。`,
  tries: {
    slip: '只错一步：奖励还剩多少？',
    malformed: '数字正确但格式错误：比答错还糟吗？',
    wrongKey: '在标准答案有误的提示上给出正确答案。',
  },
  notice:
    '步骤本身得不到奖励，只比较结尾。中间有错而结果正确的答案也拿到全部奖励；错误的标准答案会教会模型它的错误。LIM 并没有错误标准答案的清单，它只是看到这类提示的学习过程与其他提示不同。',
  see: '查看模型对标准答案有误的提示的回答',
};
