import { ShaderError } from '../../kernels/lib/errors.ts';
import type { Dispatch, KernelInfo } from '../../kernels/lib/kernel.ts';
import type { Gpu } from './device.ts';

/** What compiling takes of a device. */
type Asked = Pick<Gpu, 'device' | 'ask'>;

/** A pipeline being compiled, shared by all dispatches that need the same one. */
export interface PipelineEntry {
  readonly label: string;
  readonly layout: GPUBindGroupLayout;
  readonly ready: Promise<void>;
  pipeline: GPUComputePipeline | undefined;
  /** False until its first dispatch is done: software drivers compile then, for seconds. */
  warm: boolean;
}

/** Compiles each combination of shader, header and constants once per device. */
export class PipelineCache {
  readonly #gpu: Asked;
  readonly #entries = new Map<string, PipelineEntry>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();

  constructor(gpu: Asked) {
    this.#gpu = gpu;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Resolves when nothing is being compiled, whether it succeeded or not. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#entries.values()].map(({ ready }) => ready));
  }

  entry(dispatch: Dispatch): PipelineEntry {
    const { kernel, header, constants } = dispatch;
    const key = `${kernel.name}|${header}|${JSON.stringify(constants)}`;
    const known = this.#entries.get(key);
    if (known) return known;
    const layout = this.#layout(kernel);
    const entry: PipelineEntry = {
      label: kernel.name,
      layout,
      pipeline: undefined,
      warm: false,
      ready: this.#compile(dispatch, layout).then((pipeline) => {
        entry.pipeline = pipeline;
      }),
    };
    // A failure is reported by whoever awaits the plan; unawaited it must not end the process.
    entry.ready.catch(() => undefined);
    this.#entries.set(key, entry);
    return entry;
  }

  async #compile(dispatch: Dispatch, bindGroupLayout: GPUBindGroupLayout) {
    const { device, ask } = this.#gpu;
    const { kernel, header, constants } = dispatch;
    const code = header === '' ? kernel.code : `${header}\n${kernel.code}`;
    // In a scope of its own, so that a bad shader is reported here and only here.
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label: kernel.name, code });
    const scope = ask(() => device.popErrorScope());
    const { messages } = await ask(() => module.getCompilationInfo());
    checkShader(messages, kernel, code.split('\n').length - kernel.code.split('\n').length);
    const fault = await scope;
    if (fault) throw new ShaderError(`${kernel.name}.wgsl: ${fault.message}`);
    return ask(() =>
      device.createComputePipelineAsync({
        label: kernel.name,
        layout: device.createPipelineLayout({ bindGroupLayouts: [bindGroupLayout] }),
        compute: { module, entryPoint: 'main', constants: { ...constants } },
      }),
    );
  }

  #layout(kernel: KernelInfo): GPUBindGroupLayout {
    const access = kernel.bindings.map(({ kind }) => kind[0]).join('');
    const known = this.#layouts.get(access);
    if (known) return known;
    const compute = 0x4;
    const layout = this.#gpu.device.createBindGroupLayout({
      entries: [
        { binding: 0, visibility: compute, buffer: { type: 'uniform' } },
        ...kernel.bindings.map(({ kind }, i) => ({
          binding: i + 1,
          visibility: compute,
          buffer: { type: layoutTypes[kind] },
        })),
      ],
    });
    this.#layouts.set(access, layout);
    return layout;
  }
}

const layoutTypes = {
  uniform: 'uniform',
  read: 'read-only-storage',
  write: 'storage',
} as const;

/** Turns the diagnostics of a shader module into one error. Lines count from each file's own first. */
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
