// What a frame asks for in its address: one view of the page, alone. Hostile until checked.
import { ConfigError } from '../../src/index.ts';
import { type Lesson } from '../state/lessons.ts';
import { languages, themes, type Language, type Room, type Theme } from '../state/url.ts';

export interface EmbedWish {
  /** A view of the table of embedded views. */
  readonly view: string;
  readonly theme?: Theme | undefined;
  readonly language?: Language | undefined;
  readonly motion: boolean;
  /** Place of a prompt in the pool. */
  readonly prompt?: number | undefined;
}

const known = ['embed', 'theme', 'lang', 'motion', 'p'];

/**
 * Reads the part of an address from `?` to `#`; undefined where it asks for the whole page.
 *
 * @throws ConfigError for a field that no frame has, and for a value that no field has.
 */
export function readEmbed(search: string): EmbedWish | undefined {
  const fields = new URLSearchParams(search);
  const view = fields.get('embed');
  if (view === null) return undefined;
  for (const name of fields.keys()) {
    if (!known.includes(name) || fields.getAll(name).length > 1) {
      throw new ConfigError(
        `the frame's address: no setting '${name}', or twice; there are ${known.join(', ')}`,
      );
    }
  }
  const oneOf = <Word extends string>(name: string, words: readonly Word[]): Word | undefined => {
    const text = fields.get(name);
    if (text === null) return undefined;
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw new ConfigError(`the frame's address: ${name} is ${words.join(' or ')}, got '${text}'`);
  };
  const prompt = fields.get('p');
  if (prompt !== null && !/^\d{1,9}$/.test(prompt)) {
    throw new ConfigError(`the frame's address: p is the place of a prompt, got '${prompt}'`);
  }
  return {
    view,
    theme: oneOf('theme', themes),
    language: oneOf('lang', languages),
    motion: oneOf('motion', ['0', '1'] as const) !== '0',
    prompt: prompt === null ? undefined : Number(prompt),
  };
}

/** The address of a frame. @param page The page's own, without query and hash. */
export function embedAddress(page: string, wish: EmbedWish): string {
  const { view, theme, language, motion, prompt } = wish;
  const fields = new URLSearchParams({ embed: view });
  const texts = { theme, lang: language, motion: motion ? undefined : '0', p: prompt };
  for (const [name, value] of Object.entries(texts)) {
    if (value !== undefined) fields.set(name, String(value));
  }
  return `${page}?${fields.toString()}`;
}

/** The view that a frame shows of what a room shows. */
export function embedOf(room: Room, lesson: Lesson | undefined, act: 1 | 2 | 3 | 4 | 5): string {
  switch (room) {
    case 'run':
      return (['answers', 'matrix', 'matrix', 'curves', 'finding'] as const)[act - 1] ?? 'spine';
    case 'prompts':
      return 'matrix';
    case 'compare':
      return 'curves';
    case 'learn':
      return lesson === undefined ? 'answers' : `lesson-${lesson}`;
    case 'data':
      return 'spine';
  }
}
