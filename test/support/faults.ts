import type { Gpu } from '../../src/gpu/device.ts';

/**
 * Makes a device compile a changed version of one kernel, like a driver with a compiler fault.
 *
 * @param from Text that occurs once in the shader or its header.
 */
export function plantFault(gpu: Gpu, kernel: string, from: string, to: string): void {
  const { pipelines } = gpu;
  const entry = pipelines.entry.bind(pipelines);
  pipelines.entry = (dispatch) => {
    if (dispatch.kernel.name !== kernel) return entry(dispatch);
    const { header, kernel: right } = dispatch;
    const times = (text: string): number => text.split(from).length - 1;
    const found = times(header) + times(right.code);
    if (found !== 1) throw new Error(`${kernel}: '${from}' is there ${found} times`);
    const changed = (text: string): string => text.split(from).join(to);
    const wrong = { ...right, code: changed(right.code) };
    return entry({ ...dispatch, header: changed(header), kernel: wrong });
  };
}
