// The page's address: room, choice, and the run that the controls describe. Hostile until checked;
// it never starts anything.
import { ConfigError } from '../../src/index.ts';
import { lessons, type Lesson } from './lessons.ts';

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

/** The contents of the controls, as the user or a link wrote them. */
export interface Wish {
  readonly preset: string;
  /** Empty for the preset's own seeds. */
  readonly seeds: string;
  /** JSON object of replaced settings; empty for none. */
  readonly overrides: string;
}

/** A place in the film of a run: what an act has to show, or seconds of film. */
export type FilmPlace = { readonly act: 1 | 2 | 3 | 4 | 5 } | { readonly seconds: number };

/** What the curves of a comparison are drawn over. */
export const axes = ['updates', 'epochs', 'samples'] as const;
export type CurveAxis = (typeof axes)[number];

export interface Address {
  readonly room: Room;
  /** The run that is shown: `recorded`, or its name in this browser. Undefined for the page's choice. */
  readonly run?: string | undefined;
  readonly at?: FilmPlace | undefined;
  /** The read-out that curves show the values of. */
  readonly cursor?: number | undefined;
  /** What is typed into the field that asks the models. */
  readonly typed?: string | undefined;
  /** Runs that are compared; undefined for the shown one alone. */
  readonly compared?: readonly string[] | undefined;
  readonly axis?: CurveAxis | undefined;
  /** Numbers of a run that ride in the address. */
  readonly shared?: string | undefined;
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
  /** True where the page is shown to others: larger, and without controls. */
  readonly present?: boolean | undefined;
  /** False where the address asks for a page that does not move by itself. */
  readonly motion: boolean;
}

/** What the controls hold where nothing asks for anything. */
export const plainWish: Wish = { preset: 'quick', seeds: '', overrides: '' };

/** Longest hash that is read, in characters. */
const LONGEST_HASH = 8192;
/** The form of addresses that this page writes. */
const VERSION = '1';

/** Most runs of a comparison, as many as there are looks for. */
const MOST_COMPARED = 8;
/** Longest text that is typed, in characters. */
const LONGEST_TYPED = 2000;

const known = [
  'v',
  'preset',
  'seed',
  'config',
  'p',
  'e',
  'at',
  'cur',
  'ask',
  'runs',
  'over',
  'look',
  'lang',
  'theme',
  'motion',
  'present',
  'd',
];
/** Rooms whose path names the run that is shown. */
const namesRun: readonly Room[] = ['run', 'prompts', 'compare'];
/** The name of a run: of the recording, of one in memory alone, of one of this browser. */
const runName = /^(?:recorded|shown|shared|\d{4}-\d\d-\d\dT[\w.-]{1,48})$/;

/**
 * Reads the part of an address from `#` on: `#/ROOM?FIELDS`, `#/ROOM/RUN?FIELDS`, `#/learn/LESSON?FIELDS`,
 * `#/share?d=NUMBERS`, or the fields alone, which describe a run and mean the room where runs begin.
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
  const epoch = countOf(fields, 'e', 'an epoch, from 1');
  if (epoch === 0) throw new ConfigError(`the address: e is an epoch, from 1, got '0'`);
  const read: Omit<Address, 'room'> = {
    motion: oneOf(fields, 'motion', ['0', '1'] as const) !== '0',
    prompt: countOf(fields, 'p', 'the place of a prompt, from 0'),
    epoch: epoch === undefined ? undefined : epoch - 1,
    at: placeIn(fields.get('at')),
    cursor: countOf(fields, 'cur', 'a read-out'),
    typed: typedIn(fields.get('ask')),
    compared: comparedIn(fields.get('runs')),
    axis: oneOf(fields, 'over', axes),
    look: oneOf(fields, 'look', looks),
    language: oneOf(fields, 'lang', languages),
    theme: oneOf(fields, 'theme', themes),
    shared: fields.get('d') ?? undefined,
    present: oneOf(fields, 'present', ['0', '1'] as const) === '1' || undefined,
    wish: asks
      ? {
          preset: fields.get('preset') ?? plainWish.preset,
          seeds: fields.get('seed') ?? '',
          overrides: fields.get('config') ?? '',
        }
      : undefined,
  };
  const given = Object.entries(read).filter(([, value]) => value !== undefined);
  return { ...placeOf(path, asks), ...(Object.fromEntries(given) as typeof read) };
}

/** What an address asks of language, colours and motion, whatever else is wrong with it. */
export function readManner(hash: string): Pick<Address, 'language' | 'theme' | 'motion'> {
  const fields = new URLSearchParams(hash.slice(0, LONGEST_HASH).replace(/^[^?]*\?/, ''));
  const of = <Value extends string>(name: string, values: readonly Value[]): Value | undefined =>
    values.find((value) => value === fields.get(name));
  return {
    language: of('lang', languages),
    theme: of('theme', themes),
    motion: fields.get('motion') !== '0',
  };
}

function placeIn(text: string | null): FilmPlace | undefined {
  if (text === null) return undefined;
  const act = ([1, 2, 3, 4, 5] as const).find((one) => String(one) === text);
  if (act) return { act };
  const [, seconds] = /^(\d{1,4}(?:\.\d)?)s$/.exec(text) ?? [];
  if (seconds !== undefined) return { seconds: Number(seconds) };
  throw new ConfigError(
    `the address: at is an act, from 1 to 5, or seconds of film as 12.5s, got '${text}'`,
  );
}

function typedIn(text: string | null): string | undefined {
  if (text !== null && text.length > LONGEST_TYPED) {
    throw new ConfigError(`the address: ask has at most ${LONGEST_TYPED} characters`);
  }
  return text ?? undefined;
}

function comparedIn(text: string | null): readonly string[] | undefined {
  if (text === null) return undefined;
  const names = text === '' ? [] : text.split(',');
  if (names.length > MOST_COMPARED) {
    throw new ConfigError(`the address: runs names ${names.length} runs, at most ${MOST_COMPARED}`);
  }
  for (const name of names) {
    if (!runName.test(name)) throw new ConfigError(`the address: runs: '${name}' is no run's name`);
  }
  if (new Set(names).size < names.length) {
    throw new ConfigError('the address: runs names a run more than once');
  }
  return names;
}

/** The room of a path, and the lesson or the run that it names there. */
function placeOf(
  path: string | undefined,
  asks: boolean,
): Pick<Address, 'room' | 'lesson' | 'run'> {
  if (path === undefined || path === '') return { room: asks ? 'data' : 'run' };
  if (path === 'share') return { room: 'run' };
  const [, first = path, name] = /^([^/]*)\/(.+)$/s.exec(path) ?? [];
  const room = rooms.find((one) => one === first);
  if (!room) throw new ConfigError(`the address: no room '${path}', there are ${listed(rooms)}`);
  if (name === undefined) return { room };
  if (namesRun.includes(room)) {
    if (runName.test(name)) return { room, run: name };
    throw new ConfigError(`the address: '${name}' is no run's name`);
  }
  const lesson = room === 'learn' ? lessons.find((one) => one === name) : undefined;
  if (lesson) return { room, lesson };
  throw new ConfigError(
    room === 'learn'
      ? `the address: no lesson '${name}', there are ${listed(lessons)}`
      : `the address: no room '${path}', there are ${listed(rooms)}`,
  );
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

const placeText = (at: FilmPlace): string =>
  'act' in at ? String(at.act) : `${at.seconds.toFixed(1)}s`;

/** The hash that `readAddress` reads back; what goes without saying is left out. */
export function writeAddress(address: Address): string {
  const { room, lesson, run, wish, shared } = address;
  const fields = new URLSearchParams();
  if (
    wish &&
    (wish.preset !== plainWish.preset || wish.seeds.trim() + wish.overrides.trim() !== '')
  ) {
    fields.set('preset', wish.preset);
    if (wish.seeds.trim() !== '') fields.set('seed', wish.seeds.trim());
    if (wish.overrides.trim() !== '') fields.set('config', wish.overrides.trim());
  }
  const {
    prompt,
    epoch,
    at,
    cursor,
    typed,
    compared,
    axis,
    look,
    language,
    theme,
    present,
    motion,
  } = address;
  const texts = {
    p: prompt,
    e: epoch === undefined ? undefined : epoch + 1,
    at: at && placeText(at),
    cur: cursor,
    ask: typed,
    runs: compared?.join(','),
    over: axis,
    look,
    lang: language,
    theme,
    motion: motion ? undefined : 0,
    present: present ? 1 : undefined,
    d: shared,
  };
  for (const [name, value] of Object.entries(texts)) {
    if (value !== undefined) fields.set(name, String(value));
  }
  const named = room === 'learn' ? lesson : namesRun.includes(room) ? run : undefined;
  const path = shared !== undefined && room === 'run' ? 'share' : room;
  const query = fields.toString();
  return `#/${path}${named === undefined ? '' : `/${named}`}${query === '' ? '' : `?${query}`}`;
}
