// bound: x held inside [low, high], and NaN kept.
//
// WGSL's clamp, min and max may turn NaN into a bound, and a bad log-prob would then pass for a
// good one. A comparison with NaN is false.

fn bound(x: f32, low: f32, high: f32) -> f32 {
  if (x < low) { return low; }
  if (x > high) { return high; }
  return x;
}
