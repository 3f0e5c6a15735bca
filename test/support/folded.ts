import type { Dispatch } from '../../kernels/lib/kernel.ts';

/**
 * The same dispatch over two rows of workgroups, as `linearGrid` folds one that is too long for a
 * single dimension; with more workgroups than it needs when their number is odd.
 */
export function folded(dispatch: Dispatch): Dispatch {
  const [x = 1, y = 1, ...rest] =
    typeof dispatch.grid === 'function' ? dispatch.grid() : dispatch.grid;
  if (y !== 1 || x < 2) throw new Error(`${dispatch.kernel.name}: a grid of ${x}, ${y} to fold`);
  return { ...dispatch, grid: [Math.ceil(x / 2), 2, ...rest] };
}
