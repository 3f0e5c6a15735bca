import type { Dispatch } from '../../kernels/lib/kernel.ts';

/**
 * The same dispatch over two rows of workgroups, as `linearGrid` folds a grid that is too long for
 * one dimension. An odd number of workgroups gives one workgroup too many.
 */
export function folded(dispatch: Dispatch): Dispatch {
  const [x = 1, y = 1, ...rest] =
    typeof dispatch.grid === 'function' ? dispatch.grid() : dispatch.grid;
  if (y !== 1 || x < 2) throw new Error(`${dispatch.kernel.name}: a grid of ${x}, ${y} to fold`);
  return { ...dispatch, grid: [Math.ceil(x / 2), 2, ...rest] };
}
