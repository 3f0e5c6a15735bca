import type { Gpu } from '../../src/gpu/device.ts';

/**
 * Makes a device compile a changed version of one kernel, like a driver with a compiler fault.
 *
 * @param from Text that occurs once in the shader.
 */
export function plantFault(gpu: Gpu, kernel: string, from: string, to: string): void {
  const { pipelines } = gpu;
  const entry = pipelines.entry.bind(pipelines);
  pipelines.entry = (dispatch) => {
    if (dispatch.kernel.name !== kernel) return entry(dispatch);
    const pieces = dispatch.kernel.code.split(from);
    if (pieces.length !== 2)
      throw new Error(`${kernel}: '${from}' is there ${pieces.length - 1} times`);
    return entry({ ...dispatch, kernel: { ...dispatch.kernel, code: pieces.join(to) } });
  };
}
