import type { Dispatch } from '../../kernels/lib/kernel.ts';
import { byteLength, type Tensor } from '../../kernels/lib/tensor.ts';
import { valueOf } from '../../kernels/lib/variable.ts';
import { ShapeError } from '../../kernels/lib/errors.ts';
import { variantFor } from '../../kernels/lib/variants.ts';
import type { PipelineEntry, PlanDevice } from './contracts.ts';
import { bufferUsage } from './memory.ts';

export interface CopyStep {
  readonly op: 'copy';
  readonly from: Tensor;
  readonly to: Tensor;
}

export interface ClearStep {
  readonly op: 'clear';
  readonly tensor: Tensor;
}

/** One command of a plan. */
export type Step = Dispatch | CopyStep | ClearStep;

/** Copies a whole tensor onto one of the same byte length. @throws ShapeError otherwise. */
export function copyStep(from: Tensor, to: Tensor): CopyStep {
  if (byteLength(from) !== byteLength(to)) {
    throw new ShapeError(`copy: '${from.name}' and '${to.name}' differ in bytes`);
  }
  return { op: 'copy', from, to };
}

/** Sets a tensor to zero bits. */
export const clearStep = (tensor: Tensor): ClearStep => ({ op: 'clear', tensor });

/**
 * Bytes of a binding: rounded up to whole vec4s where the buffer holds them, so that shaders may
 * read the last vec4.
 */
const boundBytes = (tensor: Tensor): number =>
  Math.min(tensor.buffer.size - tensor.offset, Math.ceil(byteLength(tensor) / 16) * 16);

interface Prepared {
  readonly dispatch: Dispatch;
  readonly entry: PipelineEntry;
  readonly bindGroup: GPUBindGroup;
}

/** Workgroups of a dispatch at the present values of its variables. */
function gridOf({ grid }: Dispatch): readonly [number, number, number] {
  const [x = 1, y = 1, z = 1] = typeof grid === 'function' ? grid() : grid;
  return [x, y, z];
}

const isEmpty = (grid: readonly number[]): boolean => grid.includes(0);

/** Uniform slots are bound at multiples of WebGPU's default offset alignment. */
const SLOT_BYTES = 256;

/**
 * A prebuilt list of commands. Building it allocates its uniforms and bind groups and requests its
 * pipelines; running it again does none of that. Values that vary between runs are `Variable`s.
 */
export class Plan {
  readonly name: string;
  readonly steps: readonly Step[];
  /**
   * Most steps that the queue puts in one submit. The queue adapts it to measured time; results do
   * not depend on it.
   */
  stepsPerSubmit: number;
  readonly #gpu: PlanDevice;
  readonly #prepared: readonly (Prepared | undefined)[];
  readonly #arena: GPUBuffer;
  readonly #mirror: ArrayBuffer;
  readonly #words: Uint32Array;
  readonly #floats: Float32Array;
  readonly #ints: Int32Array;
  #ready = false;
  #written = false;

  constructor(gpu: PlanDevice, name: string, wanted: readonly Step[]) {
    const steps = wanted.map((step) =>
      step.op === 'dispatch' && step.offer ? step.offer.in(variantFor(step.offer, gpu)) : step,
    );
    this.steps = steps;
    this.name = name;
    this.stepsPerSubmit = gpu.kind === 'cpu' ? 16 : 128;
    this.#gpu = gpu;
    const dispatches = steps.filter((step) => step.op === 'dispatch').length;
    const size = Math.max(1, dispatches) * SLOT_BYTES;
    this.#mirror = new ArrayBuffer(size);
    this.#words = new Uint32Array(this.#mirror);
    this.#floats = new Float32Array(this.#mirror);
    this.#ints = new Int32Array(this.#mirror);
    this.#arena = gpu.createBuffer({
      label: `${name} uniforms`,
      size,
      usage: bufferUsage.uniform | bufferUsage.copyDst,
    });
    gpu.memory.add(this.#arena, 'uniforms');
    let slot = 0;
    this.#prepared = steps.map((step) => {
      if (step.op !== 'dispatch') return undefined;
      const entry = gpu.pipelines.entry(step);
      const paramBytes = Math.max(16, Math.ceil((step.params.length * 4) / 16) * 16);
      const bindGroup = gpu.device.createBindGroup({
        label: step.kernel.name,
        layout: entry.layout,
        entries: [
          {
            binding: 0,
            resource: { buffer: this.#arena, offset: slot++ * SLOT_BYTES, size: paramBytes },
          },
          ...step.tensors.map((tensor, i) => ({
            binding: i + 1,
            resource: { buffer: tensor.buffer, offset: tensor.offset, size: boundBytes(tensor) },
          })),
        ],
      });
      return { dispatch: step, entry, bindGroup };
    });
  }

  /** Floating-point operations of a step at the present values of its variables. */
  flopsOf(index: number): number {
    const step = this.steps[index];
    return step?.op === 'dispatch' ? step.flops() : 0;
  }

  /** Floating-point operations of one run at the present values of its variables. */
  get flops(): number {
    return this.steps.reduce((total, _, index) => total + this.flopsOf(index), 0);
  }

  /**
   * Waits until the plan's pipelines are made. They come before the pipelines of other plans.
   *
   * @throws ShaderError with file and line when an implementation refuses a shader.
   */
  async ready(): Promise<void> {
    if (this.#ready) return;
    const entries = new Set(this.#prepared.flatMap((prepared) => prepared?.entry ?? []));
    this.#gpu.pipelines.queueFirst(entries);
    await Promise.all(Array.from(entries, ({ ready }) => ready));
    this.#ready = true;
  }

  /** Writes the uniforms if a variable has changed since the last run. */
  writeUniforms(): void {
    let slot = 0;
    let changed = !this.#written;
    for (const prepared of this.#prepared) {
      if (!prepared) continue;
      const base = (slot++ * SLOT_BYTES) / 4;
      const { kernel, params } = prepared.dispatch;
      for (const [i, size] of params.entries()) {
        if (this.#written && typeof size === 'number') continue;
        const type = kernel.params[i]?.type;
        const view = type === 'f32' ? this.#floats : type === 'i32' ? this.#ints : this.#words;
        const before = this.#words[base + i];
        view[base + i] = valueOf(size);
        changed ||= before !== this.#words[base + i];
      }
    }
    if (changed) this.#gpu.device.queue.writeBuffer(this.#arena, 0, this.#mirror);
    this.#written = true;
  }

  /** The pipeline of a step, if it has never been dispatched and the step's grid is not empty. */
  coldPipeline(index: number): PipelineEntry | undefined {
    const prepared = this.#prepared[index];
    if (!prepared || prepared.entry.warm || isEmpty(gridOf(prepared.dispatch))) return undefined;
    return prepared.entry;
  }

  /** Encodes steps [from, to) as one command buffer. */
  encode(from: number, to: number): GPUCommandBuffer {
    const encoder = this.#gpu.device.createCommandEncoder({ label: this.name });
    let pass: GPUComputePassEncoder | undefined;
    for (let i = from; i < to; i++) {
      const step = this.steps[i];
      const prepared = this.#prepared[i];
      if (!step) break;
      if (step.op === 'dispatch' && prepared?.entry.pipeline) {
        const grid = gridOf(step);
        if (isEmpty(grid)) continue;
        pass ??= this.#beginPass(encoder);
        pass.setPipeline(prepared.entry.pipeline);
        pass.setBindGroup(0, prepared.bindGroup);
        pass.dispatchWorkgroups(...grid);
        continue;
      }
      pass?.end();
      pass = undefined;
      if (step.op === 'copy') {
        const { from: source, to: target } = step;
        encoder.copyBufferToBuffer(
          source.buffer,
          source.offset,
          target.buffer,
          target.offset,
          byteLength(source),
        );
      } else if (step.op === 'clear') {
        encoder.clearBuffer(step.tensor.buffer, step.tensor.offset, byteLength(step.tensor));
      } else {
        throw new Error(`${this.name}: run before ready()`);
      }
    }
    pass?.end();
    return encoder.finish();
  }

  #beginPass(encoder: GPUCommandEncoder): GPUComputePassEncoder {
    const timestampWrites = this.#gpu.passClock?.next();
    return encoder.beginComputePass(timestampWrites && { timestampWrites });
  }

  /** Frees the plan's uniforms. Tensors belong to whoever made them. */
  destroy(): void {
    this.#gpu.memory.remove(this.#arena);
    this.#arena.destroy();
  }
}
