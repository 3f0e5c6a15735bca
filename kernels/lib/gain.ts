import library from '../../shaders/lib/gain.wgsl?raw';

/** The WGSL with which a kernel begins that multiplies by the weight of an RMSNorm. */
export const gainLibrary = library;

/** How the weight of an RMSNorm is stored. */
export interface GainOptions {
  /** Whether rows are multiplied by 1 + weight, not by the weight. Default false. */
  readonly unitOffset?: boolean | undefined;
}

/** The constant that tells a kernel how the weight is stored. */
export const gainConstants = ({
  unitOffset = false,
}: GainOptions): Readonly<Record<string, number>> => (unitOffset ? { UNIT_OFFSET: 1 } : {});
