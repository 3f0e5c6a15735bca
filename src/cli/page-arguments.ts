interface OptionShape {
  readonly type: 'boolean' | 'string';
  readonly short?: string;
  readonly default?: unknown;
}

/**
 * Replaces `parseArgs` of `node:util` in a page. Gives the same result for `strict: false` and
 * `allowPositionals: true`, the way citty calls it.
 */
export function parseArgs({
  args,
  options = {},
}: {
  readonly args: readonly string[];
  readonly options?: Readonly<Record<string, OptionShape>> | undefined;
}): { values: Record<string, unknown>; positionals: string[] } {
  const values = Object.create(null) as Record<string, unknown>;
  const positionals: string[] = [];
  const typeOf = (name: string) => (Object.hasOwn(options, name) ? options[name]?.type : undefined);
  const ofShort = (letter: string) =>
    Object.entries(options).find(([, { short }]) => short === letter)?.[0] ?? letter;
  const left = [...args];
  const store = (name: string, attached: string | undefined): void => {
    if (name === '__proto__') return;
    values[name] = attached ?? (typeOf(name) === 'string' ? (left.shift() ?? true) : true);
  };
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (word === '--') {
      positionals.push(...left);
      break;
    }
    if (!word.startsWith('-') || word === '-') positionals.push(word);
    else if (word.startsWith('--')) {
      const equals = word.indexOf('=', 3);
      if (equals < 0) store(word.slice(2), undefined);
      else store(word.slice(2, equals), word.slice(equals + 1));
    } else {
      // -abc means -a -b -c, up to the first option that takes a value: the rest is the value.
      for (let i = 1; i < word.length; i++) {
        const name = ofShort(word.charAt(i));
        const rest = word.slice(i + 1);
        if (typeOf(name) === 'string') {
          store(name, rest === '' ? undefined : rest);
          break;
        }
        store(name, undefined);
      }
    }
  }
  for (const [name, { default: value }] of Object.entries(options)) {
    if (value !== undefined) values[name] ??= value;
  }
  return { values, positionals };
}
