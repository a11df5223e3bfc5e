//! Evidence: one uploaded file, told apart by its bytes, never by its name.

use serde::{Deserialize, Serialize};

/// The kinds of file that Assay reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MediaType {
    #[serde(rename = "image/jpeg")]
    Jpeg,
    #[serde(rename = "image/png")]
    Png,
    #[serde(rename = "image/webp")]
    Webp,
    #[serde(rename = "image/tiff")]
    Tiff,
    #[serde(rename = "application/pdf")]
    Pdf,
    #[serde(rename = "text/plain")]
    Text,
}

impl MediaType {
    pub const ALL: [Self; 6] = [Self::Jpeg, Self::Png, Self::Webp, Self::Tiff, Self::Pdf, Self::Text];

    /// Tells the type from the first bytes (512 are enough). `None` for anything Assay does not read.
    ///
    /// Signatures: JPEG `FF D8 FF`; PNG `89 50 4E 47 0D 0A 1A 0A`; WebP `RIFF....WEBP`; TIFF `II*\0` or `MM\0*` (BigTIFF is refused);
    /// PDF `%PDF-` within the first 1,024 bytes (Adobe's reader allows leading junk); text: UTF-8 without control characters other than tab, line feed, form feed and carriage return.
    pub fn sniff(head: &[u8]) -> Option<Self> {
        match head {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => Some(Self::Tiff),
            _ if head.len() >= 5 && head[..head.len().min(1024)].windows(5).any(|window| window == b"%PDF-") => Some(Self::Pdf),
            _ if looks_like_text(head) => Some(Self::Text),
            _ => None,
        }
    }

    /// The IANA name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Tiff => "image/tiff",
            Self::Pdf => "application/pdf",
            Self::Text => "text/plain",
        }
    }

    /// Reads the IANA name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media_type| media_type.as_str() == name)
    }
}

fn looks_like_text(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The head may end inside a character; anything else wrong is not text.
        Err(error) if error.error_len().is_none() => match std::str::from_utf8(&head[..error.valid_up_to()]) {
            Ok(text) => text,
            Err(_) => return false,
        },
        Err(_) => return false,
    };
    !valid.trim().is_empty() && !valid.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x0c'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_by_their_bytes() {
        let cases: [(&[u8], Option<MediaType>); 10] = [
            (b"\xff\xd8\xff\xe0rest", Some(MediaType::Jpeg)),
            (b"\x89PNG\r\n\x1a\nrest", Some(MediaType::Png)),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Some(MediaType::Webp)),
            (b"II*\0rest", Some(MediaType::Tiff)),
            (b"MM\0*rest", Some(MediaType::Tiff)),
            (b"junk\n%PDF-1.7\n", Some(MediaType::Pdf)),
            ("Total: 9,00 \u{20ac}\n".as_bytes(), Some(MediaType::Text)),
            (b"PK\x03\x04zip", None),
            (b"\x7fELF\x02", None),
            (b"", None),
        ];
        for (head, expected) in cases {
            assert_eq!(MediaType::sniff(head), expected, "{head:?}");
        }
    }

    #[test]
    fn text_may_be_cut_inside_a_character() {
        assert_eq!(MediaType::sniff(&"caf\u{e9}".as_bytes()[..4]), Some(MediaType::Text));
    }
}
