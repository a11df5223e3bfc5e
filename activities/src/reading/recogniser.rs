//! The second reading of a page: our own recogniser, on the lines in which Tesseract found words and on those that it missed.
//!
//! Two readers that were made differently and see the same are the best sign that both are right; and each is better at something, our own at
//! amounts and dates, Tesseract at large and decorative letters.

use domain::block::{BBox, Word};
use image::GrayImage;
use models::Device;
use models::recogniser::crop::{Region, cut};
use models::recogniser::reader::{ReadError, Reader};
use models::recogniser::weights::WeightsError;

use crate::reading::agree;
use crate::reading::ink::Ink;
use crate::reading::line::lines;

/// Digits of the hash of the weights in the name.
const DIGITS: usize = 8;

/// A net with its weights.
pub struct Recogniser {
    reader: Reader,
    name: String,
}

impl Recogniser {
    /// Takes weights as the bytes of their file.
    pub fn new(weights: &[u8]) -> Result<Self, WeightsError> {
        let reader = Reader::new(weights, &Device::Cpu)?;
        let hash = domain::reading::content_hash(&[weights]);
        let hash: String = hex::encode(hash).chars().take(DIGITS).collect();
        Ok(Self { reader, name: format!("lines@{hash}") })
    }

    /// What reads, and with which weights.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The words of a page by itself, in lines from top to bottom. Words that were read before, in reading order, say where lines are.
    pub fn read(&self, page: &GrayImage, words: &[Word]) -> Result<Vec<Word>, ReadError> {
        let size = (page.width() as f32, page.height() as f32);
        let lines = lines(words, &Ink::of(page));
        let regions: Vec<Region> = lines.iter().map(|line| region(line, size)).collect();
        let crops: Vec<GrayImage> = regions.iter().map(|region| cut(page, *region)).collect();
        let read = self.reader.read(&crops)?;
        let mut words = Vec::new();
        for ((line, region), (crop, read)) in lines.iter().zip(&regions).zip(crops.iter().zip(read)) {
            // The crop has its margin on the left, as far as the page goes.
            let (left, width) = (margin_left(region), crop.width() as f32);
            let share = |place: f32| ((left + place * width) / size.0).clamp(0.0, 1.0);
            words.extend(read.words.into_iter().map(|word| Word {
                text: word.text,
                bbox: BBox([share(word.left), line.top(), share(word.right), line.bottom()]),
                confidence: word.confidence,
            }));
        }
        agree::sort_by_lines(&mut words);
        Ok(words)
    }
}

fn margin_left(region: &Region) -> f32 {
    let margin = ((region.bottom - region.top) as f32 * models::recogniser::crop::MARGIN).round();
    (region.left as f32 - margin).max(0.0)
}

/// The box of a line in pixels.
fn region(line: &BBox, (width, height): (f32, f32)) -> Region {
    let down = |share: f32, side: f32| (share * side).floor().clamp(0.0, side) as u32;
    let up = |share: f32, side: f32| (share * side).ceil().clamp(0.0, side) as u32;
    Region {
        left: down(line.left(), width),
        top: down(line.top(), height),
        right: up(line.right(), width),
        bottom: up(line.bottom(), height),
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;
    use models::recogniser::alphabet::Alphabet;
    use models::recogniser::net::Net;
    use models::recogniser::weights::{HeldOut, Origin, save};

    use super::*;

    /// Weights that nobody trained: what is read is noise, where it lies is not.
    fn untrained() -> Recogniser {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("weights.safetensors");
        let alphabet = Alphabet::learn([" 0123456789ABC"]).unwrap();
        let net = Net::new(alphabet.len(), 3, &Device::Cpu).unwrap();
        let origin = Origin {
            command: "none".to_owned(),
            seed: 3,
            data: "none".to_owned(),
            epochs: 0,
            hold_out: 0.0,
            date: "2026-11-21".to_owned(),
            held_out: HeldOut::default(),
        };
        save(&file, &net, &alphabet, &origin).unwrap();
        Recogniser::new(&std::fs::read(&file).unwrap()).unwrap()
    }

    fn word(left: f32, top: f32, right: f32, bottom: f32) -> Word {
        Word { text: "x".to_owned(), bbox: BBox([left, top, right, bottom]), confidence: 0.9 }
    }

    #[test]
    fn what_is_read_lies_in_the_lines_of_the_page() {
        let recogniser = untrained();
        let page = GrayImage::from_fn(800, 600, |x, y| Luma([if (x / 5 + y / 7) % 3 == 0 { 30 } else { 230 }]));
        let before = [word(0.1, 0.1, 0.3, 0.13), word(0.32, 0.1, 0.5, 0.13), word(0.1, 0.5, 0.9, 0.55), word(0.0, 0.97, 1.0, 1.0)];
        let read = recogniser.read(&page, &before).unwrap();
        for word in &read {
            let BBox([left, top, right, bottom]) = word.bbox;
            assert!((0.0..=1.0).contains(&left) && left <= right && right <= 1.0 && top < bottom, "{word:?}");
            assert!(!word.text.is_empty() && (0.0..=1.0).contains(&word.confidence), "{word:?}");
        }
        assert_eq!(recogniser.read(&page, &before).unwrap(), read, "the same page reads the same");
    }

    #[test]
    fn a_page_without_lines_has_no_words() {
        let empty = GrayImage::from_pixel(300, 200, Luma([240]));
        assert_eq!(untrained().read(&empty, &[]).unwrap(), []);
    }

    #[test]
    fn the_name_tells_weights_apart() {
        let recogniser = untrained();
        assert!(recogniser.name().starts_with("lines@") && recogniser.name().len() == "lines@".len() + DIGITS, "{}", recogniser.name());
        assert!(Recogniser::new(b"no weights").is_err());
    }
}
