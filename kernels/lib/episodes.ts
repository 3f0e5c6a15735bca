/** Columns of `episodes`, a row's constants in a rollout: see `shaders/sample-token.wgsl`. */
export const episodeColumns = 6;
