import library from '../../shaders/lib/weight.wgsl?raw';
import type { DType, Tensor } from './tensor.ts';

/** Storage types of a matrix that a kernel reads through `shaders/lib/weight.wgsl`. */
export const weightTypes = ['f32', 'f16'] as const satisfies readonly DType[];

/** The WGSL with which such a kernel begins. */
export const weightLibrary = library;

const headers = {
  f32: 'const WEIGHT_WORDS = 4u;\nalias Weight = f32;\nalias Weights = vec4f;',
  f16: 'const WEIGHT_WORDS = 2u;\nalias Weight = u32;\nalias Weights = vec2u;',
} as const;

/**
 * The header that such a kernel needs for this weight. @param enables `enable` lines to put first.
 */
export const weightHeader = ({ dtype }: Tensor, enables = ''): string =>
  (enables === '' ? '' : `${enables}\n`) + headers[dtype === 'f16' ? 'f16' : 'f32'];
