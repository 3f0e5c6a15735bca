// bound: keeps x inside [low, high], and keeps NaN.
//
// WGSL's clamp, min and max may turn NaN into a bound; a bad log-prob would then pass for a good
// one. A comparison with NaN is false.

fn bound(x: f32, low: f32, high: f32) -> f32 {
  if (x < low) { return low; }
  if (x > high) { return high; }
  return x;
}

// `result`, or `source` where `source` is NaN: exp(NaN) may be a number. Bits tell NaN, since a
// compiler may assume that there are no NaNs.
fn keep_nan(result: f32, source: f32) -> f32 {
  if ((bitcast<u32>(source) & 0x7fffffffu) > 0x7f800000u) { return source; }
  return result;
}
