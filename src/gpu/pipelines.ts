import type { Dispatch, KernelInfo } from '../../kernels/lib/kernel.ts';
import { hardwareThreads } from '../hardware-threads.ts';
import type { Asking, Compiles, PipelineEntry, RunsFirst } from './contracts.ts';
import { accessOf, layoutOf, makePipeline } from './make-pipeline.ts';
import { SideCompilers } from './side-compilers.ts';

/** Reports that the driver started compiling a pipeline: the count started, the count requested. */
export type CompileProgress = (begun: number, known: number, label: string) => void;

/** An entry and the dispatch that it is compiled from. */
interface Job {
  readonly entry: PipelineEntry;
  readonly dispatch: Dispatch;
  /** Settles `entry.ready`. */
  readonly settle: (made: Promise<void>) => void;
  /** The implementation was asked for the pipeline. */
  asked: boolean;
  /** The driver has begun to compile the pipeline. */
  begun: boolean;
}

/** Milliseconds. A first dispatch that takes longer included compiling. */
const COLD_MS = 50;
/** Milliseconds. Compiling that takes longer cannot be mistaken for the kernel's own work. */
const LONG_MS = 200;

/**
 * Compiles each combination of shader, header and constants once per device. The pipelines of the
 * plan that waits come first, then the others in the order of their plans. Only as many are
 * compiled at a time as keep the machine busy, so that late pipelines do not hold up early ones.
 */
export class PipelineCache implements Compiles, RunsFirst {
  /** Called when the driver begins to compile a pipeline. */
  onCompile: CompileProgress | undefined;
  readonly #gpu: Asking;
  /** Whether the driver compiles at the first dispatch, not when the pipeline is made. */
  readonly #late: boolean;
  #sides: SideCompilers | undefined;
  readonly #most = 2 * hardwareThreads();
  readonly #headers = new Map<string, number>();
  readonly #jobs = new Map<string, Job>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  /** All jobs, in the order in which they are needed. */
  #order: Job[] = [];
  #making = 0;
  #begun = 0;

  /** @param openSide Opens another device of the same adapter. */
  constructor(gpu: Asking & { readonly name: string }, openSide?: () => Promise<GPUDevice>) {
    this.#gpu = gpu;
    this.#late = /llvmpipe|lavapipe/i.test(gpu.name);
    if (this.#late && openSide) this.#sides = new SideCompilers(openSide, gpu.ask);
  }

  get size(): number {
    return this.#jobs.size;
  }

  /** One dispatch of each pipeline, in the order in which the pipelines are needed. */
  get dispatches(): readonly Dispatch[] {
    return this.#order.map(({ dispatch }) => dispatch);
  }

  entry(dispatch: Dispatch): PipelineEntry {
    const { kernel, header, constants } = dispatch;
    const key = `${kernel.name}|${this.#numberOf(header)}|${JSON.stringify(constants)}`;
    const known = this.#jobs.get(key);
    if (known) return known.entry;
    let settle: Job['settle'] = () => undefined;
    const ready = new Promise<void>((resolve) => (settle = resolve));
    // Whoever awaits the plan reports the failure; a failure that nobody awaits must not end the
    // process.
    ready.catch(() => undefined);
    const layout = this.#layout(kernel);
    const entry = {
      label: kernel.name,
      layout,
      ready,
      pipeline: undefined,
      warm: false,
    };
    const job: Job = { entry, dispatch, settle, asked: false, begun: false };
    this.#jobs.set(key, job);
    this.#order.push(job);
    // Deferred: the code that builds plans now may still say what comes first.
    queueMicrotask(() => this.#makeNext());
    return entry;
  }

  /** A short name for a header, which may be a page long. */
  #numberOf(header: string): number {
    const known = this.#headers.get(header) ?? this.#headers.size;
    this.#headers.set(header, known);
    return known;
  }

  /** Queues the pipelines that `build` requests before those that wait already. */
  queueAhead<Built>(build: () => Built): Built {
    const before = this.#order;
    this.#order = [];
    try {
      return build();
    } finally {
      this.#order.push(...before);
    }
  }

  /** Queues some entries before all others. */
  queueFirst(entries: ReadonlySet<PipelineEntry>): void {
    const wanted = ({ entry }: Job): boolean => entries.has(entry);
    this.#order = [...this.#order.filter(wanted), ...this.#order.filter((job) => !wanted(job))];
  }

  /**
   * Runs an entry's first dispatch, after waiting for a side device that is compiling the entry. A
   * slow dispatch shows that the driver compiled only then: side devices then start on the
   * pipelines that still wait.
   */
  async runFirst(entry: PipelineEntry, run: () => Promise<void>): Promise<void> {
    const job = this.#order.find((one) => one.entry === entry);
    const aside = job && (await this.#sides?.waitIfCompiling(job.dispatch));
    if (job && this.#late) this.#begin(job);
    const started = performance.now();
    await run();
    entry.warm = true;
    const took = performance.now() - started;
    if (took < COLD_MS) return;
    // The driver compiled it again: it keeps nothing on disk, or not for other devices.
    if (aside !== undefined && aside > LONG_MS && took > 0.8 * aside) await this.#dropSides();
    const count = this.#order.filter(({ begun }) => !begun).length;
    this.#sides?.start(count, () => {
      const next = this.#order.find(({ begun }) => !begun);
      if (next) this.#begin(next);
      return next?.dispatch;
    });
  }

  async #dropSides(): Promise<void> {
    const sides = this.#sides;
    this.#sides = undefined;
    await sides?.close();
  }

  /**
   * Resolves when no pipeline is being compiled, successfully or not. Pipelines that still wait are
   * rejected.
   */
  async close(): Promise<void> {
    for (const job of this.#order) {
      if (job.asked) continue;
      job.asked = true;
      job.settle(Promise.reject(new Error(`${job.entry.label}: the device was closed`)));
    }
    await Promise.allSettled(this.#order.map(({ entry }) => entry.ready));
    await this.#dropSides();
  }

  #begin(job: Job): void {
    if (job.begun) return;
    job.begun = true;
    this.onCompile?.(++this.#begun, this.#jobs.size, job.entry.label);
  }

  #makeNext(): void {
    while (this.#making < this.#most) {
      const job = this.#order.find(({ asked }) => !asked);
      if (!job) return;
      job.asked = true;
      if (!this.#late) this.#begin(job);
      this.#making++;
      const { entry, dispatch } = job;
      const made = makePipeline(this.#gpu, dispatch, entry.layout).then((pipeline) => {
        entry.pipeline = pipeline;
      });
      job.settle(made);
      const done = (): void => {
        this.#making--;
        this.#makeNext();
      };
      made.then(done, done);
    }
  }

  #layout(kernel: KernelInfo): GPUBindGroupLayout {
    const access = accessOf(kernel);
    const known = this.#layouts.get(access);
    if (known) return known;
    const layout = layoutOf(this.#gpu.device, kernel);
    this.#layouts.set(access, layout);
    return layout;
  }
}
