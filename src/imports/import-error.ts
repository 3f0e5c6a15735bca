/** Files that cannot be imported as asked; the message is one line that names the file or option. */
export class ImportError extends Error {
  override readonly name = 'ImportError';
}
