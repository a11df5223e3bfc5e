//! Reads the words beside a value: which of the labels of receipts and invoices they are, forgiving a misread letter.

/// Words of a label, folded for comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Label {
    words: Vec<String>,
}

impl Label {
    /// Splits at anything but letters and digits; digits inside words of letters are taken for the letters they resemble.
    pub fn read(text: &str) -> Self {
        Self { words: text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(fold).collect() }
    }

    /// Whether nothing is written there.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// How many words it has.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether a word stands there, or, for words of five letters and more, one that differs in one letter.
    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|read| resembles(read, word))
    }

    /// Whether one of the words stands there.
    pub fn has_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.has(word))
    }

    /// Whether the words stand there one after the other.
    pub fn has_phrase(&self, phrase: &[&str]) -> bool {
        !phrase.is_empty()
            && self.words.windows(phrase.len()).any(|window| window.iter().zip(phrase).all(|(read, word)| resembles(read, word)))
    }

    /// Whether it begins with these words.
    pub fn starts_with(&self, phrase: &[&str]) -> bool {
        self.words.len() >= phrase.len() && self.words.iter().zip(phrase).all(|(read, word)| resembles(read, word))
    }
}

fn fold(word: &str) -> String {
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let upper = word.to_uppercase();
    if letters * 2 < word.chars().count() {
        return upper;
    }
    upper
        .chars()
        .map(|c| match c {
            '0' => 'O',
            '1' | '|' => 'I',
            '5' => 'S',
            '8' => 'B',
            other => other,
        })
        .collect()
}

/// The same, or one letter off in a word long enough that this is no other word.
fn resembles(read: &str, word: &str) -> bool {
    read == word || (word.len() >= 5 && within_one_edit(read.as_bytes(), word.as_bytes()))
}

fn within_one_edit(a: &[u8], b: &[u8]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    if short.len() == long.len() {
        short.get(same + 1..) == long.get(same + 1..) || same == short.len()
    } else {
        short[same..] == long[same + 1..]
    }
}

/// What an amount is, by the words beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cues {
    /// TOTAL in any form.
    pub total: bool,
    /// Words that make a total the last one: grand, net to pay, due, payable, rounded.
    pub last: bool,
    /// Sums before tax or discount.
    pub subtotal: bool,
    /// Without tax.
    pub exclusive: bool,
    /// With tax.
    pub inclusive: bool,
    /// A tax, or a service charge.
    pub tax: bool,
    pub rounding: bool,
    /// What the customer handed over.
    pub payment: bool,
    /// The same, in notes and coins, so that change may be due.
    pub cash: bool,
    pub change: bool,
    pub discount: bool,
    /// Counts, points and prices of one piece.
    pub count: bool,
    /// Any label at all.
    pub any: bool,
}

impl Cues {
    /// Reads the cues of a label.
    pub fn read(text: &str) -> Self {
        let label = Label::read(text);
        let subtotal = label.has_any(&["SUBTOTAL", "SUBTTL", "SUBTOT", "ZWISCHENSUMME"])
            || label.has_phrase(&["SUB", "TOTAL"])
            || label.has_phrase(&["SUB", "TTL"]);
        let total = !subtotal
            && label.has_any(&["TOTAL", "TTL", "TOTALRM", "JUMLAH", "TOTAAL", "SUMME", "GESAMT", "GESAMTBETRAG", "NETTOTAL", "AMOUNTDUE"]);
        let tax = label.has_any(&["GST", "SST", "VAT", "TAX", "MWST", "UST", "IVA", "TVA", "BTW", "CUKAI"])
            || label.has_any(&["SERVICE", "SVC"]) && label.has_any(&["CHARGE", "CHG", "TAX"]);
        let exclusive = label.has_any(&[
            "EXCL",
            "EXCLUDE",
            "EXCLUDING",
            "EXCLUSIVE",
            "EXC",
            "BEFORE",
            "WITHOUT",
            "TAXABLE",
            "NETTO",
            "HT",
            "EXCLUSIEF",
        ]);
        let inclusive =
            label.has_any(&["INCL", "INCLUDE", "INCLUDED", "INCLUDING", "INCLUSIVE", "INC", "WITH", "AFTER", "BRUTTO", "TTC", "INCLUSIEF"]);
        let rounding = label.has_any(&["ROUNDING", "ROUND", "RND", "RNDING", "PEMBUNDARAN", "ADJUSTMENT"]) && !label.has("ROUNDED");
        let cash = label.has_any(&["CASH", "TENDER", "TENDERED", "TUNAI", "RECEIVED", "ACCEPTED"]);
        let change = label.has_any(&["CHANGE", "BAKI", "RUECKGELD"]);
        Self {
            total,
            last: label.has_any(&["GRAND", "NETT", "PAYABLE", "ROUNDED", "DUE", "FINAL", "ZAHLBETRAG"])
                || label.has_phrase(&["NET", "TOTAL"])
                || label.has_phrase(&["TO", "PAY"]),
            subtotal,
            exclusive,
            inclusive,
            tax,
            rounding: rounding && !(total && label.has("AFTER")),
            payment: cash
                || label.has_any(&["VISA", "MASTER", "MASTERCARD", "CARD", "PAID", "PAYMENT", "DEBIT", "CREDIT", "AMEX", "PAY", "EFTPOS"])
                    && !change,
            cash,
            change,
            discount: label.has_any(&["DISCOUNT", "DISC", "SAVING", "SAVINGS", "SAVED", "REBATE", "VOUCHER", "RABATT"]),
            count: label.has_any(&["QTY", "QUANTITY", "ITEM", "ITEMS", "POINT", "POINTS", "QTYS", "PCS", "UNIT", "WEIGHT", "BALANCES"]),
            any: !label.is_empty(),
        }
    }

    /// A plain sum of everything: what the field `total` looks for.
    pub fn is_whole(&self) -> bool {
        (self.total || self.last)
            && !self.subtotal
            && !self.exclusive
            && !self.change
            && !self.discount
            && (!self.tax || self.inclusive)
            && !self.rounding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_forgive_a_letter() {
        for text in ["TOTAL", "T0TAL:", "TOTAI", "TOTL", "Total (MYR)", "GRAND TOTAL"] {
            assert!(Cues::read(text).total, "{text}");
        }
        for text in ["TOAST", "TOTE BAG", "SUBTOTAL", "SUB-TOTAL", "SUB TOTAL"] {
            assert!(!Cues::read(text).total, "{text}");
        }
    }

    #[test]
    fn a_whole_is_neither_part_nor_payment() {
        for text in ["TOTAL", "GRAND TOTAL", "TOTAL SALES (INCLUSIVE OF GST)", "AMOUNT DUE", "TOTAL ROUNDED", "BALANCE DUE"] {
            assert!(Cues::read(text).is_whole(), "{text}");
        }
        for text in ["SUBTOTAL", "TOTAL GST", "TOTAL (EXCLUDING GST)", "CHANGE", "CASH", "ROUNDING ADJUSTMENT", "TOTAL DISCOUNT"] {
            assert!(!Cues::read(text).is_whole(), "{text}");
        }
    }

    #[test]
    fn edits_are_counted() {
        for (a, b, close) in [
            ("TOTAL", "TOTAL", true),
            ("TOTAL", "TOTAI", true),
            ("TOTL", "TOTAL", true),
            ("XTOTAL", "TOTAL", true),
            ("TTAAL", "TOTAL", false),
            ("", "TOTAL", false),
        ] {
            assert_eq!(within_one_edit(a.as_bytes(), b.as_bytes()), close, "{a} {b}");
        }
    }
}
