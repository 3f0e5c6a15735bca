import { planOf } from '../../link.ts';
import type { FormText } from '../form.ts';
import { bytes, whole } from '../numbers.ts';

export const text: FormText = {
  title: '新的运行',
  preset: '预设',
  ownModel: '自己的模型',
  seed: '种子',
  start: '开始',
  seedHint:
    '一个整数，或用逗号分开的几个：每个是一次完整的实验。同一设备上同一种子得到同样的运行。',
  own: '你的模型和提示',
  ownHint:
    '把模型的文件夹（config.json、model.safetensors、tokenizer.json）、提示文件，以及（如果有）验证模块（.js、.mjs）拖到本页任意处，或在这里选择。它们不会离开这台机器。',
  noModel: '还没有选择模型。',
  model: '模型',
  chooseModel: '选择模型文件夹',
  keepModel: '保存在本浏览器',
  keeping: '已保存的比例',
  cancel: '取消',
  keptHere: '保存在本浏览器的：',
  noPrompts: '还没有选择提示。',
  choosePrompts: '选择提示文件',
  verifier: '验证',
  ownModule: '自己的模块',
  trained: '训练',
  lora: 'LoRA 适配器',
  full: '全部权重',
  rank: 'LoRA 秩',
  storage: '基础模型存储格式',
  budget: 'GPU 内存，GiB',
  promptTokens: '提示的词元数',
  responseTokens: '回答的词元数',
  moduleLimits:
    '模块在隔离的框架里运行：它得到每个提示、标准答案和回答，每次最多计算 30 秒，但不能访问网络、本页、你的文件以及本浏览器保存的任何东西。',
  noModule: '还没有选择模块。',
  chooseModule: '选择 .js 或 .mjs 文件',
  pasteCode: '或粘贴它的代码',
  useCode: '使用这段代码',
  moduleFile: '模块文件',
  modelFolder: '模型文件夹',
  promptsFile: '提示文件',
  settings: '本次运行的设置',
  json: '替换预设的设置（JSON；会写入本页的地址）',

  plan: (choice) => {
    const plan = planOf(choice);
    const { weights, base, given, estimator, prompts, task, epochs, updates } = plan;
    const model = given
      ? `${given.model}，${whole(weights)} 个权重，训练${given.rank === undefined ? '全部权重' : `秩为 ${given.rank} 的适配器`}`
      : `一个约 ${whole(weights)} 个权重的模型；基础模型随本页提供，否则预训练 ${whole(base)} 次更新`;
    const arms =
      plan.arms.length === 0
        ? ''
        : `，然后 ${plan.arms.join('、')} 各 ${plan.armLength} ${plan.inEpochs ? '轮' : '次更新'}`;
    return (
      `${model}；${estimator} 在 ${whole(prompts)} 个提示（${task}）上训练 ${epochs} 轮` +
      `（${updates} 次更新，每次 ${plan.perUpdate} 个提示 × ${plan.samples} 个回答）${arms}；` +
      `种子 ${plan.seeds.join('、')}。`
    );
  },
  missing: (model, prompts, verifier) => {
    const parts = [
      ...(model ? ['模型文件夹'] : []),
      ...(prompts ? ['提示文件'] : []),
      ...(verifier ? ['验证模块'] : []),
    ];
    return `请选择${new Intl.ListFormat('zh').format(parts)}。`;
  },
  memory: (run, pretraining) =>
    `约需 ${bytes(run)} GPU 内存` +
    `${pretraining === undefined ? '' : `；若要先预训练基础模型则为 ${bytes(pretraining)}`}。`,
  ownMemory: (total, of, choices) =>
    `GPU 内存：${bytes(total)} / ${bytes(of)}；同时解码 ${whole(choices.rowsTogether)} 个回答，` +
    `每遍 ${whole(choices.microRows)} 个词元，反向传播时各层${choices.gradientCheckpointing ? '重新计算' : '予以保存'}。`,
  tooSmall: (why) => `这个适配器太小：${why}。`,
  memoryWhy: (why) => `GPU 内存：${why}。`,
  same: '与预设没有差别。',
  differ: (count) => `有 ${count} 项设置与预设不同：`,
  insteadOf: (value, reference) => `：${value}，而不是 ${reference}`,
  modelFacts: (parameters, size, positions) =>
    ` · ${whole(parameters)} 个权重，${bytes(size)}，${whole(positions)} 个位置`,
  rows: (count) => ` · ${whole(count)} 行`,
  keptPart: (copied, of) => `已保存 ${bytes(copied)} / ${bytes(of)}`,
  use: '使用',
  remove: '移除',
  useKept: (model) => `使用保存的模型 ${model}`,
  removeKept: (model) => `移除保存的模型 ${model}`,
  confirmRemove: (model) => `移除保存的模型 ${model}？`,
  codeChanged: '代码已改变：请按“使用这段代码”。',
  notAModule: (name) => `${name}：模块的文件名须以 .js 或 .mjs 结尾`,
  moduleFacts: (size, digest) => ` · ${bytes(size)}，${digest}`,
  wantsModule: (module, digest) =>
    `这次运行开始时使用了模块 ${module}${digest === undefined ? '' : `（${digest}）`}，其代码不会保存，也绝不会自行启动：` +
    '请重新选择该模块，然后按“继续”。',
  otherModule: (module, digest, chosen, its) =>
    `这次运行开始时使用了模块 ${module}${digest === undefined ? '' : `（${digest}）`}，` +
    `而 ${chosen}（${its}）不是它：请选择同一个模块，然后按“继续”。`,
  wantsModel: (path) =>
    `这次运行从模型 ${path} 开始，而此浏览器没有保存它：请重新选择它的文件夹，然后按“继续”。` +
    '其文件会与运行开始时的文件比较。',
  wantsModelToAsk: (path) =>
    `这次运行从模型 ${path} 开始，而此浏览器没有保存它：请在“数据”中选择它的文件夹，然后再次提问。`,
  looking: (name) => `正在查看 ${name} ……`,
  linkNames: '链接里提到了模块 ',
  chooseYourself: '，但代码绝不会随链接而来：请自己选择该模块。',
};
