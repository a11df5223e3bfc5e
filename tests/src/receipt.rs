//! Receipts as plain text, as many different ones as a test wants: read in milliseconds, so that tests of something else stay quick.

use serde_json::{Value, json};

const MERCHANTS: [&str; 4] = ["Osterley Lamps Ltd", "Brackenfold Books Ltd", "Tallow Tools Ltd", "Merrivale Seeds Ltd"];

/// One receipt, told by its number.
#[derive(Debug, Clone, Copy)]
pub struct Receipt {
    number: u32,
}

impl Receipt {
    pub fn numbered(number: u32) -> Self {
        Self { number }
    }

    fn merchant(self) -> &'static str {
        MERCHANTS[self.number as usize % MERCHANTS.len()]
    }

    fn day(self) -> u32 {
        self.number % 27 + 1
    }

    fn total(self) -> String {
        format!("{}.{:02}", 40 + self.number, self.number * 7 % 100)
    }

    /// The file.
    pub fn text(self) -> Vec<u8> {
        let (merchant, day, total) = (self.merchant(), self.day(), self.total());
        format!(
            "{merchant}\nUnit 9, Weavers Row, Eastbrook EB4 2QD\nVAT no. GB 000 4471 38\n\nRECEIPT FOR YOUR ORDER 31-{:06}\n\nOrder date: {day} May 2022\n\n\
             Qty  Item                               Amount\n  1  Brass fitting, polished          GBP {total}\n\n\
             Total                               GBP {total}\n\nPaid by card. Thank you for shopping with us.\n",
            self.number
        )
        .into_bytes()
    }

    /// What it shows.
    pub fn claim(self) -> Value {
        json!({
            "merchant": self.merchant(),
            "date": format!("2022-05-{:02}", self.day()),
            "total": { "amount": self.total(), "currency": "GBP" },
        })
    }

    /// The same with a total that it does not show.
    pub fn wrong_claim(self) -> Value {
        let mut claim = self.claim();
        claim["total"]["amount"] = json!(format!("{}.{:02}", 640 + self.number, self.number * 7 % 100));
        claim
    }
}
