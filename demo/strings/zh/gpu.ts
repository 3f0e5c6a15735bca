import type { GpuText } from '../gpu.ts';

const terminal = '或者不用浏览器：在终端里运行 npm install && npm start。';

export const text: GpuText = {
  title: '这个浏览器不能在这里训练',
  whatToDo: '可以怎么做',
  insecure: (origin) => `WebGPU 需要安全的页面，而 ${origin} 不是。`,
  absent: '它没有 WebGPU（缺少 navigator.gpu），而训练要在上面运行。',
  refused: (why) => `它有 WebGPU，但不给本页适配器：${why}。`,
  advice: {
    insecure: ['用 https 打开本页，或在提供本页的机器上以 http://localhost 打开。'],
    absent: [
      'Windows、macOS 和 ChromeOS 上用 Chrome 或 Edge 113 以上；Android 上 121 以上。',
      'Safari 26 以上。',
      'Windows 上用 Firefox 141 以上，Apple 芯片的 Mac 上 145 以上。',
      'Linux 上的 Chrome：若默认未开启，用 chrome://flags/#enable-unsafe-webgpu。',
      terminal,
    ],
    refused: [
      '在浏览器设置里打开硬件加速，然后重新启动浏览器。',
      '在 chrome://gpu（Firefox 里是 about:support）查看 WebGPU 为何停用；更新驱动程序。',
      '没有 GPU 时：用 --enable-unsafe-webgpu --use-webgpu-adapter=swiftshader 启动 Chromium。',
      terminal,
    ],
  },
  restart: '浏览器不再给本页 GPU（GPU 进程崩溃后会这样）：请关闭所有窗口并重新启动浏览器。',
  adapter: '适配器',
  none: '没有：见页面上方',
  kind: '类型',
  software: 'CPU 上的软件实现：要几分钟，而不是几秒',
  gpu: 'GPU',
  buffer: '最大缓冲区',
  binding: '最大绑定',
  subgroups: '子组',
  used: '有，已使用',
  unneeded: '没有；不需要',
};
