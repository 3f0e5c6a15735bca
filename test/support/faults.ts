import type { Gpu } from '../../src/gpu/device.ts';

/**
 * Makes a device compile one kernel as another program, as a driver with a fault in its compiler would.
 *
 * @param from Text of the shader that occurs once.
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
