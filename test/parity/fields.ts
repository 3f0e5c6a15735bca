/** An object of a fixture file, of which every field must be read: an unknown one is an error. */
export class Fields {
  readonly #json: Readonly<Record<string, unknown>>;
  readonly #read = new Set<string>();
  readonly where: string;

  constructor(json: unknown, where: string) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw new Error(`${where} must be an object`);
    }
    this.#json = json as Readonly<Record<string, unknown>>;
    this.where = where;
  }

  get keys(): string[] {
    return Object.keys(this.#json);
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#json, key);
  }

  get(key: string): unknown {
    if (!this.has(key)) throw new Error(`${this.where}: no ${key}`);
    this.#read.add(key);
    return this.#json[key];
  }

  #bad(key: string, what: string): never {
    throw new Error(`${this.where}: ${key} must be ${what}`);
  }

  number(key: string): number {
    const value = this.get(key);
    return typeof value === 'number' ? value : this.#bad(key, 'a number');
  }

  text(key: string): string {
    const value = this.get(key);
    return typeof value === 'string' ? value : this.#bad(key, 'a text');
  }

  flag(key: string): boolean {
    const value = this.get(key);
    return typeof value === 'boolean' ? value : this.#bad(key, 'true or false');
  }

  list(key: string): unknown[] {
    const value = this.get(key);
    return Array.isArray(value) ? (value as unknown[]) : this.#bad(key, 'a list');
  }

  numbers(key: string): number[] {
    const value = this.list(key);
    return value.every((item) => typeof item === 'number')
      ? value
      : this.#bad(key, 'a list of numbers');
  }

  texts(key: string): string[] {
    const value = this.list(key);
    return value.every((item) => typeof item === 'string')
      ? value
      : this.#bad(key, 'a list of texts');
  }

  table(key: string): number[][] {
    const isRow = (row: unknown): row is number[] =>
      Array.isArray(row) && row.every((item) => typeof item === 'number');
    const value = this.list(key);
    return value.every(isRow) ? value : this.#bad(key, 'a list of lists of numbers');
  }

  object(key: string): Fields {
    return new Fields(this.get(key), `${this.where}: ${key}`);
  }

  objects(key: string): Fields[] {
    return this.list(key).map((item, i) => new Fields(item, `${this.where}: ${key}[${i}]`));
  }

  /** Marks fields as understood that hold nothing to compare, such as notes and versions. */
  skip(...keys: string[]): void {
    for (const key of keys) this.#read.add(key);
  }

  /** @throws Error when a field has not been read. */
  done(): void {
    const left = this.keys.filter((key) => !this.#read.has(key));
    if (left.length > 0)
      throw new Error(`${this.where}: nothing here understands ${left.join(', ')}`);
  }
}
