//! What is dark on a page: a local threshold, the connected pieces of ink, and the height of letters.

use image::GrayImage;

use crate::reading::picture;

/// Longest side at which ink is looked for; letters that are legible keep 6 pixels and more.
const LONGEST: u32 = 2_000;
/// Fewer pieces of letter size than this are dust.
const FEWEST: usize = 4;

/// Where a page is dark, at a scale of its own.
pub struct Ink {
    pub width: usize,
    pub height: usize,
    dark: Vec<bool>,
    /// Pixels of the page per pixel of ink.
    pub scale: f32,
}

/// One connected piece of ink, in pixels of `Ink`, right and bottom exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
    pub area: u32,
}

impl Piece {
    pub fn width(&self) -> u32 {
        self.right - self.left
    }

    pub fn height(&self) -> u32 {
        self.bottom - self.top
    }
}

impl Ink {
    /// Finds what is clearly darker than its surroundings, so that shadows and grey paper do not count.
    pub fn of(page: &GrayImage) -> Self {
        let factor = (f64::from(LONGEST) / f64::from(page.width().max(page.height()))).min(1.0);
        let small = picture::resize(page, picture::scaled_side(page.width(), factor), picture::scaled_side(page.height(), factor));
        let (width, height) = (small.width() as usize, small.height() as usize);
        let dark = threshold(small.as_raw(), width, height);
        Self { width, height, dark, scale: page.width() as f32 / small.width() as f32 }
    }

    /// The connected pieces, in no order that matters.
    pub fn pieces(&self) -> Vec<Piece> {
        let mut runs: Vec<Run> = Vec::new();
        let mut parent: Vec<usize> = Vec::new();
        let mut above = 0..0;
        for y in 0..self.height {
            let start = runs.len();
            let row = &self.dark[y * self.width..(y + 1) * self.width];
            let mut candidate = above.start;
            let mut x = 0;
            while let Some(offset) = row[x..].iter().position(|dark| *dark) {
                let left = x + offset;
                let right = row[left..].iter().position(|dark| !dark).map_or(self.width, |length| left + length);
                let run = runs.len();
                runs.push(Run { y, left, right });
                parent.push(run);
                while candidate < above.end && runs[candidate].right < left {
                    candidate += 1;
                }
                let mut touching = candidate;
                while touching < above.end && runs[touching].left <= right {
                    let (a, b) = (root(&mut parent, touching), root(&mut parent, run));
                    parent[a.max(b)] = a.min(b);
                    touching += 1;
                }
                x = right;
            }
            above = start..runs.len();
        }
        collect(&runs, &mut parent)
    }
}

struct Run {
    y: usize,
    left: usize,
    right: usize,
}

fn root(parent: &mut [usize], mut node: usize) -> usize {
    while parent[node] != node {
        parent[node] = parent[parent[node]];
        node = parent[node];
    }
    node
}

fn collect(runs: &[Run], parent: &mut [usize]) -> Vec<Piece> {
    let mut index = vec![usize::MAX; runs.len()];
    let mut pieces: Vec<Piece> = Vec::new();
    for (run, Run { y, left, right }) in runs.iter().enumerate() {
        let (left, right, y) = (*left as u32, *right as u32, *y as u32);
        let root = root(parent, run);
        if index[root] == usize::MAX {
            index[root] = pieces.len();
            pieces.push(Piece { left, top: y, right, bottom: y + 1, area: 0 });
        }
        let piece = &mut pieces[index[root]];
        piece.left = piece.left.min(left);
        piece.right = piece.right.max(right);
        piece.bottom = piece.bottom.max(y + 1);
        piece.area += right - left;
    }
    pieces
}

/// Dark is at least 12 % and 14 steps below the mean of the surroundings.
fn threshold(pixels: &[u8], width: usize, height: usize) -> Vec<bool> {
    let radius = (width.max(height) / 64).clamp(8, 40);
    let stride = width + 1;
    let mut sums = vec![0_u64; stride * (height + 1)];
    for y in 0..height {
        let mut row = 0_u64;
        for x in 0..width {
            row += u64::from(pixels[y * width + x]);
            sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row;
        }
    }
    let mut dark = vec![false; pixels.len()];
    for y in 0..height {
        let (top, bottom) = (y.saturating_sub(radius), (y + radius + 1).min(height));
        for x in 0..width {
            let (left, right) = (x.saturating_sub(radius), (x + radius + 1).min(width));
            let sum = sums[bottom * stride + right] + sums[top * stride + left] - sums[top * stride + right] - sums[bottom * stride + left];
            let mean = sum / ((right - left) * (bottom - top)) as u64;
            let pixel = u64::from(pixels[y * width + x]);
            dark[y * width + x] = pixel + 14 < mean && pixel * 100 < mean * 88;
        }
    }
    dark
}

/// The pieces that may be letters: neither dust nor rules, pictures or speckled areas.
pub fn letters(pieces: &[Piece], ink: &Ink) -> Vec<Piece> {
    let tallest = (ink.width.max(ink.height) / 12).max(12) as u32;
    let likely = |piece: &&Piece| {
        let (width, height) = (piece.width(), piece.height());
        let filled = piece.area as f32 / (width * height) as f32;
        (5..=tallest).contains(&height) && width <= height * 5 && height <= width * 8 && width >= 2 && (0.12..0.97).contains(&filled)
    };
    let rough: Vec<Piece> = pieces.iter().filter(likely).copied().collect();
    let Some(height) = typical_height(&rough) else { return Vec::new() };
    rough.into_iter().filter(|piece| (0.5..=3.0).contains(&(piece.height() as f32 / height))).collect()
}

/// Height of the letters that most of the ink is in: capitals and digits rather than the small x. None on a page without letters.
pub fn typical_height(letters: &[Piece]) -> Option<f32> {
    if letters.len() < FEWEST {
        return None;
    }
    let mut heights: Vec<u32> = letters.iter().map(Piece::height).collect();
    heights.sort_unstable();
    Some(heights[heights.len() * 7 / 10] as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(boxes: &[[u32; 4]]) -> GrayImage {
        GrayImage::from_fn(200, 120, |x, y| {
            let dark = boxes.iter().any(|[left, top, right, bottom]| (*left..*right).contains(&x) && (*top..*bottom).contains(&y));
            image::Luma([if dark { 30 } else { 220 }])
        })
    }

    #[test]
    fn pieces_are_found_whole() {
        // An L of two boxes is one piece, the third box another.
        let ink = Ink::of(&page(&[[10, 10, 14, 40], [10, 36, 30, 40], [60, 20, 66, 34]]));
        let mut pieces = ink.pieces();
        pieces.sort_by_key(|piece| piece.left);
        assert_eq!(pieces.len(), 2);
        assert_eq!((pieces[0].left, pieces[0].top, pieces[0].right, pieces[0].bottom), (10, 10, 30, 40));
        assert_eq!(pieces[1].area, 6 * 14);
    }

    #[test]
    fn a_shadow_is_not_ink() {
        let shadow = GrayImage::from_fn(400, 100, |x, _| image::Luma([(240 - x / 4) as u8]));
        assert!(Ink::of(&shadow).pieces().is_empty());
    }

    #[test]
    fn an_empty_page_has_no_letters() {
        let ink = Ink::of(&page(&[]));
        assert_eq!(typical_height(&letters(&ink.pieces(), &ink)), None);
    }
}
