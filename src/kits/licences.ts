/** A licence as a file names it; undefined if no file at hand does. */
export interface Licence {
  readonly name: string | undefined;
  /** The file that names it. */
  readonly from: string | undefined;
}

export const unknownLicence: Licence = { name: undefined, from: undefined };

/** The licence in the front matter of a model's or a data set's README; undefined if it has none. */
export function licenceOf(readme: string): string | undefined {
  const front = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---/.exec(readme.slice(0, 65_536))?.[1];
  const found = front === undefined ? null : /^licen[cs]e:[ \t]*(\S[^\r\n]*)/im.exec(front);
  const named = found?.[1]?.replace(/\s+#.*$/, '').replace(/^(['"])(.*)\1$/, '$2');
  return named === undefined || named.trim() === '' ? undefined : named.trim().slice(0, 200);
}

export const licenceText = ({ name, from }: Licence): string =>
  name === undefined ? 'unknown: no file at hand names it' : `${name} (${from ?? ''})`;
