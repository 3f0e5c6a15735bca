import { describe, expect, test } from 'vitest';
import {
  faultsOf,
  labelOf,
  pageTableOf,
  PrintReader,
  residentWarps,
  tableOf,
} from '../../scripts/gpu-prints.mjs';

/** A program as NVIDIA's driver in Mesa prints it, after one pass. */
const program = (pass: string, products: number) => [
  `NAK IR${pass}:`,
  'block.u 0 L0 [] -> {',
  '      r0     = s2r sr[0x21]',
  '      r9     = ffma.ftz r1 r2 r9', // outside the loop
  '} -> [1]',
  'block.u 1 L1 [0, 2] -> {',
  '      r4     = ld.shared.strong.cta.b128 [r3]',
  ...Array.from({ length: products }, (_, i) => `      r${i}     = ffma.ftz r4 r5 r${i}`),
  '@!p0  r4     = mov r3',
  '} -> [2, 3]',
  'block.u 2 L2 [1] -> {',
  '      r1     = iadd3 r1 0x1 rZ',
  '@p0          bra pT L1',
  '} -> [1]',
  'block 3 L3 [1] -> {',
  '             exit',
  '} -> []',
  '',
];

const nvidia = [
  'adapter: some card',
  '#### matmul-forward/tiles {}',
  '## const SIDE: u32 = 16; const WEIGHT_WORDS = 2u;',
  'workgroup_size: 16, 16, 1',
  'shared_size: 16384',
  ...program('', 1),
  ...program(' after calc_instr_deps', 6),
  'Stage: compute',
  'Instruction count: 40',
  'Spills to mem: 0',
  'Spills to reg: 3',
  'Num GPRs: 112',
  'SLM size: 0',
  '#### attention-forward/tiles {}',
  '## const HEAD_DIM: u32 = 64;',
  'workgroup_size: 64, 1, 1',
  ...program('', 2),
  'Spills to mem: 2',
  'Num GPRs: 255',
  'SLM size: 48',
];

const amd = [
  '#### gae {}',
  '*** SHADER STATS ***',
  'VGPRs: 96',
  'Spilled SGPRs: 1',
  'Spilled VGPRs: 2',
  'LDS size: 4096',
  'Scratch size: 16',
  'Subgroups per SIMD: 7',
  'Instructions: 50',
];

function read(target: string, lines: readonly string[]) {
  const reader = new PrintReader(target);
  for (const line of lines) reader.read(line);
  reader.end();
  return reader;
}

describe('what the drivers print', () => {
  test("is read of NVIDIA's: the last pass alone, the block of most products in a loop", () => {
    const [first, second] = read('ampere', nvidia).pipelines;
    expect(first).toEqual({
      name: 'matmul-forward/tiles {}',
      header: 'const SIDE: u32 = 16; const WEIGHT_WORDS = 2u;',
      registers: 112,
      spills: 0,
      scratch: 0,
      shared: 16384,
      instructions: 40,
      // 112 registers of 256 threads: two workgroups of eight warps.
      resident: 16,
      loop: { ffma: 6, instructions: 8 },
    });
    expect(second).toMatchObject({ registers: 255, spills: 2, scratch: 48, resident: 8 });
  });

  test("is read of AMD's", () => {
    expect(read('navi31', amd).pipelines).toEqual([
      {
        name: 'gae {}',
        header: '',
        registers: 96,
        spills: 3,
        scratch: 16,
        shared: 4096,
        instructions: 50,
        resident: 7,
        loop: undefined,
      },
    ]);
  });

  test('names what failed to compile', () => {
    const lines = ['#### gae {}', 'FAILED gae: no memory'];
    expect(read('ampere', lines).failures).toEqual(['FAILED gae: no memory']);
  });
});

test('warps are limited by registers, by workgroup memory, and by workgroups', () => {
  const small = { threads: 32, registers: 24, shared: 0 };
  expect(residentWarps('ampere', { threads: 256, registers: 128, shared: 0 })).toBe(16);
  expect(residentWarps('ampere', { threads: 128, registers: 24, shared: 16_384 })).toBe(20);
  expect(residentWarps('turing', { threads: 128, registers: 24, shared: 16_384 })).toBe(16);
  expect(residentWarps('turing', small)).toBe(16);
  expect(residentWarps('turing', { ...small, threads: 256 })).toBe(32);
});

describe('faults', () => {
  test('are spills, scratch, too few resident, registers of attention, a small share', () => {
    const { pipelines } = read('ampere', nvidia);
    expect(faultsOf('ampere', pipelines)).toEqual([
      'matmul-forward/tiles side 16 f16: 75 % FFMA in the hot loop, less than 80 %',
      'attention-forward/tiles head 64: 2 registers spilled to memory',
      'attention-forward/tiles head 64: 48 bytes of scratch',
      'attention-forward/tiles head 64: 255 registers, more than 128',
    ]);
    expect(faultsOf('navi31', read('navi31', amd).pipelines)).toEqual([
      'gae: 3 registers spilled to memory',
      'gae: 16 bytes of scratch',
      'gae: 7 resident, fewer than 8',
    ]);
  });

  test('are pipelines of which nothing was printed', () => {
    expect(faultsOf('ampere', read('ampere', ['#### gae {}']).pipelines)).toEqual([
      'gae: the driver printed nothing',
    ]);
  });
});

test('a label tells pipelines of one kernel apart, and the table shows the share', () => {
  const { pipelines } = read('ampere', nvidia);
  expect(pipelines.map(labelOf)).toEqual([
    'matmul-forward/tiles side 16 f16',
    'attention-forward/tiles head 64',
  ]);
  expect(tableOf('ampere', pipelines)).toMatch(/side 16 f16 +112 +0 +0 +16384 +16 +40 +6 = 75 %$/m);
});

test('the table for a page has a row for each pipeline of any target', () => {
  const compiled = new Map([
    ['ampere', read('ampere', nvidia).pipelines],
    ['navi31', read('navi31', amd).pipelines],
  ]);
  expect(pageTableOf(compiled).split('\n')).toEqual([
    '| pipeline | ampere | navi31 |',
    '| --- | --- | --- |',
    '| `matmul-forward/tiles side 16 f16` | 112 / 16 / 75 % |  |',
    '| `attention-forward/tiles head 64` | 255 / 8 / 50 % |  |',
    '| `gae` |  | 96 / 7 |',
  ]);
});
