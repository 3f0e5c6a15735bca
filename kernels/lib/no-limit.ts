/** The largest finite f32: a clip or clamp that never acts. */
export const noLimit = 3.4028234663852886e38;
