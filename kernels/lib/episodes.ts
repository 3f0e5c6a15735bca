/**
 * Columns of the tensor `episodes`, which holds each row's constants in a rollout: see
 * `shaders/sample-token.wgsl`.
 */
export const episodeColumns = 6;
