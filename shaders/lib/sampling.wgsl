// sampling: decides which tokens of a row of logits may be drawn, with what weight, and draws one,
// without a sort.
//
//   weight_i = exp((logit_i - top) / temperature), then in this order, each over what is left:
//   top-k  drops logits below the k-th largest; all equal to it stay
//   top-p  drops a token when the tokens above it already hold top_p of the mass: tokens with a
//          larger logit, or an equal one and a higher id (an ascending stable sort, cut from below)
//   min-p  drops tokens with less than min_p times the largest probability
// as Hugging Face's warpers do in generate's order. Temperature 0 keeps the lowest id of the
// largest logits. Banned ids count as absent throughout.
//   token  = largest x with sum_{i >= x} weight_i >= (1 - u) sum_i weight_i: the inverse of the
//            cumulative distribution at u in [0, 1)
//
// Every threshold answers one question: what is the largest key such that the elements with at
// least that key measure at least a given amount? Each pass over the row settles two bits of the
// key. Sums are taken in one fixed order, in which a superset never measures less. So an answer is
// exact for the sums as rounded, and the same wherever the row stands in its batch. All stages run
// through one loop, because software drivers pay at compile time for each barrier in the code.
// Where a row has one thread, that thread finds the token drawn in one pass instead, from the
// highest id down. Rows with nothing banned and neither top-k nor top-p, the usual ones, have short
// loops of their own: a software adapter runs both sides of a branch, but skips a loop without
// turns.
//
// A kernel that uses this file declares logits and stop_ids (storage) and, in Params, vocabulary,
// stop_count, temperature, top_k (0: off), top_p (1: off) and min_p (0: off). LANES (a power of 2)
// threads share a row, and ROWS rows share a workgroup; LANES * ROWS is at most 256. The vocabulary
// is below 2^24.

override LANES: u32 = 1;
override ROWS: u32 = 64;

struct Row {
  start: u32,     // logits[start + id]
  count: u32,     // vocabulary, or 0 for a row that takes no part: its lanes only meet the barriers
  ban: bool,      // whether stop ids are banned
  plain: bool,    // whether none is, and neither top-k nor top-p is on
  largest: f32,   // largest logit
  top: f32,       // largest logit that is not banned
  floor: u32,     // ordered bits of the smallest logit kept by top-k and top-p
  tie: u32,       // of ids with exactly those bits, the lowest kept
  total: f32,     // sum of the kept weights
  raw_total: f32, // sum_i exp(logit_i - largest): nothing banned or filtered, temperature 1
  token: u32,     // the id drawn
}

// Stages in order: what each measures, and by which key.
const TOPS = 0u;       // no search: the largest logits
const GREEDY = 1u;     // no search: the lowest id of the largest logit
const TOP_K = 2u;      // count by bits
const TOP_P = 3u;      // mass by bits
const TOP_P_TIES = 4u; // ties of the floor by id
const DRAW = 5u;       // kept weight by id

const LOWEST = -0x1.fffffep+127f;

var<private> row: Row;
var<private> lane: u32;
var<private> row_slot: u32; // of lane 0 in lane_values
var<workgroup> lane_values: array<vec4f, 256>;

fn over_lanes(value: vec4f, largest: bool) -> vec4f {
  if (LANES == 1) { return value; }
  let at = row_slot + lane;
  lane_values[at] = value;
  for (var s = LANES / 2; s > 0; s /= 2) {
    workgroupBarrier();
    if (lane < s) {
      let other = lane_values[at + s];
      lane_values[at] = select(lane_values[at] + other, max(lane_values[at], other), largest);
    }
  }
  workgroupBarrier();
  let result = lane_values[row_slot];
  workgroupBarrier();
  return result;
}

// A key that orders as the floats do; both zeros have one key.
fn ordered_bits(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  if (value == 0.0) { return 0x80000000u; }
  return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

fn is_stop(id: u32) -> bool {
  for (var i = 0u; i < params.stop_count; i++) {
    if (stop_ids[i] == id) { return true; }
  }
  return false;
}

fn mass_of(logit: f32) -> f32 {
  return exp((logit - row.top) / params.temperature);
}

// Weight of a token in the filtered distribution; the largest weight is 1. After solve_row().
fn kept_weight(id: u32, logit: f32) -> f32 {
  if (params.temperature == 0.0) { return select(0.0, 1.0, id == row.tie); }
  let bits = ordered_bits(logit);
  if (bits < row.floor || (bits == row.floor && id < row.tie)) { return 0.0; }
  if (row.ban && is_stop(id)) { return 0.0; }
  let mass = mass_of(logit);
  return select(mass, 0.0, mass < params.min_p);
}

// kept_weight of a plain row.
fn plain_weight(id: u32, logit: f32) -> f32 {
  let mass = mass_of(logit);
  let sampled = select(mass, 0.0, mass < params.min_p);
  return select(sampled, select(0.0, 1.0, id == row.tie), params.temperature == 0.0);
}

fn measure_of(stage: u32, id: u32, logit: f32) -> f32 {
  if (stage == DRAW) { return kept_weight(id, logit); }
  if (row.ban && is_stop(id)) { return 0.0; }
  if (stage == TOP_K) { return 1.0; }
  let bits = ordered_bits(logit);
  if (stage == TOP_P) { return select(0.0, mass_of(logit), bits >= row.floor); }
  return select(0.0, 1.0, bits == row.floor);
}

// Whether the first pass of a stage takes the largest measure, not the sum.
fn is_largest(stage: u32) -> bool {
  return stage == TOPS || stage == GREEDY;
}

// What the first pass of a stage sums or maximizes, to find the amount that the search wants.
fn first_measures(stage: u32, id: u32, logit: f32) -> vec4f {
  if (stage == TOPS) {
    return vec4f(logit, select(logit, LOWEST, row.ban && is_stop(id)), 0.0, 0.0);
  }
  if (stage == GREEDY) {
    let is_top = ordered_bits(logit) == row.floor && !(row.ban && is_stop(id));
    return vec4f(select(LOWEST, -f32(id), is_top), 0.0, 0.0, 0.0);
  }
  var measures = vec4f(measure_of(stage, id, logit), 0.0, 0.0, 0.0);
  if (stage == TOP_P_TIES && !(row.ban && is_stop(id))) {
    let bits = ordered_bits(logit);
    if (bits > row.floor) { measures.y = mass_of(logit); }
    if (bits == row.floor) { measures.z = mass_of(logit); }
  }
  if (stage == DRAW) { measures.y = exp(logit - row.largest); }
  return measures;
}

fn is_used(stage: u32) -> bool {
  switch stage {
    case GREEDY: { return params.temperature == 0.0; }
    case TOP_K: {
      return params.temperature != 0.0 && params.top_k > 0 && params.top_k < params.vocabulary;
    }
    case TOP_P, TOP_P_TIES: { return params.temperature != 0.0 && params.top_p < 1.0; }
    default: { return true; }
  }
}

// Pairs of bits in a stage's key.
fn levels_of(stage: u32) -> u32 {
  switch stage {
    case TOPS, GREEDY: { return 0u; }
    case TOP_K, TOP_P: { return 16u; }
    case DRAW: {
      if (LANES == 1 || params.temperature == 0.0) { return 0u; }
      return firstLeadingBit(params.vocabulary | 1u) / 2u + 1u;
    }
    default: { return firstLeadingBit(params.vocabulary | 1u) / 2u + 1u; }
  }
}

// The largest id such that it and the ids above weigh at least `wanted`; computed by one thread.
fn scan_down(wanted: f32) -> u32 {
  var weight = 0.0;
  // If the sum in this order stays below `wanted`: the lowest id with any weight.
  var found = params.vocabulary - 1;
  let plain = select(0, row.count, row.plain);
  for (var left = plain; left > 0 && !(weight >= wanted && weight > 0.0); left--) {
    let own = plain_weight(left - 1, logits[row.start + left - 1]);
    found = select(found, left - 1, own > 0.0);
    weight += own;
  }
  for (var left = row.count - plain; left > 0 && !(weight >= wanted && weight > 0.0); left--) {
    let own = kept_weight(left - 1, logits[row.start + left - 1]);
    if (own > 0.0) { found = left - 1; }
    weight += own;
  }
  return found;
}

// Filters the row and draws its token. All threads of the workgroup must call it, with row.start,
// row.count, row.ban, lane and row_slot set.
fn solve_row(draw: f32) {
  row.plain = !(row.ban && params.stop_count > 0) && !is_used(TOP_K) && !is_used(TOP_P);
  row.floor = 0;
  row.tie = 0;
  var nucleus = 0.0; // mass that top-p wants
  for (var stage = TOPS; stage <= DRAW; stage++) {
    if (!is_used(stage)) { continue; }
    let levels = levels_of(stage);
    var wanted = 0.0;
    var found = 0u;
    for (var left = levels + 1; left > 0; left--) {
      let is_first = left > levels;
      let unit = select(1u << (((left - 1) * 2) & 31), 0u, is_first);
      let largest = is_largest(stage);
      var sums = vec4f(select(0.0, LOWEST, largest));
      let plain = select(0, row.count, is_first && row.plain);
      let tops = select(0, plain, stage == TOPS);
      let greedy = select(0, plain, stage == GREEDY);
      let drawn = select(0, plain, stage == DRAW);
      for (var id = lane; id < tops; id += LANES) {
        sums = max(sums, vec4f(logits[row.start + id]));
      }
      for (var id = lane; id < greedy; id += LANES) {
        let is_top = ordered_bits(logits[row.start + id]) == row.floor;
        sums.x = max(sums.x, select(LOWEST, -f32(id), is_top));
      }
      for (var id = lane; id < drawn; id += LANES) {
        let logit = logits[row.start + id];
        sums += vec4f(plain_weight(id, logit), exp(logit - row.largest), 0.0, 0.0);
      }
      let others = row.count - (tops + greedy + drawn);
      for (var id = lane; id < others; id += LANES) {
        let logit = logits[row.start + id];
        if (is_first) {
          let measures = first_measures(stage, id, logit);
          sums = select(sums + measures, max(sums, measures), largest);
        } else {
          let key = select(id, ordered_bits(logit), stage == TOP_K || stage == TOP_P);
          let bounds = found + unit * vec3u(1, 2, 3);
          let measure = measure_of(stage, id, logit);
          sums += vec4f(select(vec3f(), vec3f(measure), vec3u(key) >= bounds), 0.0);
        }
      }
      sums = over_lanes(sums, largest);
      if (!is_first) {
        let reached = sums.xyz >= vec3f(wanted);
        found += unit * (u32(reached.x) + u32(reached.y) + u32(reached.z));
        continue;
      }
      switch stage {
        case TOPS: {
          row.largest = sums.x;
          row.top = sums.y;
          if (params.temperature == 0.0) { row.floor = ordered_bits(row.top); }
        }
        // Where all ids are banned no logit is left, and the last id is taken.
        case GREEDY: { row.tie = min(u32(-sums.x), params.vocabulary - 1); }
        case TOP_K: { wanted = f32(params.top_k); }
        case TOP_P: {
          nucleus = params.top_p * sums.x;
          wanted = nucleus;
        }
        case TOP_P_TIES: {
          // Of the tokens at the floor the highest ids stay, as many as top_p needs.
          let each = sums.z / max(sums.x, 1.0);
          wanted = clamp(ceil((nucleus - sums.y) / each), 1.0, max(sums.x, 1.0));
        }
        case DRAW: {
          row.total = sums.x;
          row.raw_total = sums.y;
          wanted = (1.0 - draw) * sums.x;
        }
        default: {}
      }
    }
    switch stage {
      case TOP_P_TIES: { row.tie = found; }
      case TOP_K: { row.floor = found; }
      case TOP_P: { row.floor = min(found, ordered_bits(row.top)); }
      // Where no weight is left (all banned, or not a number) the search may run past the end.
      case DRAW: {
        row.token = min(found, params.vocabulary - 1);
        if (params.temperature == 0.0) {
          row.token = row.tie;
        } else if (LANES == 1) {
          row.token = scan_down(wanted);
        }
      }
      default: {}
    }
  }
}
