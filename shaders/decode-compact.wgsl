// decode-compact: brings the running rows of a decode to the front, so that later steps need not
// compute the finished ones.
//
//   A         = number of running rows r < rows
//   holes     = the finished rows below A, ascending
//   strays    = the running rows from A on, descending; as many as holes
//   hole i and stray i change places
// Running rows below A stay in place, so that the fewest rows move. A row's results do not depend
// on its place.
//
// io   status     u32 (R, 2)  tokens drawn so far; then 0 where the row is running
//      episodes   u32 (R, 6)  a row's constants: shaders/sample-token.wgsl
//      current    u32 (R)     a row's newest token, and the position of that token
//      positions  u32 (R)
//      tokens     u32 (R, T)  a row's response
//      logprobs   f32 (R, T)
//      origin     u32 (R)     the row's first place
// out  partner    u32 (R)     for r < A the row that was moved to r, or r itself; else undefined
//
// Grid: one workgroup, because the kernel runs once in many steps. Each thread has a run of
// neighbouring rows.
// Numerics: integers, and floats moved as they are.

struct Params {
  rows: u32,
  columns: u32, // T
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> status: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> episodes: array<u32>;
@group(0) @binding(3) var<storage, read_write> current: array<u32>;
@group(0) @binding(4) var<storage, read_write> positions: array<u32>;
@group(0) @binding(5) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(6) var<storage, read_write> logprobs: array<f32>;
@group(0) @binding(7) var<storage, read_write> origin: array<u32>;
@group(0) @binding(8) var<storage, read_write> partner: array<u32>;

var<workgroup> running: array<u32, 64>;

fn is_running(row: u32) -> bool { return status[row].y == 0; }

fn exchange(a: u32, b: u32) {
  let old_status = status[a];
  status[a] = status[b];
  status[b] = old_status;
  let old_current = current[a];
  current[a] = current[b];
  current[b] = old_current;
  let old_position = positions[a];
  positions[a] = positions[b];
  positions[b] = old_position;
  let old_origin = origin[a];
  origin[a] = origin[b];
  origin[b] = old_origin;
  for (var i = 0u; i < 6; i++) {
    let old = episodes[a * 6 + i];
    episodes[a * 6 + i] = episodes[b * 6 + i];
    episodes[b * 6 + i] = old;
  }
  for (var i = 0u; i < params.columns; i++) {
    let old_token = tokens[a * params.columns + i];
    tokens[a * params.columns + i] = tokens[b * params.columns + i];
    tokens[b * params.columns + i] = old_token;
    let old_logprob = logprobs[a * params.columns + i];
    logprobs[a * params.columns + i] = logprobs[b * params.columns + i];
    logprobs[b * params.columns + i] = old_logprob;
  }
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) thread: u32) {
  let share = (params.rows + 63) / 64;
  let start = min(params.rows, thread * share);
  let end = min(params.rows, start + share);
  var count = 0u;
  for (var row = start; row < end; row++) { count += select(0u, 1u, is_running(row)); }
  running[thread] = count;
  workgroupBarrier();
  var before = 0u; // running rows below `start`
  var all = 0u;
  for (var i = 0u; i < 64; i++) {
    before += select(0u, running[i], i < thread);
    all += running[i];
  }
  // Stray i waits at all + i: there are no more strays than rows from `all` on.
  var below = before;
  for (var row = start; row < end; row++) {
    if (!is_running(row)) { continue; }
    if (row >= all) { partner[all + (all - 1 - below)] = row; }
    below++;
  }
  storageBarrier();
  workgroupBarrier();
  below = before;
  for (var row = start; row < min(end, all); row++) {
    if (is_running(row)) {
      partner[row] = row;
      below++;
    } else {
      let stray = partner[all + (row - below)];
      partner[row] = stray;
      exchange(row, stray);
    }
  }
}
