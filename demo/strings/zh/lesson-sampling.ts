import type { LessonSamplingText } from '../lesson-sampling.ts';

export const text: LessonSamplingText = {
  intro:
    '语言模型不会直接说出某个词元，而是给每个词元一个概率，再由骰子决定。在骰子落下之前，有两个旋钮可以改变它的形状。',
  prompts: '提示，从最不确定到最确定',
  model: '模型',
  base: '基础模型',
  trained: '训练后的 FULL',
  underWay: (method, update) => `第 ${update} 次更新后的 ${method}`,
  first: '答案的第一个词元：',
  temperature: '温度',
  topP: 'top-p',
  roll: (samples) => `再抽 ${samples} 次`,
  others: '其他',
  token: '词元',
  plain: '模型给出',
  drawnWith: '抽取时',
  drawn: (samples) => `${samples} 次中`,
  picture: (bars) => `概率与抽中次数：${bars}`,
  hint: (samples, one) =>
    `柱：被抽中的概率。短横线：模型自己的概率（温度 ${one}）。圆点：${samples} 次抽取。`,
  of: (who) => `${/^[A-Z]/.test(who) ? `${who} ` : who}给第一个词元的概率。`,
  tries: {
    cold: '温度 0：骰子还剩下什么？',
    hot: '温度 2.5：出现了哪些本不该出现的词元？',
    cut: '仍然很热，但 top-p 为 0.8：其中哪些被切掉？',
  },
  notice:
    '训练时特意用高于 1 的温度抽样：只有答案各不相同，提示才能教会模型。如果全部正确或全部错误，就没有哪个答案比预期更好，什么也不会变化。把基础模型与 FULL 比较：训练把概率移向了正确的词元，抽取结果也更一致。',
  see: '自己运行一次后，用这些旋钮向模型提问',
};
