/**
 * Text as a model reads and writes it, in batches: a tokenizer here, or one in a worker of its own.
 * Replies stand in the order of what was given.
 */
export interface Text {
  /** Ids are below it. */
  readonly vocabularySize: number;
  /** The characters of the vocabulary in the order of their ids, where a token is a character. */
  readonly alphabet: string | undefined;
  /** Ids of texts that a model is given. @throws where a text cannot be encoded. */
  encode(texts: readonly string[]): Promise<Uint32Array<ArrayBuffer>[]>;
  /** Texts of responses, as people read them and verifiers judge them. */
  decode(rows: readonly ArrayLike<number>[]): Promise<string[]>;
  /** Lets go of workers; nothing is called afterwards. */
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

  /** @throws RangeError where the alphabet lacks the character. */
  id(character: string): number {
    const id = this.#ids.get(character);
    if (id === undefined) {
      throw new RangeError(`tokenizer: '${character}' is not one of '${this.alphabet}'`);
    }
    return id;
  }

  /** @throws RangeError for a character that the alphabet lacks. */
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

/** Text of a character tokenizer, end token and all. */
export const characterText = (tokenizer: CharacterTokenizer): Text => ({
  vocabularySize: tokenizer.size,
  alphabet: tokenizer.alphabet,
  encode: (texts) => settled(() => texts.map((text) => tokenizer.encode(text))),
  decode: (rows) => settled(() => rows.map((row) => tokenizer.decode(row))),
  close: () => Promise.resolve(),
});

/** A computation's result or error as a promise. */
const settled = <Result>(compute: () => Result): Promise<Result> =>
  new Promise((resolve) => {
    resolve(compute());
  });
