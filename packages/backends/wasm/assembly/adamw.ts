import { loadSome, storeSome } from './math';

/**
 * p ← p (1 − lr · decay); m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²;
 * p ← p − step · m / (√v · rootScale + ε), with `keep` = 1 − lr · decay, `step` = lr / (1 − β₁ᵗ),
 * `rootScale` = 1 / √(1 − β₂ᵗ).
 */
export function adamw(
  p: usize,
  g: usize,
  m: usize,
  v: usize,
  pOut: usize,
  mOut: usize,
  vOut: usize,
  size: i32,
  keep: f32,
  step: f32,
  rootScale: f32,
  beta1: f32,
  gain1: f32,
  beta2: f32,
  gain2: f32,
  epsilon: f32,
): void {
  const keeps = f32x4.splat(keep);
  const steps = f32x4.splat(step);
  const rootScales = f32x4.splat(rootScale);
  const beta1s = f32x4.splat(beta1);
  const gain1s = f32x4.splat(gain1);
  const beta2s = f32x4.splat(beta2);
  const gain2s = f32x4.splat(gain2);
  const epsilons = f32x4.splat(epsilon);
  const bytes = size << 2;
  for (let o = 0; o < bytes; o += 16) {
    const rest = (bytes - o) >> 2;
    const some = rest < 4;
    const p4 = some ? loadSome(p + o, rest, 0) : v128.load(p + o);
    const g4 = some ? loadSome(g + o, rest, 0) : v128.load(g + o);
    let m4 = some ? loadSome(m + o, rest, 0) : v128.load(m + o);
    let v4 = some ? loadSome(v + o, rest, 0) : v128.load(v + o);
    m4 = f32x4.add(f32x4.mul(m4, beta1s), f32x4.mul(g4, gain1s));
    v4 = f32x4.add(f32x4.mul(v4, beta2s), f32x4.mul(f32x4.mul(g4, g4), gain2s));
    const root = f32x4.add(f32x4.mul(f32x4.sqrt(v4), rootScales), epsilons);
    const next = f32x4.sub(f32x4.mul(p4, keeps), f32x4.mul(steps, f32x4.div(m4, root)));
    if (some) {
      storeSome(pOut + o, next, rest);
      storeSome(mOut + o, m4, rest);
      storeSome(vOut + o, v4, rest);
    } else {
      v128.store(pOut + o, next);
      v128.store(mOut + o, m4);
      v128.store(vOut + o, v4);
    }
  }
}
