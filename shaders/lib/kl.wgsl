// kl: estimators of KL(p || q) from one token drawn from p, and their gradient.
//
//   d = log p(token) - log q(token)
//   k1 = d,  k2 = d^2 / 2,  k3 = exp(-d) - 1 + d          (http://joschu.net/blog/kl-approx.html)
// Near 0, where k3 and its slope cancel in f32, both are summed as series (next term below 1e-8).

fn kl_k3(d: f32) -> f32 {
  if (abs(d) < 0.125) {
    return d * d * (0.5 - d * (1.0 / 6.0 - d * (1.0 / 24.0 - d * (1.0 / 120.0 - d / 720.0))));
  }
  return exp(-d) - 1.0 + d;
}

// d(k3)/dd = 1 - exp(-d)
fn kl_k3_slope(d: f32) -> f32 {
  if (abs(d) < 0.125) {
    return d * (1.0 - d * (0.5 - d * (1.0 / 6.0 - d * (1.0 / 24.0 - d / 120.0))));
  }
  return 1.0 - exp(-d);
}

fn kl_estimate(estimator: u32, d: f32) -> f32 {
  if (estimator == 2) { return 0.5 * d * d; }
  if (estimator == 3) { return kl_k3(d); }
  return d;
}

// Derivative of kl_estimate with respect to log p.
fn kl_slope(estimator: u32, d: f32) -> f32 {
  if (estimator == 2) { return d; }
  if (estimator == 3) { return kl_k3_slope(d); }
  return 1.0;
}
