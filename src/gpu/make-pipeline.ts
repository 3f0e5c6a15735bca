import { ShaderError } from '../../kernels/lib/errors.ts';
import type { Dispatch, KernelInfo } from '../../kernels/lib/kernel.ts';
import type { Asking } from './contracts.ts';
import { shaderStage } from './memory.ts';

/** The key of a bind group layout: one letter per binding. */
export const accessOf = ({ bindings }: KernelInfo): string =>
  bindings.map(({ kind }) => kind[0]).join('');

const layoutTypes = {
  uniform: 'uniform',
  read: 'read-only-storage',
  write: 'storage',
} as const;

/** The layout of a kernel's bind groups: the params, then its tensors. */
export function layoutOf(device: GPUDevice, { bindings }: KernelInfo): GPUBindGroupLayout {
  return device.createBindGroupLayout({
    entries: [
      { binding: 0, visibility: shaderStage.compute, buffer: { type: 'uniform' } },
      ...bindings.map(({ kind }, i) => ({
        binding: i + 1,
        visibility: shaderStage.compute,
        buffer: { type: layoutTypes[kind] },
      })),
    ],
  });
}

/**
 * Compiles the pipeline of a dispatch.
 *
 * @throws ShaderError with file and line when an implementation refuses the shader.
 */
export async function makePipeline(
  { device, ask }: Asking,
  { kernel, header, constants }: Dispatch,
  bindGroupLayout: GPUBindGroupLayout,
): Promise<GPUComputePipeline> {
  const code = header === '' ? kernel.code : `${header}\n${kernel.code}`;
  // In a scope of its own, so that a bad shader is reported here and only here.
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: kernel.name, code });
  const scope = ask(() => device.popErrorScope());
  const info = ask(() => module.getCompilationInfo());
  // Both are awaited at once: a device that goes away rejects both, and a rejection that nobody
  // awaits ends the worker.
  const [fault, { messages }] = await Promise.all([scope, info]);
  checkShader(messages, kernel, code.split('\n').length - kernel.code.split('\n').length);
  if (fault) throw new ShaderError(`${kernel.name}.wgsl: ${fault.message}`);
  return ask(() =>
    device.createComputePipelineAsync({
      label: kernel.name,
      layout: device.createPipelineLayout({
        bindGroupLayouts: [bindGroupLayout],
      }),
      compute: { module, entryPoint: 'main', constants: { ...constants } },
    }),
  );
}

/** Throws one error for all diagnostics of a shader module. Line numbers count within each file. */
function checkShader(
  messages: readonly GPUCompilationMessage[],
  kernel: KernelInfo,
  headerLines: number,
): void {
  const errors = messages.filter((message) => message.type === 'error');
  if (errors.length === 0) return;
  const lines = errors.map(({ lineNum, linePos, message }) => {
    const line = lineNum - headerLines;
    const file = kernel.files.findLast(({ firstLine }) => firstLine <= line);
    const where = file
      ? `${file.name}:${line - file.firstLine + 1}`
      : `${kernel.name}.wgsl: header`;
    return `${where}:${linePos} ${message}`;
  });
  throw new ShaderError(lines.join('\n'));
}
