/** A setting that is missing, out of range, or asks for what is not implemented; says which and where. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
