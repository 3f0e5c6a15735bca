// The page's address: room, choice, and the run that the controls describe. Hostile until checked;
// it never starts anything.
import { ConfigError } from '../../src/index.ts';

/** The rooms of the page, in the order of their links. */
export const rooms = ['run', 'prompts', 'compare', 'learn', 'data'] as const;
export type Room = (typeof rooms)[number];

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
  /** Undefined where the address asks for no run. */
  readonly wish?: Wish;
  /** Place of the chosen prompt in the pool. */
  readonly prompt?: number;
  /** False where the address asks for a page that does not move by itself. */
  readonly motion: boolean;
}

/** What the controls hold where nothing asks for anything. */
export const plainWish: Wish = { preset: 'quick', seeds: '', overrides: '' };

/** Longest hash that is read, in characters. */
const LONGEST_HASH = 8192;
/** The form of addresses that this page writes. */
const VERSION = '1';

const known = ['v', 'preset', 'seed', 'config', 'p', 'motion'];

const isRoom = (name: string): name is Room => (rooms as readonly string[]).includes(name);

/**
 * Reads the part of an address from `#` on: `#/ROOM?FIELDS`, or the fields alone, which describe a
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
  const motion = fields.get('motion') ?? '1';
  if (motion !== '0' && motion !== '1') {
    throw new ConfigError(`the address: motion is 0 or 1, got '${motion}'`);
  }
  const asks = ['preset', 'seed', 'config'].some((name) => fields.has(name));
  const prompt = promptOf(fields.get('p'));
  return {
    room: roomOf(path, asks),
    motion: motion === '1',
    ...(prompt === undefined ? {} : { prompt }),
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

function roomOf(path: string | undefined, asks: boolean): Room {
  if (path === undefined || path === '') return asks ? 'data' : 'run';
  if (isRoom(path)) return path;
  throw new ConfigError(`the address: no room '${path}', there are ${listed(rooms)}`);
}

function promptOf(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (!/^\d{1,9}$/.test(text)) {
    throw new ConfigError(`the address: p is the place of a prompt, from 0, got '${text}'`);
  }
  return Number(text);
}

const listed = (names: readonly string[]): string =>
  `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;

/** The hash that `readAddress` reads back; what goes without saying is left out. */
export function writeAddress({ room, wish, prompt, motion }: Address): string {
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
  if (!motion) fields.set('motion', '0');
  const query = fields.toString();
  return `#/${room}${query === '' ? '' : `?${query}`}`;
}
