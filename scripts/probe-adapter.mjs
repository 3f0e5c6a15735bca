// Prints the WebGPU adapter that Node finds, as JSON, and exits 1 when there is none. A process of
// its own: a driver that crashes takes only this one with it.
import { create } from 'webgpu';

const gpu = create([]);
const adapter = await gpu.requestAdapter();
if (adapter) {
  const { vendor, architecture, device, description } = adapter.info;
  console.log(JSON.stringify({ vendor, architecture, device, description }));
}
process.exit(adapter ? 0 : 1);
