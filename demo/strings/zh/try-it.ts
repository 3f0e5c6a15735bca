import { fixed } from '../numbers.ts';
import type { TryItText } from '../try-it.ts';

export const text: TryItText = {
  title: '向模型提问',
  noGpu: (why) => `没有 GPU，模型无法在这里回答：${why} 训练中采样的回答可在每个提示处查看。`,
  recording:
    '录制中没有权重。在这里训练一次，基础模型和由它训练出的模型就会回答你的问题，并逐个词元显示它在看哪里。',
  train: '在这里训练',
  nobodyYet: '还没有可以提问的模型：首先要有基础模型。',
  elsewhere: '这次运行的模型在另一个标签页里：请在那里提问。',
  nobody: '这次运行在有模型可问之前就结束了。',
  noWeights:
    '这次运行没有附带训练得到的权重，因此它的模型都无法回答；“包含训练得到的权重”的数据包会带上它们。',
  waiting: '正在等待这次更新结束：回答在两次更新之间给出。',
  asking: '正在提问……',
  intro: '基础模型和由它训练出的各个模型回答同一个提示。',
  goesOn: '运行继续进行：回答在两次更新之间给出，不会改变运行。',
  prompt: '提示',
  type: '输入一个提示',
  each: '每个模型的回答数',
  temperature: '温度',
  topP: 'Top-p',
  ask: '提问',
  who: '回答的模型',
  models: '模型',
  lastUpdate: '它在最近一次更新中的回答',
  enter: '按 Enter 提问；Shift 加 Enter 换行。',
  asked: '提问：{prompt}',
  key: '标准答案 {key}',
  reading: '正在读取词元……',
  byToken: (whose) => `逐个词元：${whose}`,
  byTokenName: '逐个词元',
  trainedBy: (name, method, update) => `${name}，${method} 的第 ${update} 次更新`,
  training: (method, update) => `${method}，第 ${update} 次更新`,
  drawn: (samples, temperature, topP) =>
    `每个模型 ${samples} 个回答，温度 ${fixed(temperature, 2)}，top-p ${fixed(topP, 2)}。` +
    '条形：第一个词元的采样概率；竖线是不用滑块时的概率。',
  answersOf: (name) => `${name} 的回答`,
  others: (count) => `另有 ${count} 种`,
  cut: '被截短',
  next: '下一个词元',
  now: '当前',

  noneAgree: (of) => `${of} 个回答各不相同`,
  agree: (most, of) => `${of} 个中有 ${most} 个相同`,
  match: (right, of) => `${of} 个中有 ${right} 个与标准答案一致`,
  notJudged: '未判定',
  luck: (words, step, want) =>
    `${words}，但属碰巧：${step === undefined ? '中间有一步错误' : `${step} 应为 ${want}`}`,
  slip: (words, step, want) => `${words}，算错：${step} 应为 ${want}`,
};
