import { main } from './main.ts';

/** What the script that opens the page lends to it. */
interface Lent {
  readonly parityRead: (path: string) => Promise<string>;
  readonly parityPrint: (line: string) => Promise<void>;
}

/** The suite inside a page, over files that the script reads. @returns How many comparisons failed. */
export function run(options: {
  readonly paths: readonly string[];
  readonly verbose: boolean;
}): Promise<number> {
  const { parityRead, parityPrint } = globalThis as unknown as Lent;
  const read = async (path: string): Promise<Uint8Array> =>
    Uint8Array.from(atob(await parityRead(path)), (byte) => byte.charCodeAt(0));
  return main({ paths: options.paths, read }, (line) => void parityPrint(line), options);
}
