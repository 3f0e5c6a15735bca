// Reads what Mesa's drivers print of the pipelines that scripts/compile-kernels.ts makes.

/**
 * @typedef {object} CompiledPipeline
 * @property {string} name The kernel and its constants.
 * @property {string} header Lines put before the shader.
 * @property {number} registers Of a thread.
 * @property {number} spills Registers kept in memory.
 * @property {number} scratch Bytes of memory of a thread's own.
 * @property {number} shared Bytes of workgroup memory.
 * @property {number} instructions
 * @property {number | undefined} resident AMD: waves that a SIMD holds. NVIDIA: warps that an SM
 *   holds; undefined where the driver printed no size of the workgroup.
 * @property {{ ffma: number, instructions: number } | undefined} loop NVIDIA: the block of most fused
 *   multiply-adds inside a loop, where it has any.
 */

/** What an SM of each generation holds: warps, workgroups, bytes of workgroup memory. */
const multiprocessors = {
  turing: { warps: 32, workgroups: 16, shared: 65_536, reserved: 0 },
  ampere: { warps: 48, workgroups: 16, shared: 102_400, reserved: 1024 },
};

/** Registers of an SM; a warp takes them by 256. */
const REGISTERS = 65_536;

/**
 * Warps of a kernel that an SM holds at once.
 *
 * @param {'turing' | 'ampere'} generation
 * @param {{ threads: number, registers: number, shared: number }} kernel
 */
export function residentWarps(generation, { threads, registers, shared }) {
  const sm = multiprocessors[generation];
  const warps = Math.ceil(threads / 32);
  const ofWarp = 256 * Math.ceil((registers * 32) / 256);
  const workgroups = Math.min(
    sm.workgroups,
    Math.floor(sm.warps / warps),
    Math.floor(REGISTERS / (ofWarp * warps)),
    Math.floor(sm.shared / Math.max(1, shared + sm.reserved)),
  );
  return workgroups * warps;
}

/**
 * @typedef {object} Block
 * @property {number} ffma
 * @property {number} instructions
 * @property {number} next The first of the blocks that may come next.
 */

/**
 * The block of most fused multiply-adds among those from which the program comes back to them.
 *
 * @param {readonly Block[]} blocks
 */
function hotLoop(blocks) {
  // A block that jumps back makes a loop of everything between.
  const loops = blocks.flatMap((block, at) => (block.next <= at ? [[block.next, at]] : []));
  const looped = blocks.filter((_, at) =>
    loops.some(([first = 0, end = 0]) => first <= at && at <= end),
  );
  const most = Math.max(0, ...looped.map(({ ffma }) => ffma));
  const best = looped.find(({ ffma }) => ffma > 0 && ffma === most);
  return best && { ffma: best.ffma, instructions: best.instructions };
}

/** Reads one target's prints line by line. */
export class PrintReader {
  /** @type {'turing' | 'ampere' | undefined} */
  #generation;
  /** @type {CompiledPipeline[]} */
  pipelines = [];
  /** Lines that say why a pipeline was not made. */
  /** @type {string[]} */
  failures = [];
  /** @type {Record<string, number>} */
  #numbers = {};
  #threads = 0;
  /** @type {Block[]} */
  #blocks = [];
  #inProgram = false;

  /** @param {string} target A name of `targets` in scripts/gpu-lab.mjs. */
  constructor(target) {
    this.#generation = target === 'turing' || target === 'ampere' ? target : undefined;
  }

  /** @param {string} line */
  read(line) {
    const begun = /^#### (.*)$/.exec(line);
    if (begun) {
      this.end();
      this.pipelines.push(blank(begun[1] ?? ''));
      return;
    }
    if (line.startsWith('FAILED ')) this.failures.push(line);
    const pipeline = this.pipelines.at(-1);
    if (!pipeline) return;
    if (line.startsWith('## ')) {
      pipeline.header = line.slice(3);
      return;
    }
    const size = /^workgroup_size: (\d+), (\d+), (\d+)$/.exec(line);
    if (size) this.#threads = Number(size[1]) * Number(size[2]) * Number(size[3]);
    // The driver prints a program after each of its passes; the last one is what runs.
    if (line.startsWith('NAK IR')) {
      this.#inProgram = true;
      this.#blocks = [];
      return;
    }
    if (this.#inProgram && this.#readProgram(line)) return;
    const number = /^\s*([A-Za-z_ ]+): (\d+)\s*$/.exec(line);
    if (number) this.#numbers[number[1]?.trim() ?? ''] ??= Number(number[2]);
  }

  /** @param {string} line @returns Whether the line is part of a program. */
  #readProgram(line) {
    if (/^block\S* \d+ /.test(line)) {
      this.#blocks.push({ ffma: 0, instructions: 0, next: Infinity });
      return true;
    }
    const block = this.#blocks.at(-1);
    const next = /^\} -> \[([\d, ]*)\]/.exec(line);
    if (next && block) {
      block.next = Math.min(
        ...(next[1] ?? '').split(',').map((at) => (at.trim() ? Number(at) : Infinity)),
      );
      return true;
    }
    if (!block || line.trim() === '' || line.startsWith('Stage:')) {
      this.#inProgram = false;
      return false;
    }
    block.instructions++;
    if (/\b[fhi]mma\b|\bffma\b/.test(line)) block.ffma++;
    return true;
  }

  /** Takes in what was read of the last pipeline. */
  end() {
    const pipeline = this.pipelines.at(-1);
    if (pipeline && Object.keys(this.#numbers).length > 0) {
      /** @param {...string} names */
      const sum = (...names) => names.reduce((all, name) => all + (this.#numbers[name] ?? 0), 0);
      pipeline.registers = sum('Num GPRs', 'VGPRs');
      pipeline.spills = sum('Spills to mem', 'Spilled VGPRs', 'Spilled SGPRs');
      pipeline.scratch = sum('SLM size', 'Scratch size');
      pipeline.shared = sum('shared_size', 'LDS size');
      pipeline.instructions = sum('Instruction count', 'Instructions');
      pipeline.resident = this.#numbers['Subgroups per SIMD'];
      if (this.#generation && this.#threads > 0) {
        pipeline.resident = residentWarps(this.#generation, {
          threads: this.#threads,
          registers: pipeline.registers,
          shared: pipeline.shared,
        });
      }
      pipeline.loop = hotLoop(this.#blocks);
    }
    this.#numbers = {};
    this.#threads = 0;
    this.#blocks = [];
    this.#inProgram = false;
  }
}

/** @param {string} name @returns {CompiledPipeline} */
const blank = (name) => ({
  name,
  header: '',
  registers: 0,
  spills: 0,
  scratch: 0,
  shared: 0,
  instructions: 0,
  resident: undefined,
  loop: undefined,
});

/** @param {CompiledPipeline} pipeline A kernel's name with what distinguishes its pipelines. */
export function labelOf({ name, header }) {
  const head = /HEAD_DIM: u32 = (\d+)/.exec(header)?.[1];
  const side = /SIDE: u32 = (\d+)/.exec(header)?.[1];
  const parts = [
    name.replace(' {}', ''),
    head && `head ${head}`,
    side && `side ${side}`,
    header.includes('WEIGHT_WORDS = 2u') && 'f16',
    // Rows of other widths are read number by number.
    header.includes('CELL = 1') && 'ragged',
  ];
  return parts.filter(Boolean).join(' ');
}

/** @param {CompiledPipeline['loop']} loop Per cent of the loop's instructions; undefined without one. */
const shareOf = (loop) => loop && Math.floor((100 * loop.ffma) / loop.instructions);

/**
 * A table of one target's pipelines, as text.
 *
 * @param {string} target
 * @param {readonly CompiledPipeline[]} pipelines
 */
export function tableOf(target, pipelines) {
  const isNvidia = target in multiprocessors;
  const rows = pipelines.map((pipeline) => {
    const { registers, spills, scratch, shared, instructions, resident, loop } = pipeline;
    const share = shareOf(loop);
    return [
      labelOf(pipeline),
      ...[registers, spills, scratch, shared, resident ?? '', instructions].map(String),
      ...(isNvidia ? [share === undefined ? '' : `${loop?.ffma} = ${share} %`] : []),
    ];
  });
  const head = ['pipeline', 'registers', 'spills', 'scratch', 'shared', 'resident', 'instructions'];
  const lines = [[...head, ...(isNvidia ? ['FFMA of the hot loop'] : [])], ...rows];
  const widths = lines[0]?.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, at) =>
          at === 0 ? cell.padEnd(widths?.[at] ?? 0) : cell.padStart(widths?.[at] ?? 0),
        )
        .join('  '),
    )
    .join('\n');
}

/**
 * One table of all targets for a page: of each, a pipeline's registers and what it keeps resident, and
 * of NVIDIA's the share of multiply-adds in its hot loop.
 *
 * @param {ReadonlyMap<string, readonly CompiledPipeline[]>} compiled By target.
 */
export function pageTableOf(compiled) {
  const labels = new Set(Array.from(compiled.values(), (one) => one.map(labelOf)).flat());
  /** @param {CompiledPipeline | undefined} pipeline */
  const cellOf = (pipeline) => {
    if (!pipeline) return '';
    const share = shareOf(pipeline.loop);
    const counts = `${pipeline.registers} / ${pipeline.resident ?? '?'}`;
    return share === undefined ? counts : `${counts} / ${share} %`;
  };
  const rows = Array.from(labels, (label) => [
    `\`${label}\``,
    ...Array.from(compiled.values(), (one) => cellOf(one.find((row) => labelOf(row) === label))),
  ]);
  const head = ['pipeline', ...compiled.keys()];
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** Fewest waves or warps that a kernel may leave resident. */
const leastResident = 8;

/** Most registers of a thread of attention with heads of 32 and more. */
const mostOfAttention = 128;

/**
 * Least share of fused multiply-adds in a kernel's hot loop on Ampere, per cent, by its label. Smaller tiles read more memory for a multiply-add, and the driver checks the
 * bounds of every number that is read.
 *
 * @type {readonly (readonly [RegExp, number])[]}
 */
const leastShares = [
  [/^matmul-\S+\/tiles side 16/, 80],
  [/^matmul-\S+\/tiles side 8/, 65],
  [/^matmul-\S+\/tiles side 4/, 55],
  [/^attention-(forward|backward-\S+)\/tiles/, 50],
];

/**
 * What is wrong with a target's pipelines, a sentence each.
 *
 * @param {string} target
 * @param {readonly CompiledPipeline[]} pipelines
 * @returns {string[]}
 */
export function faultsOf(target, pipelines) {
  /** @type {string[]} */
  const faults = [];
  for (const pipeline of pipelines) {
    const { registers, spills, scratch, resident, loop } = pipeline;
    const label = labelOf(pipeline);
    if (registers === 0) faults.push(`${label}: the driver printed nothing`);
    if (spills > 0) faults.push(`${label}: ${spills} registers spilled to memory`);
    if (scratch > 0) faults.push(`${label}: ${scratch} bytes of scratch`);
    if (resident !== undefined && resident < leastResident) {
      faults.push(`${label}: ${resident} resident, fewer than ${leastResident}`);
    }
    // AMD's compiler takes more where workgroup memory leaves it room for as many waves.
    const isWide = Number(/^attention-.* head (\d+)/.exec(label)?.[1] ?? 0) >= 32;
    if (target in multiprocessors && isWide && registers > mostOfAttention) {
      faults.push(`${label}: ${registers} registers, more than ${mostOfAttention}`);
    }
    const [, least] = leastShares.find(([name]) => name.test(label)) ?? [];
    const share = shareOf(loop) ?? 0;
    if (target === 'ampere' && least !== undefined && share < least) {
      faults.push(`${label}: ${share} % FFMA in the hot loop, less than ${least} %`);
    }
  }
  return faults;
}
