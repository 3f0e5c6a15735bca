/** A setting is missing, out of range, or not implemented. The message says which and where. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
