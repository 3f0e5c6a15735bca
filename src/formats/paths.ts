// Paths as texts. Both slashes separate parts, as a path may come from any system.

const endSlashes = /[/\\]+$/;

/** The last part of a path, or of a folder's path that ends in slashes. */
export const baseName = (path: string): string =>
  path.replace(endSlashes, '').split(/[/\\]/).at(-1) ?? path;

/** The path of a file in a folder, whose own path may end in slashes. */
export const fileIn = (folder: string, name: string): string =>
  `${folder.replace(endSlashes, '')}/${name}`;
