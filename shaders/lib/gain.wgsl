// gain: what RMSNorm multiplies a column by. With UNIT_OFFSET the weight is the distance from 1 (Gemma's
// norms, whose weights lie around 0).

override UNIT_OFFSET: bool = false;

fn gain(weight: vec4f) -> vec4f {
  if (UNIT_OFFSET) { return 1.0 + weight; }
  return weight;
}
