import { methodLabel } from '../../../src/index.ts';
import type { LiveText } from '../live.ts';
import { bytes, duration, fixed, whole } from '../numbers.ts';

export const text: LiveText = {
  name: '正在进行的运行',
  share: '运行完成的比例',
  buttons: '训练',
  pause: '暂停',
  resume: '继续',
  step: '单步',
  stop: '停止',
  looking: '正在寻找 GPU',
  ready: '就绪',
  cannot: '这里没有 GPU：不能训练',
  nothingStarts: '按下“开始”之前什么都不会开始。',
  storedOpen: '本浏览器保存的运行可以打开；原因和办法见上方。',
  stopping: '这次更新之后停止',
  begins: '正在开始',
  unfinished: '有一个未完成的运行可以继续',
  opened: (preset) => `预设 ${preset} 的运行已打开`,
  standing: {
    starting: '正在打开设备',
    first: '正在编译最初的内核。',
    compiling: (compiled, of, label) => `正在编译内核 ${compiled}/${of}（只此一次）：${label}`,
    compiled: (kernels) => `已编译 ${kernels} 个内核。`,
    reading: { check: '正在检查文件', weights: '正在载入模型' },
    amount: (read, of) => `${bytes(read)} / ${bytes(of)}`,
    stopsAtOnce: '按“停止”会立即结束。',
    pausing: '这次更新之后暂停…… ',
    stepping: '单步进行中…… ',
    paused: '已暂停。',
    stopping: '这次更新之后停止…… ',
    phase: (stage, told) =>
      stage === undefined
        ? told
        : stage === 'base'
          ? '基础模型'
          : stage === 'score'
            ? 'LIM 得分'
            : stage === 'report'
              ? '正在写入结果'
              : `${methodLabel(stage)} 训练中`,
    seed: (seed) => `（种子 ${seed}）`,
    pretraining: '正在预训练基础模型',
    loss: (update, of, loss) => `第 ${update}/${of} 次更新，损失 ${fixed(loss, 2)}`,
    update: (update) => `第 ${update} 次更新 · `,
    pace: (eta, tokensPerSecond, stepMs) =>
      `大约还需 ${duration(eta)} · ${whole(tokensPerSecond)} 词元/秒 · 每次更新 ${duration(stepMs / 1000)}`,
    lost: 'GPU 丢失了',
    noGpu: '浏览器不提供 GPU',
    failed: '运行失败',
    lostWhy: (why) => `浏览器的 GPU 进程或驱动程序停止了：${why}。`,
    again: (seconds, attempt, most) =>
      `${seconds} 秒后重新打开设备（一小时内第 ${attempt} 次，最多 ${most} 次）`,
    stopped: '已停止',
    done: '完成',
    took: (seconds) => `用时 ${duration(seconds)}`,
    restart: '浏览器不再给本页 GPU（GPU 进程崩溃后会这样）：请关闭所有窗口并重新启动浏览器。',
    memoryAlone: '它只保存在内存中：不能继续。',
    resumesThen: '最后的检查点还在：之后可用“继续”从那里接着运行。',
    beginsThen: '之后可用“开始”重新运行。',
    resumes: '最后的检查点还在：用下方的“继续”可以逐位一致地接着运行。',
    begins: '还没有检查点：用“开始”重新运行。',
  },
};
