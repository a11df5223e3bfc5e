//! How weights follow their gradients: AdamW under a one-cycle schedule, with gradients cut to a length.

use candle_core::{Result, Tensor, Var};

/// Averages of gradient and squared gradient remember about 10 and 1,000 steps; the usual values of Adam (Kingma and Ba 2015).
const BETAS: (f32, f32) = (0.9, 0.999);
const EPSILON: f32 = 1e-8;
/// Share of the rate by which every weight shrinks in a step; with `PEAK`, `WARM_UP` and `CLIP` from the design's section 13.
const DECAY: f32 = 0.01;
/// Highest rate, and the share of the training that leads up to it.
const PEAK: f64 = 2e-3;
const WARM_UP: f64 = 0.12;
/// The rate begins at this part of the peak and ends at `LAST` of that, PyTorch's defaults for the schedule.
const FIRST: f64 = 1.0 / 25.0;
const LAST: f64 = 1e-4;
/// Longest gradient, over all weights together.
const CLIP: f64 = 5.0;

/// The rate at a share of the training, 0 to 1: up along half a cosine, and down along another.
pub fn rate(done: f64) -> f64 {
    let half_cosine =
        |from: f64, to: f64, share: f64| to + (from - to) * (1.0 + (std::f64::consts::PI * share.clamp(0.0, 1.0)).cos()) / 2.0;
    if done < WARM_UP {
        half_cosine(PEAK * FIRST, PEAK, done / WARM_UP)
    } else {
        half_cosine(PEAK, PEAK * FIRST * LAST, (done - WARM_UP) / (1.0 - WARM_UP))
    }
}

/// Scales gradients down to the longest length that is allowed. Gives the length before.
pub fn clip(gradients: &mut [Vec<f32>]) -> f64 {
    let length = gradients.iter().flatten().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    if length > CLIP {
        let factor = (CLIP / length) as f32;
        gradients.iter_mut().flatten().for_each(|number| *number *= factor);
    }
    length
}

/// AdamW (Loshchilov and Hutter 2019) with its state in the open, so that a checkpoint can hold it.
pub struct AdamW {
    /// Running averages of gradient and squared gradient, per weight, in the order of the weights.
    pub first: Vec<Vec<f32>>,
    pub second: Vec<Vec<f32>>,
    pub steps: u64,
}

impl AdamW {
    pub fn new(weights: &[(String, &Var)]) -> Self {
        let zeros: Vec<Vec<f32>> = weights.iter().map(|(_, var)| vec![0.0; var.elem_count()]).collect();
        Self { first: zeros.clone(), second: zeros, steps: 0 }
    }

    /// One step for every weight.
    pub fn step(&mut self, weights: &[(String, &Var)], gradients: &[Vec<f32>], rate: f64) -> Result<()> {
        self.steps += 1;
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let correction = (1.0 - BETAS.0.powi(steps), 1.0 - BETAS.1.powi(steps));
        let rate = rate as f32;
        let averages = self.first.iter_mut().zip(&mut self.second);
        for (((_, var), gradient), (first, second)) in weights.iter().zip(gradients).zip(averages) {
            let mut numbers = var.flatten_all()?.to_vec1::<f32>()?;
            let averages = first.iter_mut().zip(second.iter_mut());
            for ((number, gradient), (first, second)) in numbers.iter_mut().zip(gradient).zip(averages) {
                *first = BETAS.0 * *first + (1.0 - BETAS.0) * gradient;
                *second = BETAS.1 * *second + (1.0 - BETAS.1) * gradient * gradient;
                let step = (*first / correction.0) / ((*second / correction.1).sqrt() + EPSILON);
                *number -= rate * (step + DECAY * *number);
            }
            var.set(&Tensor::from_vec(numbers, var.shape(), var.device())?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_rate_rises_for_an_eighth_and_falls_to_nothing() {
        assert!((rate(0.0) - 8e-5).abs() < 1e-9 && (rate(WARM_UP) - PEAK).abs() < 1e-9 && rate(1.0) < 1e-8);
        assert!(rate(0.06) < rate(0.1) && rate(0.3) > rate(0.5) && rate(0.5) > rate(0.9));
    }

    #[test]
    fn long_gradients_are_cut_and_short_ones_are_not() {
        let mut gradients = vec![vec![30.0], vec![0.0, 40.0]];
        assert!((clip(&mut gradients) - 50.0).abs() < 1e-9);
        assert_eq!(gradients, [vec![3.0], vec![0.0, 4.0]]);
        assert!((clip(&mut gradients) - 5.0).abs() < 1e-6);
        assert_eq!(gradients, [vec![3.0], vec![0.0, 4.0]]);
    }

    #[test]
    fn steps_find_the_bottom_of_a_bowl() {
        let var = Var::from_tensor(&Tensor::new(&[3.0_f32, -2.0], &Device::Cpu).expect("a tensor")).expect("a variable");
        let weights = [("bowl".to_owned(), &var)];
        let mut optimiser = AdamW::new(&weights);
        for _ in 0..400 {
            let gradient = var.to_vec1::<f32>().expect("numbers").iter().map(|x| 2.0 * (x - 1.0)).collect();
            optimiser.step(&weights, &[gradient], 0.05).expect("a step");
        }
        assert!(var.to_vec1::<f32>().expect("numbers").iter().all(|x| (x - 1.0).abs() < 0.05));
    }
}
