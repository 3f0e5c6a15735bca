// The page's address: room, choice, and the run that the controls describe. Hostile until checked;
// it never starts anything.
import { ConfigError } from '../../src/index.ts';

/** The rooms of the page, in the order of their links. */
export const rooms = ['run', 'prompts', 'compare', 'learn', 'data'] as const;
export type Room = (typeof rooms)[number];

/** Languages of the page. */
export const languages = ['en', 'de', 'zh'] as const;
export type Language = (typeof languages)[number];

/** Colours of the page where they are not the browser's choice. */
export const themes = ['light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** What the room of prompts looks at the reward matrix as. */
export const looks = ['heat', 'land', 'curves', 'table'] as const;
export type Look = (typeof looks)[number];

/** The lessons, in their order. */
export const lessons = ['paid', 'sampling', 'credit', 'clip', 'kl', 'lim', 'less'] as const;
export type Lesson = (typeof lessons)[number];

/** The contents of the controls, as the user or a link wrote them. */
export interface Wish {
  readonly preset: string;
  /** Empty for the preset's own seeds. */
  readonly seeds: string;
  /** JSON object of replaced settings; empty for none. */
  readonly overrides: string;
}

export interface Address {
  readonly room: Room;
  /** Undefined for the overview. */
  readonly lesson?: Lesson | undefined;
  /** Undefined where the address asks for no run. */
  readonly wish?: Wish | undefined;
  /** Place of the chosen prompt in the pool. */
  readonly prompt?: number | undefined;
  /** Data epoch that is looked at, from 0; the address counts from 1. */
  readonly epoch?: number | undefined;
  readonly look?: Look | undefined;
  readonly language?: Language | undefined;
  readonly theme?: Theme | undefined;
  /** False where the address asks for a page that does not move by itself. */
  readonly motion: boolean;
}

/** What the controls hold where nothing asks for anything. */
export const plainWish: Wish = { preset: 'quick', seeds: '', overrides: '' };

/** Longest hash that is read, in characters. */
const LONGEST_HASH = 8192;
/** The form of addresses that this page writes. */
const VERSION = '1';

const known = ['v', 'preset', 'seed', 'config', 'p', 'e', 'look', 'lang', 'theme', 'motion'];

/**
 * Reads the part of an address from `#` on: `#/ROOM?FIELDS`, `#/learn/LESSON?FIELDS`, or the fields alone, which describe a
 * run and mean the room where runs begin.
 *
 * @throws ConfigError when the hash is too long, or holds a room or a field that no address has.
 */
export function readAddress(hash: string): Address {
  const text = hash.replace(/^#/, '');
  if (text.length > LONGEST_HASH) {
    throw new ConfigError(
      `the address: at most ${LONGEST_HASH} characters after #, got ${text.length}`,
    );
  }
  const [, path, query = ''] = /^\/([^?]*)(?:\?(.*))?$/s.exec(text) ?? [];
  const fields = new URLSearchParams(path === undefined ? text : query);
  for (const name of fields.keys()) {
    if (!known.includes(name)) {
      throw new ConfigError(`the address: no setting '${name}', there are ${listed(known)}`);
    }
    if (fields.getAll(name).length > 1) {
      throw new ConfigError(`the address: ${name} stands in it more than once`);
    }
  }
  const version = fields.get('v') ?? VERSION;
  if (version !== VERSION) {
    throw new ConfigError(`the address: of version ${version}, this page reads ${VERSION}`);
  }
  const asks = ['preset', 'seed', 'config'].some((name) => fields.has(name));
  const prompt = countOf(fields, 'p', 'the place of a prompt, from 0');
  const epoch = countOf(fields, 'e', 'an epoch, from 1');
  if (epoch === 0) throw new ConfigError(`the address: e is an epoch, from 1, got '0'`);
  const look = oneOf(fields, 'look', looks);
  const language = oneOf(fields, 'lang', languages);
  const theme = oneOf(fields, 'theme', themes);
  return {
    ...placeOf(path, asks),
    motion: oneOf(fields, 'motion', ['0', '1'] as const) !== '0',
    ...(prompt === undefined ? {} : { prompt }),
    ...(epoch === undefined ? {} : { epoch: epoch - 1 }),
    ...(look === undefined ? {} : { look }),
    ...(language === undefined ? {} : { language }),
    ...(theme === undefined ? {} : { theme }),
    ...(asks
      ? {
          wish: {
            preset: fields.get('preset') ?? plainWish.preset,
            seeds: fields.get('seed') ?? '',
            overrides: fields.get('config') ?? '',
          },
        }
      : {}),
  };
}

/** The room, and the lesson in it, of a path. */
function placeOf(path: string | undefined, asks: boolean): Pick<Address, 'room' | 'lesson'> {
  if (path === undefined || path === '') return { room: asks ? 'data' : 'run' };
  const [, learn, name] = /^(learn)\/(.+)$/s.exec(path) ?? [];
  const room = rooms.find((one) => one === (learn ?? path));
  if (!room) throw new ConfigError(`the address: no room '${path}', there are ${listed(rooms)}`);
  if (name === undefined) return { room };
  const lesson = lessons.find((one) => one === name);
  if (lesson) return { room, lesson };
  throw new ConfigError(`the address: no lesson '${name}', there are ${listed(lessons)}`);
}

function countOf(fields: URLSearchParams, name: string, is: string): number | undefined {
  const text = fields.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,9}$/.test(text))
    throw new ConfigError(`the address: ${name} is ${is}, got '${text}'`);
  return Number(text);
}

function oneOf<Word extends string>(
  fields: URLSearchParams,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const text = fields.get(name);
  if (text === null) return undefined;
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new ConfigError(
    `the address: ${name} is ${listed(words).replace(/ and /, ' or ')}, got '${text}'`,
  );
}

const listed = (names: readonly string[]): string =>
  `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;

/** The hash that `readAddress` reads back; what goes without saying is left out. */
export function writeAddress(address: Address): string {
  const { room, lesson, wish, prompt, epoch, look, language, theme, motion } = address;
  const fields = new URLSearchParams();
  if (
    wish &&
    (wish.preset !== plainWish.preset || wish.seeds.trim() + wish.overrides.trim() !== '')
  ) {
    fields.set('preset', wish.preset);
    if (wish.seeds.trim() !== '') fields.set('seed', wish.seeds.trim());
    if (wish.overrides.trim() !== '') fields.set('config', wish.overrides.trim());
  }
  if (prompt !== undefined) fields.set('p', String(prompt));
  if (epoch !== undefined) fields.set('e', String(epoch + 1));
  if (look !== undefined) fields.set('look', look);
  if (language !== undefined) fields.set('lang', language);
  if (theme !== undefined) fields.set('theme', theme);
  if (!motion) fields.set('motion', '0');
  const query = fields.toString();
  return `#/${room}${lesson ? `/${lesson}` : ''}${query === '' ? '' : `?${query}`}`;
}
