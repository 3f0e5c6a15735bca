// Entry of the page for `--host chromium`: the same commands, on the browser's WebGPU.
import { openGpu } from '../gpu/device.ts';
import { main } from './main.ts';
import type { PageApi } from './page-protocol.ts';
import { interrupt, pageSystem } from './page-system.ts';
import { useSystem } from './system.ts';

const limrPage: PageApi = {
  run(argv, settings) {
    useSystem(pageSystem(settings));
    return main(argv);
  },
  interrupt,
  async hasGpu() {
    try {
      const gpu = await openGpu({ adapter: 'gpu' });
      await gpu.close();
      return true;
    } catch {
      return false; // an adapter that cannot be opened is of no use here
    }
  },
};

Object.assign(globalThis, { limrPage });
