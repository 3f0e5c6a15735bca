/** A file that is not what it claims to be; the message names the file, then the row or field. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}
