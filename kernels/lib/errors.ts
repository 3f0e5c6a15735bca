/** A tensor whose shape or dtype is not what a kernel needs; the message says which, wanted and got. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

/** WGSL that an implementation refuses, or whose declarations differ from its wrapper's. */
export class ShaderError extends Error {
  override readonly name = 'ShaderError';
}
