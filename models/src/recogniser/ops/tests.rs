//! Holds the quick operations against candle's own, results and gradients.

use std::sync::{Arc, Mutex};

use candle_core::{Device, Result, Tensor, Var};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::grid::Pool;
use super::lstm::Lstm;
use super::plain;
use super::stage::{Moments, Source, Stage};

fn random(shape: &[usize], rng: &mut StdRng) -> Tensor {
    let numbers: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(numbers, shape, &Device::Cpu).expect("a tensor")
}

/// Activations of lines with these widths: zero beyond a line's own width, as `normalise` leaves them.
fn activations(widths: &[usize], rows: usize, channels: usize, rng: &mut StdRng) -> Tensor {
    let columns = widths.iter().max().expect("lines") + 1;
    own(&random(&[widths.len(), rows, columns, channels], rng), widths).expect("activations")
}

/// Clears what is no line's own, in results and in gradients that arrive.
fn own(tensor: &Tensor, widths: &[usize]) -> Result<Tensor> {
    let (_, _, columns, _) = tensor.dims4()?;
    let ones = widths.iter().flat_map(|&width| (0..columns).map(move |column| if column < width { 1.0_f32 } else { 0.0 })).collect();
    tensor.broadcast_mul(&Tensor::from_vec::<_, f32>(ones, (widths.len(), 1, columns, 1), &Device::Cpu)?)
}

/// Results of both forms, and the gradients of their inputs under the same weights of the results.
fn compare(inputs: &[&Tensor], quick: impl Fn(&[Tensor]) -> Result<Tensor>, slow: impl Fn(&[Tensor]) -> Result<Tensor>) {
    let run = |form: &dyn Fn(&[Tensor]) -> Result<Tensor>| -> Result<Vec<Vec<f32>>> {
        let vars: Vec<Var> = inputs.iter().map(|input| Var::from_tensor(input)).collect::<Result<_>>()?;
        let result = form(&vars.iter().map(|var| var.as_tensor().clone()).collect::<Vec<_>>())?;
        let weights = random(result.dims(), &mut StdRng::seed_from_u64(9));
        let gradients = (&result * weights)?.sum_all()?.backward()?;
        let mut all = vec![result.flatten_all()?.to_vec1()?];
        for var in &vars {
            all.push(gradients.get(var).expect("a gradient").flatten_all()?.to_vec1()?);
        }
        Ok(all)
    };
    let (quick, slow) = (run(&quick).expect("the quick form"), run(&slow).expect("the plain form"));
    for (place, (quick, slow)) in quick.iter().zip(&slow).enumerate() {
        assert_eq!(quick.len(), slow.len());
        for (index, (quick, slow)) in quick.iter().zip(slow).enumerate() {
            assert!((quick - slow).abs() < 1e-3 * (1.0 + slow.abs()), "tensor {place}, number {index}: {quick} and {slow}");
        }
    }
}

#[test]
fn stages_are_equal_and_see_the_same_moments() {
    let mut rng = StdRng::seed_from_u64(1);
    let square = Pool { rows: 2, columns: 2 };
    let flat = Pool { rows: 2, columns: 1 };
    let shapes =
        [(4, 3, 3, 1, 5, square), (4, 2, 3, 1, 3, flat), (2, 4, 2, 0, 3, Pool::NONE), (6, 1, 3, 1, 2, square), (1, 2, 3, 1, 2, Pool::NONE)];
    for (rows, channels, kernel_rows, pad, filters, pool) in shapes {
        for widths in [&[8, 4, 2][..], &[2], &[6, 8]] {
            let input = activations(widths, rows, channels, &mut rng);
            let kernel = random(&[kernel_rows, 3 * channels, filters], &mut rng);
            let affine = random(&[2, filters], &mut rng);
            let seen = [Arc::new(Mutex::new(Moments::default())), Arc::new(Mutex::new(Moments::default()))];
            let source = |place: usize| Source::Batch(Arc::clone(&seen[place]));
            // Gradients of what is no line's own have no meaning in the quick form, and nothing takes them.
            compare(
                &[&input, &kernel, &affine],
                |args| own(&args[0], widths)?.apply_op3(&args[1], &args[2], Stage::new(pad, pool, widths.to_vec(), source(0), true)),
                |args| plain::stage(&own(&args[0], widths)?, &args[1], &args[2], pad, pool, widths, &source(1)),
            );
            let [quick, slow] = [0, 1].map(|place| seen[place].lock().expect("moments").clone());
            let pairs = quick.mean.iter().zip(&slow.mean).chain(quick.variance.iter().zip(&slow.variance));
            assert_eq!(quick.mean.len(), filters);
            assert!(pairs.into_iter().all(|(quick, slow)| (quick - slow).abs() < 1e-5), "{quick:?} and {slow:?}");

            let kept = || Source::Kept(slow.clone());
            let quick = input.apply_op3(&kernel, &affine, Stage::new(pad, pool, widths.to_vec(), kept(), true)).expect("the quick form");
            let slow = plain::stage(&input, &kernel, &affine, pad, pool, widths, &kept()).expect("the plain form");
            let (quick, slow) =
                [quick, slow].map(|result| result.flatten_all().and_then(|all| all.to_vec1::<f32>()).expect("numbers")).into();
            assert!(quick.iter().zip(&slow).all(|(quick, slow)| (quick - slow).abs() < 1e-4));
        }
    }
}

#[test]
fn recurrent_layers_are_equal() {
    let mut rng = StdRng::seed_from_u64(4);
    for lengths in [&[5, 3, 1][..], &[2, 6, 4], &[1]] {
        let (units, frames) = (3, lengths.iter().max().expect("lines") + 1);
        let input = random(&[lengths.len(), frames, 2 * 4 * units], &mut rng);
        let weights = random(&[2, units, 4 * units], &mut rng);
        let bias = random(&[2, 4 * units], &mut rng);
        compare(
            &[&input, &weights, &bias],
            |args| args[0].apply_op3(&args[1], &args[2], Lstm::for_training(lengths.to_vec())),
            |args| plain::lstm(&args[0], &args[1], &args[2], lengths),
        );
    }
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let mut rng = StdRng::seed_from_u64(5);
    let input = random(&[1, 4, 5, 2], &mut rng);
    let (kernel, affine) = (random(&[3, 6, 4], &mut rng), random(&[2, 4], &mut rng));
    let apply = |input: &Tensor, kernel: &Tensor, affine: &Tensor, pool: Pool, width: usize| {
        input.apply_op3(kernel, affine, Stage::new(1, pool, vec![width], Source::Batch(Arc::default()), true))
    };
    let flat = Pool { rows: 2, columns: 1 };
    assert!(apply(&input, &kernel, &affine, flat, 4).is_ok());
    assert!(apply(&input, &random(&[3, 9, 4], &mut rng), &affine, flat, 4).is_err());
    assert!(apply(&input, &kernel, &random(&[2, 3], &mut rng), flat, 4).is_err());
    assert!(apply(&input, &kernel, &affine, flat, 5).is_err());
    assert!(apply(&input, &kernel, &affine, Pool { rows: 2, columns: 3 }, 4).is_err());
    assert!(apply(&input, &kernel, &affine, Pool { rows: 2, columns: 2 }, 3).is_err());
    assert!(apply(&random(&[1, 3, 5, 2], &mut rng), &kernel, &affine, flat, 4).is_err());
    let states = random(&[1, 3, 16], &mut rng);
    assert!(states.apply_op3(&random(&[2, 2, 8], &mut rng), &random(&[2, 8], &mut rng), Lstm::for_reading(vec![4])).is_err());
    assert!(states.apply_op3(&random(&[2, 3, 8], &mut rng), &random(&[2, 8], &mut rng), Lstm::for_reading(vec![3])).is_err());
}
