import { landscape, landscapeKernel, type Drawing, VIEW_ROWS } from '../../kernels/landscape.ts';
import { ShaderError } from '../../kernels/lib/errors.ts';
import type { Tensor } from '../../kernels/lib/tensor.ts';
import type { SampleTensors } from '../../kernels/lib/reward-matrix.ts';
import type { Gpu } from '../gpu/device.ts';
import { bufferUsage, shaderStage, textureUsage } from '../gpu/memory.ts';
import { field } from './field.ts';

/** A landscape cannot be drawn; the run that it shows goes on. */
export class LandscapeError extends Error {
  override readonly name = 'LandscapeError';
}

/** The matrix that is drawn: sums of the signal in f32 and numbers of samples in u32, both (P, K). */
export type LandscapeMatrix = SampleTensors;

/** What is looked at, and how. */
export interface LandscapeView {
  /** Pixels, each from 1 to 4096. */
  readonly width: number;
  readonly height: number;
  /** World to clip, column by column, 16 numbers. */
  readonly camera: Float32Array;
  /** Nine colours of the ramp, floor, wall, plinth, outline: 13 of r, g, b and opacity, in [0, 1]. */
  readonly colors: Float32Array;
  /** As `orderWords` makes it; the one before stays if left out. */
  readonly order?: Uint32Array<ArrayBuffer> | undefined;
  /** Number of bins, from 1 to the number of prompts. */
  readonly bins: number;
  /** How far prompts have glided from the order before, in [0, 1]. */
  readonly glide: number;
  /** Rank at which the wall stands; below 0 for none. */
  readonly cut: number;
  /** Rank of the chosen prompt; undefined for none. */
  readonly chosen?: number | undefined;
  /** The signal of the lowest bars. */
  readonly low: number;
}

/** Pixels from the top left, r, g, b and opacity, and the size of the picture. */
export interface LandscapePicture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

/** Of its commands, in a debugger and in tests. */
const LABEL = 'landscape';
const MOST_PIXELS = 4096;
const COLOR_FORMAT = 'rgba8unorm';
const DEPTH_FORMAT = 'depth24plus';
/** Samples of a pixel: thin bars would tear without them. */
const SAMPLES = 4;
/** Bytes that a row of a copied picture is a multiple of. */
const ROW_BYTES = 256;
/** Colours that a view brings. */
const COLORS = VIEW_ROWS - 4;

/** What a picture of a size is drawn into. */
interface Target {
  readonly width: number;
  readonly height: number;
  readonly depth: GPUTexture;
  readonly sampled: GPUTexture;
  /** Undefined where a canvas gives the picture. */
  readonly picture: GPUTexture | undefined;
  readonly staging: GPUBuffer | undefined;
  readonly rowBytes: number;
}

/**
 * Draws a reward matrix where it lies, and changes nothing of it. A picture is one submit, beside the
 * uploads of what has changed; pipeline, buffers and bind group are made when a landscape is opened,
 * textures when a picture has another size. An error of its own reaches whoever asked for the picture,
 * and no other user of the device.
 */
export class Landscape {
  readonly prompts: number;
  readonly epochs: number;
  readonly #gpu: Gpu;
  readonly #drawing: Drawing;
  readonly #pipeline: GPURenderPipeline;
  readonly #params: GPUBuffer;
  readonly #view: GPUBuffer;
  readonly #order: GPUBuffer;
  readonly #bindGroup: GPUBindGroup;
  readonly #words = new ArrayBuffer(4 * landscapeKernel.params.length);
  readonly #viewRows = new Float32Array(4 * VIEW_ROWS);
  #ordered = false;
  #target: Target | undefined;

  private constructor(gpu: Gpu, drawing: Drawing, pipeline: GPURenderPipeline) {
    this.#gpu = gpu;
    this.#drawing = drawing;
    this.#pipeline = pipeline;
    this.prompts = drawing.prompts;
    this.epochs = drawing.epochs;
    const [view, sums, samplesOf, order] = drawing.tensors as [Tensor, Tensor, Tensor, Tensor];
    this.#view = view.buffer;
    this.#order = order.buffer;
    const { device } = gpu;
    const { uniform, copyDst } = bufferUsage;
    const size = Math.ceil(this.#words.byteLength / 16) * 16;
    this.#params = device.createBuffer({
      label: 'landscape params',
      size,
      usage: uniform | copyDst,
    });
    this.#bindGroup = device.createBindGroup({
      label: LABEL,
      layout: pipeline.getBindGroupLayout(0),
      entries: [
        { binding: 0, resource: { buffer: this.#params } },
        ...[view, sums, samplesOf, order].map(({ buffer, offset, shape }, i) => ({
          binding: i + 1,
          resource: { buffer, offset, size: 4 * shape.reduce((all, one) => all * one, 1) },
        })),
      ],
    });
  }

  /**
   * @param matrix The trainer's own tensors, or another matrix. They outlive the landscape.
   * @throws LandscapeError when the device cannot draw it; ShapeError, ShaderError.
   */
  static async open(gpu: Gpu, { sums, samples }: LandscapeMatrix): Promise<Landscape> {
    const { device } = gpu;
    const pipeline = await makePipeline(gpu);
    const { uniform, storage, copyDst } = bufferUsage;
    return guarded(gpu, () => {
      const prompts = sums.shape[0] ?? 0;
      const tensorOf = (
        name: string,
        shape: readonly number[],
        dtype: 'f32' | 'u32',
        usage: number,
      ): Tensor => ({
        name,
        shape,
        dtype,
        offset: 0,
        buffer: device.createBuffer({
          label: name,
          size: Math.max(16, 4 * shape.reduce((all, one) => all * one, 1)),
          usage: usage | copyDst,
        }),
      });
      const view = tensorOf('landscape view', [VIEW_ROWS, 4], 'f32', uniform);
      const order = tensorOf('landscape order', [2, prompts], 'u32', storage);
      return new Landscape(gpu, landscape({ view, sums, samples, order }), pipeline);
    });
  }

  /** Whether the adapter draws in software, so that pictures cost the run time. */
  get software(): boolean {
    return this.#gpu.kind === 'cpu';
  }

  /**
   * Draws a picture and reads it back.
   *
   * @throws LandscapeError for a view that cannot be drawn, or when the device refuses it.
   */
  async picture(shown: LandscapeView): Promise<LandscapePicture> {
    this.#check(shown);
    const target = await this.#targetOf(shown, true);
    const { picture, staging, rowBytes, width, height } = target;
    if (!picture || !staging) throw new LandscapeError('landscape: nothing to read back');
    await guarded(this.#gpu, () => {
      this.#upload(shown);
      const encoder = this.#encode(shown, target, picture);
      encoder.copyTextureToBuffer(
        { texture: picture },
        { buffer: staging, bytesPerRow: rowBytes, rowsPerImage: height },
        [width, height],
      );
      this.#gpu.device.queue.submit([encoder.finish({ label: LABEL })]);
    });
    const bytes = new Uint8Array(await this.#gpu.mapped(staging));
    const pixels = new Uint8ClampedArray(4 * width * height);
    for (let row = 0; row < height; row++) {
      pixels.set(bytes.subarray(row * rowBytes, row * rowBytes + 4 * width), row * 4 * width);
    }
    staging.unmap();
    unmultiply(pixels);
    return { width, height, pixels };
  }

  /**
   * Draws a picture into a texture of a canvas, as large as the view says.
   *
   * @throws LandscapeError as `picture`.
   */
  async present(shown: LandscapeView, into: () => GPUTexture): Promise<void> {
    this.#check(shown);
    const target = await this.#targetOf(shown, false);
    await guarded(this.#gpu, () => {
      this.#upload(shown);
      this.#gpu.device.queue.submit([this.#encode(shown, target, into()).finish({ label: LABEL })]);
    });
  }

  /** Frees what is the landscape's own; the matrix stays. */
  destroy(): void {
    for (const buffer of [this.#params, this.#view, this.#order]) buffer.destroy();
    this.#dropTarget();
  }

  #check({ width, height, camera, colors, order, bins, chosen }: LandscapeView): void {
    const whole = (name: string, value: number, least: number, most: number): void => {
      if (Number.isInteger(value) && value >= least && value <= most) return;
      throw new LandscapeError(
        `landscape: ${name} must be a whole number from ${least} to ${most}, is ${value}`,
      );
    };
    whole('width', width, 1, MOST_PIXELS);
    whole('height', height, 1, MOST_PIXELS);
    whole('bins', bins, 1, this.prompts);
    if (chosen !== undefined) whole('chosen', chosen, 0, this.prompts - 1);
    whole('numbers of the camera', camera.length, 16, 16);
    whole('numbers of the colours', colors.length, 4 * COLORS, 4 * COLORS);
    if (order) {
      whole('words of the order', order.length, 2 * this.prompts, 2 * this.prompts);
      for (let rank = 0; rank < this.prompts; rank++) {
        whole('a prompt of the order', (order[rank] ?? 0) & 0x3fff_ffff, 0, this.prompts - 1);
      }
    } else if (!this.#ordered) {
      throw new LandscapeError('landscape: the first picture needs an order');
    }
  }

  /** Writes what the next picture reads. */
  #upload(shown: LandscapeView): void {
    const { queue } = this.#gpu.device;
    const values: Readonly<Record<string, number>> = {
      prompts: this.prompts,
      epochs: this.epochs,
      bins: shown.bins,
      chosen: shown.chosen ?? 0xffff_ffff,
      low: shown.low,
      cut: shown.cut,
      glide: shown.glide,
      width: field.width,
      depth: field.depth,
      height: field.height,
      lift: field.lift,
      least: field.least,
      gap_x: field.gapX,
      gap_z: field.gapZ,
    };
    const words = new DataView(this.#words);
    for (const [i, { name, type }] of landscapeKernel.params.entries()) {
      const value = values[name] ?? 0;
      if (type === 'f32') words.setFloat32(4 * i, value, true);
      else words.setUint32(4 * i, value, true);
    }
    queue.writeBuffer(this.#params, 0, this.#words);
    this.#viewRows.set(shown.camera);
    this.#viewRows.set(shown.colors, 16);
    queue.writeBuffer(this.#view, 0, this.#viewRows);
    if (!shown.order) return;
    queue.writeBuffer(this.#order, 0, shown.order);
    this.#ordered = true;
  }

  #encode({ bins }: LandscapeView, target: Target, into: GPUTexture): GPUCommandEncoder {
    const encoder = this.#gpu.device.createCommandEncoder({ label: LABEL });
    const { sampled, depth } = target;
    const pass = encoder.beginRenderPass({
      label: LABEL,
      colorAttachments: [
        {
          view: sampled.createView(),
          resolveTarget: into.createView(),
          clearValue: [0, 0, 0, 0],
          loadOp: 'clear',
          storeOp: 'discard',
        },
      ],
      depthStencilAttachment: {
        view: depth.createView(),
        depthClearValue: 1,
        depthLoadOp: 'clear',
        depthStoreOp: 'discard',
      },
    });
    pass.setPipeline(this.#pipeline);
    pass.setBindGroup(0, this.#bindGroup);
    pass.draw(this.#drawing.vertices, this.#drawing.instances(bins));
    pass.end();
    return encoder;
  }

  /** What pictures of a size are drawn into, made where the last one had another size. */
  async #targetOf({ width, height }: LandscapeView, readBack: boolean): Promise<Target> {
    const before = this.#target;
    if (
      before?.width === width &&
      before.height === height &&
      (before.staging !== undefined) === readBack
    ) {
      return before;
    }
    this.#dropTarget();
    const { device } = this.#gpu;
    const { renderAttachment, copySrc } = textureUsage;
    const target = await guarded(this.#gpu, () => {
      const texture = (
        label: string,
        format: GPUTextureFormat,
        sampleCount: number,
        usage: number,
      ) => device.createTexture({ label, format, size: [width, height], sampleCount, usage });
      const rowBytes = Math.ceil((4 * width) / ROW_BYTES) * ROW_BYTES;
      const { mapRead, copyDst } = bufferUsage;
      return {
        width,
        height,
        rowBytes,
        depth: texture('landscape depth', DEPTH_FORMAT, SAMPLES, renderAttachment),
        sampled: texture('landscape samples', COLOR_FORMAT, SAMPLES, renderAttachment),
        picture: readBack
          ? texture('landscape picture', COLOR_FORMAT, 1, renderAttachment | copySrc)
          : undefined,
        staging: readBack
          ? device.createBuffer({
              label: 'landscape pixels',
              size: rowBytes * height,
              usage: mapRead | copyDst,
            })
          : undefined,
      };
    });
    this.#target = target;
    return target;
  }

  #dropTarget(): void {
    const { depth, sampled, picture, staging } = this.#target ?? {};
    for (const part of [depth, sampled, picture, staging]) part?.destroy();
    this.#target = undefined;
  }
}

/** Blending leaves colours multiplied by their opacity; pictures in memory have them plain. */
function unmultiply(pixels: Uint8ClampedArray): void {
  for (let i = 3; i < pixels.length; i += 4) {
    const opacity = pixels[i] ?? 0;
    if (opacity === 0 || opacity === 255) continue;
    for (let channel = i - 3; channel < i; channel++) {
      pixels[channel] = ((pixels[channel] ?? 0) * 255) / opacity;
    }
  }
}

/**
 * Does something with a device that others use too: its errors are the caller's, not theirs.
 *
 * @throws LandscapeError
 */
async function guarded<Result>({ device, ask }: Gpu, work: () => Result): Promise<Result> {
  device.pushErrorScope('validation');
  device.pushErrorScope('out-of-memory');
  let done: { readonly value: Result } | undefined;
  let failure: unknown;
  try {
    done = { value: work() };
  } catch (error) {
    failure = error;
  }
  // Both are popped before anyone else pushes a scope.
  const popped = [device.popErrorScope(), device.popErrorScope()];
  const found = (await ask(() => Promise.all(popped))).find((error) => error !== null);
  if (found) throw new LandscapeError(`landscape: ${found.message}`);
  if (done) return done.value;
  throw failure;
}

async function makePipeline(gpu: Gpu): Promise<GPURenderPipeline> {
  const { device, ask } = gpu;
  const { vertex, fragment } = shaderStage;
  const { name, code } = landscapeKernel;
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: name, code });
  const scope = device.popErrorScope();
  const fault = await ask(() => scope);
  if (fault) throw new ShaderError(`${name}.wgsl: ${fault.message}`);
  const blend = {
    color: { srcFactor: 'src-alpha', dstFactor: 'one-minus-src-alpha' },
    alpha: { srcFactor: 'one', dstFactor: 'one-minus-src-alpha' },
  } as const;
  const visibility = vertex | fragment;
  const layout = device.createBindGroupLayout({
    label: name,
    entries: [
      { binding: 0, visibility, buffer: { type: 'uniform' } },
      { binding: 1, visibility, buffer: { type: 'uniform' } },
      ...[2, 3, 4].map((binding) => ({
        binding,
        visibility: vertex,
        buffer: { type: 'read-only-storage' as const },
      })),
    ],
  });
  return ask(() =>
    device.createRenderPipelineAsync({
      label: name,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      vertex: { module, entryPoint: 'vertex' },
      fragment: { module, entryPoint: 'fragment', targets: [{ format: COLOR_FORMAT, blend }] },
      primitive: { topology: 'triangle-list' },
      depthStencil: { format: DEPTH_FORMAT, depthWriteEnabled: true, depthCompare: 'less' },
      multisample: { count: SAMPLES },
    }),
  );
}
