/**
 * Text as a model reads and writes it, in batches. The tokenizer is local or in a worker. Results
 * stand in the order of the arguments.
 */
export interface Text {
  /** All token ids are below this number. */
  readonly vocabularySize: number;
  /** The characters of the vocabulary in the order of their ids, if every token is a character. */
  readonly alphabet: string | undefined;
  /** Encodes texts for the model. @throws if a text cannot be encoded. */
  encode(texts: readonly string[]): Promise<Uint32Array<ArrayBuffer>[]>;
  /** Decodes responses into text for people and verifiers. */
  decode(rows: readonly ArrayLike<number>[]): Promise<string[]>;
  /** Ends the workers. No other method may be called afterwards. */
  close(): Promise<void>;
}

/** One token per character; an id is the character's place in the alphabet. */
export class CharacterTokenizer {
  readonly alphabet: string;
  readonly #ids: ReadonlyMap<string, number>;

  constructor(alphabet: string) {
    this.alphabet = alphabet;
    this.#ids = new Map(Array.from(alphabet, (character, id) => [character, id]));
    if (this.#ids.size !== alphabet.length) {
      throw new RangeError(
        `tokenizer: '${alphabet}' repeats a character or holds one past 16 bits`,
      );
    }
  }

  get size(): number {
    return this.alphabet.length;
  }

  /** @throws RangeError if the alphabet lacks the character. */
  id(character: string): number {
    const id = this.#ids.get(character);
    if (id === undefined) {
      throw new RangeError(`tokenizer: '${character}' is not one of '${this.alphabet}'`);
    }
    return id;
  }

  /** @throws RangeError if the alphabet lacks a character. */
  encode(text: string): Uint32Array<ArrayBuffer> {
    return Uint32Array.from(text, (character) => this.id(character));
  }

  /** @throws RangeError for an id past the vocabulary. */
  decode(ids: ArrayLike<number>): string {
    let text = '';
    for (let i = 0; i < ids.length; i++) {
      const character = this.alphabet[ids[i] ?? -1];
      if (character === undefined) {
        throw new RangeError(`tokenizer: id ${ids[i] ?? -1} is not below ${this.size}`);
      }
      text += character;
    }
    return text;
  }
}

/** The `Text` of a character tokenizer. Decoded text includes the end token. */
export const characterText = (tokenizer: CharacterTokenizer): Text => ({
  vocabularySize: tokenizer.size,
  alphabet: tokenizer.alphabet,
  encode: (texts) => settled(() => texts.map((text) => tokenizer.encode(text))),
  decode: (rows) => settled(() => rows.map((row) => tokenizer.decode(row))),
  close: () => Promise.resolve(),
});

/** Turns the result or the error of a computation into a promise. */
const settled = <Result>(compute: () => Result): Promise<Result> =>
  new Promise((resolve) => {
    resolve(compute());
  });
