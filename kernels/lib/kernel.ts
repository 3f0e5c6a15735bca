import { ShaderError, ShapeError } from './errors.ts';
import type { DType, Tensor } from './tensor.ts';
import type { Size } from './variable.ts';
import type { Offer } from './variants.ts';

export type ParamType = 'u32' | 'i32' | 'f32';

/**
 * Workgroups per dimension; a function when they depend on a `Variable`. A zero skips the dispatch.
 */
export type Grid = readonly number[] | (() => readonly number[]);

export interface Binding {
  readonly name: string;
  /** `uniform`: bound as a uniform, which the buffer's usage must allow. */
  readonly kind: 'uniform' | 'read' | 'write';
}

/** A compiled-once description of a shader: its source and what its declarations say. */
export interface KernelInfo {
  readonly name: string;
  readonly code: string;
  /** The files that `code` was joined from, each with the line of `code` on which it begins. */
  readonly files: readonly { readonly name: string; readonly firstLine: number }[];
  readonly params: readonly { readonly name: string; readonly type: ParamType }[];
  readonly bindings: readonly Binding[];
}

/** One prepared call of a kernel. A plan gives it a pipeline, a uniform slot and a bind group. */
export interface Dispatch {
  readonly op: 'dispatch';
  readonly kernel: KernelInfo;
  /** The tensors in binding order; the params are not among them. */
  readonly tensors: readonly Tensor[];
  /** Param values, in the order of the WGSL `Params`. */
  readonly params: readonly Size[];
  readonly grid: Grid;
  /** Values of the shader's `override` constants. */
  readonly constants: Readonly<Record<string, number>>;
  /** `enable`, `alias` and `const` lines put before the shader. */
  readonly header: string;
  /** Floating-point operations of one run, for benchmarks; 0 where they are not counted. */
  readonly flops: () => number;
  /**
   * The same computation in other variants, if there are any. A plan chooses one when it is built.
   */
  readonly offer?: Offer<Dispatch>;
}

export interface BindOptions {
  readonly constants?: Readonly<Record<string, number>>;
  readonly header?: string;
  readonly flops?: () => number;
}

interface KernelSpec {
  readonly params: readonly string[];
  readonly tensors: Readonly<Record<string, DType | readonly DType[]>>;
}

export interface Kernel<Spec extends KernelSpec> extends KernelInfo {
  /** @throws ShapeError when a tensor has a dtype the shader does not declare. */
  bind(
    tensors: Readonly<Record<keyof Spec['tensors'], Tensor>>,
    params: Readonly<Record<Spec['params'][number], Size>>,
    grid: Grid,
    options?: BindOptions,
  ): Dispatch;
}

/** The tensors a kernel takes, by role. */
export type TensorsOf<K> =
  K extends Kernel<infer Spec> ? Readonly<Record<keyof Spec['tensors'], Tensor>> : never;

const noFlops = (): number => 0;

/**
 * Joins a shader to its typed wrapper. The names and order of `params` and `tensors` are checked
 * against the WGSL here, on load, so that a mismatch cannot reach a device.
 *
 * @param code The shader, or the shared library files it uses followed by the shader.
 * @throws ShaderError when the WGSL declares other params or bindings.
 */
export function defineKernel<const Spec extends KernelSpec>(
  name: string,
  code: string | readonly string[],
  spec: Spec,
): Kernel<Spec> {
  const pieces = typeof code === 'string' ? [code] : code;
  const source = pieces.join('\n');
  const plain = source.replace(/\/\/.*$/gm, '');
  const params = parseParams(name, plain);
  const bindings = parseBindings(name, plain);
  expectNames(name, 'Params', spec.params, params);
  expectNames(name, 'bindings', Object.keys(spec.tensors), bindings);
  const info: KernelInfo = { name, code: source, files: listFiles(name, pieces), params, bindings };
  return {
    ...info,
    bind(tensors, values, grid, options = {}) {
      const ordered = Object.entries(spec.tensors).map(([role, allowed]) => {
        const tensor = (tensors as Record<string, Tensor>)[role];
        if (!tensor) throw new ShapeError(`${name}: ${role} is missing`);
        if (!(Array.isArray(allowed) ? allowed : [allowed]).includes(tensor.dtype)) {
          throw new ShapeError(
            `${name}: ${role} must be ${String(allowed)}, got ${tensor.dtype} from '${tensor.name}'`,
          );
        }
        return tensor;
      });
      return {
        op: 'dispatch',
        kernel: info,
        tensors: ordered,
        params: spec.params.map((param) => (values as Record<string, Size>)[param] ?? 0),
        grid,
        constants: options.constants ?? {},
        header: options.header ?? '',
        flops: options.flops ?? noFlops,
      };
    },
  };
}

/** The last piece is the kernel's own file; a library file is named by its first comment. */
function listFiles(name: string, pieces: readonly string[]): KernelInfo['files'] {
  let firstLine = 1;
  return pieces.map((piece, i) => {
    const title = /^\/\/ ([\w-]+):/.exec(piece)?.[1] ?? `part ${i}`;
    const file = {
      name: i === pieces.length - 1 ? `${name}.wgsl` : `lib/${title}.wgsl`,
      firstLine,
    };
    firstLine += piece.split('\n').length;
    return file;
  });
}

function parseParams(name: string, code: string): KernelInfo['params'] {
  const body = /struct\s+Params\s*\{([^}]*)\}/.exec(code)?.[1];
  if (body === undefined) throw new ShaderError(`${name}: no struct Params`);
  return [...body.matchAll(/(\w+)\s*:\s*(\w+)/g)].map(([, field = '', type = '']) => {
    if (type !== 'u32' && type !== 'i32' && type !== 'f32') {
      throw new ShaderError(`${name}: Params.${field} must be u32, i32 or f32, is ${type}`);
    }
    return { name: field, type };
  });
}

function parseBindings(name: string, code: string): Binding[] {
  const found = [
    ...code.matchAll(/@group\(0\)\s*@binding\((\d+)\)\s*var<(\w+)(?:\s*,\s*(\w+))?>\s*(\w+)\s*:/g),
  ];
  return found.flatMap(([, index = '', space, access, binding = ''], i): Binding[] => {
    if (Number(index) !== i) throw new ShaderError(`${name}: binding ${index} is not in order`);
    const uniform = space === 'uniform';
    if (i > 0) {
      const kind = uniform ? 'uniform' : access === 'read_write' ? 'write' : 'read';
      return [{ name: binding, kind }];
    }
    if (!uniform) throw new ShaderError(`${name}: binding 0 must be the uniform Params`);
    return [];
  });
}

function expectNames(
  name: string,
  what: string,
  wanted: readonly string[],
  found: readonly { readonly name: string }[],
): void {
  const got = found.map((entry) => entry.name);
  if (wanted.join() !== got.join()) {
    throw new ShaderError(`${name}: wrapper says ${what} (${wanted.join()}), WGSL (${got.join()})`);
  }
}

/** Workgroups for `count` items, folded over two dimensions where one would pass 65,535. */
export function linearGrid(count: number): readonly [number, number] {
  const most = 65_535;
  if (count <= most) return [count, 1];
  const rows = Math.ceil(count / most);
  return [Math.ceil(count / rows), rows];
}
