//! Plain text as pages: lines of a typewriter, with the place of every word, and a page to look at.

use domain::block::BBox;

use crate::reading::layer::PlacedWord;

/// Letters a line, at least, as on a till roll; shorter lines leave the rest white.
const NARROWEST: usize = 40;
/// Letters a line, at most; longer lines go on below.
const WIDEST: usize = 132;
/// Lines a page, at most. A text of one page is as high as its lines.
const LINES: usize = 66;
/// All in points: Courier of 10 points is 6 wide.
const LETTER: f32 = 6.0;
const LINE: f32 = 12.0;
const MARGIN: f32 = 36.0;
/// From the top of a line to the feet of its letters.
const BASELINE: f32 = 9.5;

/// A text, laid out.
pub struct Column {
    pages: Vec<Vec<String>>,
    letters: usize,
}

impl Column {
    /// Breaks a text into lines and pages. None when there is nothing to read.
    pub fn lay_out(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        if text.trim().is_empty() {
            return None;
        }
        let lines: Vec<String> = text.lines().map(expand_tabs).collect();
        let letters = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0).clamp(NARROWEST, WIDEST);
        let mut pages = vec![Vec::new()];
        for line in &lines {
            for (part, piece) in line.split('\x0c').enumerate() {
                if part > 0 {
                    pages.push(Vec::new());
                }
                for wrapped in wrap(piece, letters) {
                    if pages.last().is_some_and(|page| page.len() >= LINES) {
                        pages.push(Vec::new());
                    }
                    if let Some(page) = pages.last_mut() {
                        page.push(wrapped);
                    }
                }
            }
        }
        Some(Self { pages, letters })
    }

    pub fn pages(&self) -> u32 {
        u32::try_from(self.pages.len()).unwrap_or(u32::MAX)
    }

    /// One page as a PDF to draw, and its words. Letters that Courier lacks are drawn as question marks; the words keep them.
    pub fn page(&self, page: u32) -> Option<(Vec<u8>, Vec<PlacedWord>)> {
        let lines = self.pages.get(page.checked_sub(1)? as usize)?;
        let width = 2.0 * MARGIN + LETTER * self.letters as f32;
        let rows = if self.pages.len() == 1 { lines.len() } else { LINES };
        let height = 2.0 * MARGIN + LINE * rows as f32;
        let words = lines.iter().enumerate().flat_map(|(row, line)| words(row, line, width, height)).collect();
        Some((pdf(lines, width, height), words))
    }
}

fn expand_tabs(line: &str) -> String {
    let mut expanded = String::with_capacity(line.len());
    let mut column = 0;
    for letter in line.chars() {
        let (letter, count) = if letter == '\t' { (' ', 8 - column % 8) } else { (letter, 1) };
        expanded.extend(std::iter::repeat_n(letter, count));
        column += count;
    }
    expanded
}

/// Breaks before the last word that does not fit, or inside a word that is longer than a line.
fn wrap(line: &str, letters: usize) -> Vec<String> {
    let line: Vec<char> = line.trim_end().chars().collect();
    let mut rest = &line[..];
    let mut wrapped = Vec::new();
    while rest.len() > letters {
        let space = rest[..=letters].iter().rposition(|letter| letter.is_whitespace()).filter(|at| *at > 0);
        let (head, tail) = rest.split_at(space.unwrap_or(letters));
        wrapped.push(head.iter().collect());
        let gap = tail.iter().take_while(|letter| letter.is_whitespace()).count();
        rest = &tail[gap..];
    }
    wrapped.push(rest.iter().collect());
    wrapped
}

fn words(row: usize, line: &str, width: f32, height: f32) -> Vec<PlacedWord> {
    let letters: Vec<char> = line.chars().collect();
    let feet = MARGIN + LINE * row as f32 + BASELINE;
    let mut words = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let length = letters[at..].iter().take_while(|letter| !letter.is_whitespace()).count();
        if length > 0 {
            let left = MARGIN + LETTER * at as f32;
            let place = BBox([left / width, (feet - 6.8) / height, (left + LETTER * length as f32) / width, (feet + 2.2) / height]);
            words.push(PlacedWord { text: letters[at..at + length].iter().collect(), place, direction: 0 });
        }
        at += length.max(1);
    }
    words
}

/// The smallest PDF that shows the lines.
fn pdf(lines: &[String], width: f32, height: f32) -> Vec<u8> {
    let first = height - MARGIN - BASELINE;
    let mut content = format!("BT /F 10 Tf {LINE} TL {MARGIN} {first} Td\n").into_bytes();
    for line in lines {
        content.push(b'<');
        content.extend(line.chars().flat_map(|letter| format!("{:02x}", win_ansi(letter)).into_bytes()));
        content.extend(b"> Tj T*\n");
    }
    content.extend(b"ET\n");
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>";
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    let mut object = |file: &mut Vec<u8>, body: &[u8]| {
        offsets.push(file.len());
        file.extend(format!("{} 0 obj\n", offsets.len()).into_bytes());
        file.extend(body);
        file.extend(b"\nendobj\n");
    };
    object(&mut file, b"<< /Type /Catalog /Pages 2 0 R >>");
    object(&mut file, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
    let page =
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents 4 0 R /Resources << /Font << /F {font} >> >> >>");
    object(&mut file, page.as_bytes());
    let stream = [format!("<< /Length {} >>\nstream\n", content.len()).into_bytes(), content, b"\nendstream".to_vec()].concat();
    object(&mut file, &stream);
    let start = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1).into_bytes());
    for offset in &offsets {
        file.extend(format!("{offset:010} 00000 n \n").into_bytes());
    }
    file.extend(format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n", offsets.len() + 1).into_bytes());
    file
}

/// The byte of a letter in WinAnsi, the encoding of Western Europe.
fn win_ansi(letter: char) -> u8 {
    match letter {
        ' '..='~' => letter as u8,
        '\u{a0}'..='\u{ff}' => letter as u8,
        '\u{20ac}' => 0x80,
        '\u{2018}' => 0x91,
        '\u{2019}' => 0x92,
        '\u{201c}' => 0x93,
        '\u{201d}' => 0x94,
        '\u{2022}' => 0x95,
        '\u{2013}' => 0x96,
        '\u{2014}' => 0x97,
        _ => b'?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_places() {
        let column = Column::lay_out("Total   9.00\n\nThank you\n".as_bytes()).unwrap();
        let (_, words) = column.page(1).unwrap();
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["Total", "9.00", "Thank", "you"]);
        assert!(words[1].place.left() > words[0].place.right() && words[2].place.top() > words[1].place.bottom());
    }

    #[test]
    fn long_lines_go_on_below_and_long_texts_on_the_next_page() {
        let column = Column::lay_out("word ".repeat(60).as_bytes()).unwrap();
        let (_, words) = column.page(1).unwrap();
        assert_eq!(words.len(), 60);
        assert!(words.iter().all(|word| word.place.right() <= 1.0));
        let pages = Column::lay_out("line\n".repeat(LINES + 1).as_bytes()).unwrap().pages();
        assert_eq!(pages, 2);
        assert_eq!(Column::lay_out(b"one\x0ctwo").unwrap().pages(), 2);
    }

    #[test]
    fn a_short_text_is_a_small_page() {
        let height_of_a_word = |text: &str| {
            let (_, words) = Column::lay_out(text.as_bytes()).unwrap().page(1).unwrap();
            words[0].place.height()
        };
        assert!(height_of_a_word("Total 9.00\n") > 3.0 * height_of_a_word(&"Total 9.00\n".repeat(LINES)));
    }

    #[test]
    fn white_space_is_nothing_to_read() {
        assert!(Column::lay_out(b" \n\t\n").is_none());
    }
}
