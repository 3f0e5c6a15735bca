/** A card, by what its maker publishes. */
export interface Card {
  readonly name: string;
  /** f32 multiply-adds of all units at boost clock, two operations each, in 10^12 a second. */
  readonly teraflops: number;
  /** Bytes that memory moves, in 10^9 a second. */
  readonly gigabytes: number;
  /** Units that run workgroups: multiprocessors, compute units or cores. */
  readonly units: number;
}

/**
 * Cards that times are predicted for. Figures are those of the makers' data sheets. Of RDNA 3 the peak is
 * without dual issue, which compilers find little of.
 */
export const cards = {
  t4: { name: 'NVIDIA T4', teraflops: 8.1, gigabytes: 320, units: 40 },
  rtx3060: { name: 'NVIDIA GeForce RTX 3060', teraflops: 12.7, gigabytes: 360, units: 28 },
  rtx4090: { name: 'NVIDIA GeForce RTX 4090', teraflops: 82.6, gigabytes: 1008, units: 128 },
  h200: { name: 'NVIDIA H200', teraflops: 67, gigabytes: 4800, units: 132 },
  rx7900xtx: { name: 'AMD Radeon RX 7900 XTX', teraflops: 30.7, gigabytes: 960, units: 96 },
  m2: { name: 'Apple M2, 10 cores', teraflops: 3.6, gigabytes: 100, units: 10 },
} as const satisfies Readonly<Record<string, Card>>;

export type CardName = keyof typeof cards;

export const cardNames = Object.keys(cards) as CardName[];
