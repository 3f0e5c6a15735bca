// Prints the WebGPU adapter that Node finds, as JSON; exits with 1 when there is none. A separate
// process, so that a crashing driver ends only this process.
import { create } from 'webgpu';

const gpu = create([]);
const adapter = await gpu.requestAdapter();
if (adapter) {
  const { vendor, architecture, device, description } = adapter.info;
  console.log(JSON.stringify({ vendor, architecture, device, description }));
}
process.exit(adapter ? 0 : 1);
