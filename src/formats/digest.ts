import { sha256 } from '@noble/hashes/sha2.js';

/** A SHA-256 that grows with what it is given: files too large for one array, and files that grow. */
export interface Digest {
  update(bytes: Uint8Array): void;
  /** Of everything so far, in hexadecimal, as `sha256sum` prints it; more may follow. */
  hex(): string;
}

// Larger arrays than this are more than some hosts hash in one call.
const PIECE = 2 ** 30;

/** The host's own implementation where it has one that takes pieces: browsers have none. */
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

/** The digest of a whole. */
export function digestOf(content: Uint8Array | string): string {
  const digest = createDigest();
  digest.update(typeof content === 'string' ? new TextEncoder().encode(content) : content);
  return digest.hex();
}
