/** A 64-bit hash as two halves. Sums of the halves do not depend on the order of the hashes. */
export interface TextHash {
  readonly high: number;
  readonly low: number;
}

/**
 * Computes two FNV-1a hashes over the UTF-16 units of texts. The hashes include the boundaries
 * between texts.
 */
export function hashTexts(...texts: readonly string[]): TextHash {
  let high = 0x811c9dc5;
  let low = 0x9747b28c;
  for (const text of texts) {
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      high = Math.imul(high ^ unit, 0x01000193);
      low = Math.imul(low ^ unit, 0x01000197);
    }
    high = Math.imul(high ^ text.length, 0x01000193);
    low = Math.imul(low ^ 0x1_0000, 0x01000197);
  }
  return { high: high >>> 0, low: low >>> 0 };
}
