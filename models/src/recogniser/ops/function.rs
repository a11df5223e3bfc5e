//! Logistic function and hyperbolic tangent over slices, without calls, so that the compiler can do several numbers at once.

/// e to the power of `x`, to about 2e-7 of its value. The polynomial and the two-part logarithm are those of Cephes' `expf`.
#[inline(always)]
fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    // Adding and taking away 1.5 x 2^23 rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let power = shifted - ROUND;
    let rest = x - power * 0.693_359_4 - power * -2.121_944_4e-4;
    let mut y = 1.987_569_1e-4_f32;
    y = y * rest + 1.398_2e-3;
    y = y * rest + 8.333_452e-3;
    y = y * rest + 4.166_579_6e-2;
    y = y * rest + 1.666_666_5e-1;
    y = y * rest + 0.5;
    let y = y * rest * rest + rest + 1.0;
    // The integer stands in the low bits of the shifted number; moved into the exponent it is the power of two.
    y * f32::from_bits(shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23)
}

#[inline(always)]
pub fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    2.0 * logistic(2.0 * x) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_follow_the_exact_functions() {
        for step in -2000..=2000 {
            let x = step as f32 * 0.01;
            assert!((logistic(x) - 1.0 / (1.0 + (-x).exp())).abs() < 1e-6, "{x}");
            assert!((tanh(x) - x.tanh()).abs() < 1e-6, "{x}");
        }
        assert!(logistic(-1000.0) < 1e-30 && logistic(1000.0) == 1.0 && logistic(f32::NAN).is_nan());
    }
}
