/**
 * A tensor's shape or dtype is not the one that a kernel needs. The message says which tensor, what
 * was wanted and what was given.
 */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

/** WGSL that an implementation refuses, or whose declarations differ from its wrapper's. */
export class ShaderError extends Error {
  override readonly name = 'ShaderError';
}
