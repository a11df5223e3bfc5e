//! One step of training: a batch cut into one part per thread, each with its own forward and backward pass, whose gradients are summed in a fixed order.

use candle_core::{Device, Result, Tensor};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::augment;
use super::batch::Batch;
use super::crop::Strip;
use super::ctc::{self, Scores};
use super::data::Line;
use super::net::{FRAME, Net};
use super::ops::stage::Moments;

/// A line to learn from.
#[derive(Clone, Copy)]
pub(super) struct Example<'a> {
    pub line: &'a Line,
    /// Numbers of the text's symbols.
    pub text: &'a [usize],
    /// Decides how the line is changed this time.
    pub seed: u64,
}

/// What a batch taught.
pub(super) struct Lesson {
    /// By weight, in the order of `Net::trained`.
    pub gradients: Vec<Vec<f32>>,
    pub moments: Vec<Vec<Moments>>,
    /// Sum over lines of the loss per symbol, in nats.
    pub loss: f64,
    /// Lines that had a loss; the others were too narrow for their texts after augmentation.
    pub lines: usize,
}

/// Gradients of the mean over lines of the loss per symbol.
pub(super) fn learn(net: &Net, examples: &[Example<'_>], threads: usize, device: &Device) -> Result<Lesson> {
    let parts: Vec<Vec<Example<'_>>> =
        (0..threads.max(1)).map(|part| examples.iter().copied().skip(part).step_by(threads.max(1)).collect()).collect();
    let share = 1.0 / examples.len().max(1) as f32;
    let lessons = std::thread::scope(|scope| {
        // All are started before the first is waited for.
        let occupied = parts.iter().filter(|part| !part.is_empty());
        let handles: Vec<_> = occupied.map(|part| scope.spawn(move || learn_part(net, part, share, device))).collect();
        handles.into_iter().map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect::<Result<Vec<_>>>()
    })?;
    let mut lessons = lessons.into_iter().flatten();
    let mut sum = lessons.next().unwrap_or(Lesson { gradients: Vec::new(), moments: Vec::new(), loss: 0.0, lines: 0 });
    for lesson in lessons {
        for (sum, more) in sum.gradients.iter_mut().zip(&lesson.gradients) {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
        sum.moments.extend(lesson.moments);
        sum.loss += lesson.loss;
        sum.lines += lesson.lines;
    }
    Ok(sum)
}

/// None where no line of the part can be learned from.
fn learn_part(net: &Net, examples: &[Example<'_>], share: f32, device: &Device) -> Result<Option<Lesson>> {
    let mut strips: Vec<(Strip, &[usize])> = examples
        .iter()
        .filter_map(|example| Some((augment::strip(&example.line.crop, &mut StdRng::seed_from_u64(example.seed))?, example.text)))
        .filter(|(strip, text)| ctc::frames_needed(text) <= strip.width() / FRAME)
        .collect();
    if strips.is_empty() {
        return Ok(None);
    }
    strips.sort_by_key(|(strip, _)| std::cmp::Reverse(strip.width()));
    let batch = Batch::new(&strips.iter().map(|(strip, _)| strip).collect::<Vec<_>>(), device)?;
    let pass = net.train(&batch)?;
    let (lines, frames, classes) = pass.logits.dims3()?;
    let scores = pass.logits.flatten_all()?.to_vec1::<f32>()?;
    let mut gradient = vec![0.0; scores.len()];
    let mut lesson = Lesson { gradients: Vec::new(), moments: vec![pass.moments], loss: 0.0, lines: 0 };
    for (place, (_, text)) in strips.iter().enumerate() {
        let own = place * frames * classes..(place * frames + batch.frames(place)) * classes;
        let Some(loss) = ctc::loss(Scores { numbers: &scores[own.clone()], classes }, text) else { continue };
        let per_symbol = 1.0 / text.len().max(1) as f32;
        lesson.loss += f64::from(loss.nats * per_symbol);
        lesson.lines += 1;
        gradient[own].iter_mut().zip(&loss.gradient).for_each(|(into, number)| *into = number * per_symbol * share);
    }
    let gradient = Tensor::from_vec(gradient, (lines, frames, classes), device)?;
    let gradients = (pass.logits * gradient)?.sum_all()?.backward()?;
    for (_, var) in net.trained() {
        let numbers = match gradients.get(var) {
            Some(gradient) => gradient.flatten_all()?.to_vec1::<f32>()?,
            None => vec![0.0; var.elem_count()],
        };
        lesson.gradients.push(numbers);
    }
    Ok(Some(lesson))
}
