// sample-token: draws the next token of every running row and records it, one step of a decode.
//
//   u       = float `length` of RandomStream(seed, purpose, prompt id, sample index), src/random.ts
//   token   = the filtered distribution's inverse at u, as in shaders/lib/sampling.wgsl
//   logprob = logit_token - log(sum_i exp(logit_i)): temperature 1, nothing filtered or banned
// The random number depends on prompt, sample and token index, never on the row. A row finishes
// with a stop id, which it keeps, or at its own limit of tokens. Finished rows are left alone.
//
// in   logits    f32 (M, V)  rows [logits_start, logits_start + M) of the logits
//      stop_ids  u32 (S)     only the first stop_count count; banned before min_new tokens. If
//                            that bans every token, the last id is taken
//      episodes  u32 (R, 6)  prompt id, sample index, prompt slot, first prompt row, prompt length,
//                            most new tokens
// io   status    u32 (R, 2)  tokens drawn so far; 0 running, 1 ended by a stop id, 2 cut at
//                            limit, 3 ended by the host: shaders/decode-stop.wgsl
//      finished  u32 (1)     counts finished rows
// out  current   u32 (R)     token just drawn
//      tokens    u32 (R, T)  column `length` written
//      logprobs  f32 (R, T)  column `length` written
//
// With shared_logits 1 a row reads the logits of its prompt slot, else its own. Rows whose logits
// are not among these M do nothing: large vocabularies are sampled in pieces.
//
// Grid: ceil(R / ROWS) workgroups, LANES threads per row (LANES a power of 2).
// Numerics: f32 sums in a fixed order; ids agree with float64 unless u is within rounding of a
// step.

struct Params {
  row_count: u32,
  vocabulary: u32, // V
  columns: u32,    // T
  logits_start: u32,
  logits_rows: u32, // M
  shared_logits: u32,
  stop_count: u32,
  min_new: u32,
  seed: u32,
  purpose: u32,
  temperature: f32,
  top_k: u32,
  top_p: f32,
  min_p: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> stop_ids: array<u32>;
@group(0) @binding(3) var<storage, read> episodes: array<u32>;
@group(0) @binding(4) var<storage, read_write> status: array<u32>;
@group(0) @binding(5) var<storage, read_write> finished: array<atomic<u32>>;
@group(0) @binding(6) var<storage, read_write> current: array<u32>;
@group(0) @binding(7) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(8) var<storage, read_write> logprobs: array<f32>;

const RUNNING = 0u;
const STOPPED = 1u;
const CUT = 2u;

fn uniform_draw(prompt: u32, sample: u32, position: u32) -> f32 {
  let counter = vec4u(position / 4, prompt, sample, 0);
  return unit_float(philox(counter, vec2u(params.seed, params.purpose))[position % 4]);
}

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let index = min(group.x * ROWS + local.y, params.row_count - 1);
  let episode = index * 6;
  let length = status[index * 2];
  let logits_row = select(index, episodes[episode + 2], params.shared_logits != 0);
  let running = group.x * ROWS + local.y < params.row_count
    && status[index * 2 + 1] == RUNNING
    && logits_row >= params.logits_start
    && logits_row - params.logits_start < params.logits_rows;
  lane = local.x;
  row_slot = local.y * LANES;
  row.start = (logits_row - params.logits_start) * params.vocabulary;
  row.count = select(0, params.vocabulary, running);
  row.ban = length < params.min_new;

  solve_row(uniform_draw(episodes[episode], episodes[episode + 1], length));

  if (!running || lane != 0) { return; }
  let token = row.token;
  let at = index * params.columns + length;
  current[index] = token;
  tokens[at] = token;
  logprobs[at] = logits[row.start + token] - row.largest - log(row.raw_total);
  status[index * 2] = length + 1;
  let reason = select(
    select(RUNNING, CUT, length + 1 >= min(episodes[episode + 5], params.columns)),
    STOPPED,
    is_stop(token),
  );
  if (reason != RUNNING) {
    status[index * 2 + 1] = reason;
    atomicAdd(&finished[0], 1u);
  }
}
