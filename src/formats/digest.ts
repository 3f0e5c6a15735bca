import { sha256 } from '@noble/hashes/sha2.js';

/** An incremental SHA-256, for files that grow or are too large for one array. */
export interface Digest {
  update(bytes: Uint8Array): void;
  /** The digest of the content so far in hexadecimal, as `sha256sum` prints it; more may follow. */
  hex(): string;
}

// Some hosts cannot hash a larger array in one call.
const PIECE = 2 ** 30;

/** Uses the host's incremental implementation if it has one: browsers have none. */
export function createDigest(): Digest {
  const host = globalThis as { readonly process?: Partial<NodeJS.Process> };
  const crypto = host.process?.getBuiltinModule?.('node:crypto');
  if (!crypto) {
    const hash = sha256.create();
    return {
      update: (bytes) => void hash.update(bytes),
      hex: () => hexOf(hash.clone().digest()),
    };
  }
  const hash = crypto.createHash('sha256');
  return {
    update(bytes) {
      for (let at = 0; at < bytes.length; at += PIECE) hash.update(bytes.subarray(at, at + PIECE));
    },
    hex: () => hash.copy().digest('hex'),
  };
}

const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The digest of a whole content. */
export function digestOf(content: Uint8Array | string): string {
  const digest = createDigest();
  digest.update(typeof content === 'string' ? new TextEncoder().encode(content) : content);
  return digest.hex();
}
