//! Makes the claims of a labelled set: for each document and field the truth, what is almost the truth, and what is far from it.

use std::collections::BTreeMap;

use domain::calibration::Chance;
use domain::claim::FieldValue;
use domain::money::Money;
use rust_decimal::Decimal;

use super::{Generated, Kind, near, printed};
use crate::eval::alike;
use crate::eval::gold::{Gold, Item, Set};

/// Names and addresses less alike than this are of somebody else.
const SOMEBODY_ELSE: f64 = 0.5;
/// The same issuer's other names and addresses are that much unlike, else they are spellings of one.
const ANOTHER_SPELLING: f64 = 0.8;
/// What else a claim may be in, where the documents are all in one currency.
const CURRENCIES: [&str; 4] = ["SGD", "USD", "EUR", "GBP"];
/// Drawings for a value of somebody else before it is given up.
const DRAWS: usize = 50;

/// Every claim about every document, the same for the same seed.
pub fn make(set: &Set, seed: u64) -> Vec<Generated> {
    let mut all = Vec::new();
    for (index, item) in set.items.iter().enumerate() {
        // A chance per document, so that one document's claims do not depend on how many others there are before it.
        let mut chance = Chance::new(seed ^ (index as u64).wrapping_mul(0x2545_f491_4f6c_dd1d));
        for (field, gold) in &item.gold {
            let currency = currency(item);
            let mut add = |kind: Kind, gold: &Gold| {
                all.push(Generated { item: index, kind, fields: BTreeMap::from([(field.clone(), value(gold, currency.as_deref()))]) });
            };
            add(Kind::True, gold);
            if field != "currency" {
                add(Kind::Blanked, gold);
            }
            for (how, near) in near_values(set, item, field, gold, &mut chance) {
                add(Kind::Near(how), &near);
            }
            if let Gold::Date(date) = gold
                && let Some(swapped) = near::swapped(*date)
            {
                add(Kind::SwappedDay, &Gold::Date(swapped));
            }
            if let Some(far) = far_value(set, item, field, gold, &mut chance) {
                add(Kind::Far, &far);
            }
        }
        all.extend(whole(Kind::True, index, item));
        all.extend(another(set, item, &mut chance).and_then(|other| whole(Kind::WrongDocument, index, other)));
    }
    all
}

/// A claim of all labelled fields at once.
fn whole(kind: Kind, index: usize, of: &Item) -> Option<Generated> {
    let currency = currency(of);
    let fields: BTreeMap<_, _> = of.gold.iter().map(|(field, gold)| (field.clone(), value(gold, currency.as_deref()))).collect();
    (fields.len() > 1).then_some(Generated { item: index, kind, fields })
}

fn currency(item: &Item) -> Option<String> {
    item.gold.get("currency").and_then(|gold| if let Gold::Identifier(code) = gold { Some(code.clone()) } else { None })
}

/// The label as a client would write it: another case, plain amounts, legal forms with their dots.
fn value(gold: &Gold, currency: Option<&str>) -> FieldValue {
    match gold {
        Gold::Date(date) => FieldValue::Date { date: *date, alternative: None },
        Gold::Amount(amount) => FieldValue::Money(Money { amount: amount.abs().normalize(), currency: currency.map(str::to_owned) }),
        Gold::Name(name) => FieldValue::Name(respelt(name)),
        Gold::Address(address) => FieldValue::Address(respelt(address)),
        Gold::Identifier(text) => FieldValue::Identifier(text.clone()),
    }
}

fn respelt(text: &str) -> String {
    let word = |word: &str| match word.trim_end_matches('.').to_uppercase().as_str() {
        "SDN" => "Sdn.".to_owned(),
        "BHD" => "Bhd.".to_owned(),
        _ => {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect()).unwrap_or_default()
        }
    };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

fn near_values(set: &Set, item: &Item, field: &str, gold: &Gold, chance: &mut Chance) -> Vec<(&'static str, Gold)> {
    match gold {
        Gold::Date(date) => near::dates(*date, chance).into_iter().map(|(how, date)| (how, Gold::Date(date))).collect(),
        Gold::Amount(amount) => {
            let printed = if field == "total" { printed::amounts(&item.file) } else { Vec::new() };
            let other = |value: &Decimal| *value != amount.abs();
            let printed = printed.into_iter().filter(|(_, value)| other(value));
            near::amounts(*amount, chance).into_iter().chain(printed).map(|(how, amount)| (how, Gold::Amount(amount))).collect()
        }
        Gold::Name(name) => {
            let digits = near::texts(name, chance).into_iter().map(|(how, text)| (how, Gold::Name(text)));
            let another_word = another(set, item, chance).and_then(|other| match other.gold.get(field) {
                Some(Gold::Name(other)) => first_word_of(other, name).map(|text| ("another word", Gold::Name(text))),
                _ => None,
            });
            digits.chain(another_word).chain(relative(set, item, field, chance)).collect()
        }
        Gold::Address(address) => {
            let digits = near::texts(address, chance).into_iter().map(|(how, text)| (how, Gold::Address(text)));
            digits.chain(relative(set, item, field, chance)).collect()
        }
        Gold::Identifier(_) if field == "currency" => Vec::new(),
        Gold::Identifier(text) => {
            let digits = near::texts(text, chance).into_iter();
            let confused = near::confused(text).map(|text| ("letter for digit", text));
            digits.chain(confused).map(|(how, text)| (how, Gold::Identifier(text))).collect()
        }
    }
}

/// A name or an address that another document of the same issuer has.
fn relative(set: &Set, item: &Item, field: &str, chance: &mut Chance) -> Option<(&'static str, Gold)> {
    let mine = item.gold.get(field)?;
    let others: Vec<&Gold> = set
        .items
        .iter()
        .filter(|other| other.group == item.group)
        .filter_map(|other| other.gold.get(field))
        .filter(|other| likeness(mine, other) < ANOTHER_SPELLING && is_elsewhere(mine, other))
        .collect();
    let how = if matches!(mine, Gold::Address(_)) { "another branch" } else { "another of the chain" };
    chance.one_of(&others).map(|gold| (how, (*gold).clone()))
}

/// Two addresses with the same numbers are one place, however much more one label says of it.
fn is_elsewhere(a: &Gold, b: &Gold) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    !matches!((a, b), (Gold::Address(a), Gold::Address(b)) if digits(a) == digits(b))
}

fn likeness(a: &Gold, b: &Gold) -> f64 {
    match (a, b) {
        (Gold::Name(a), Gold::Name(b)) | (Gold::Address(a), Gold::Address(b)) => alike::ratio(a, b),
        _ => f64::from(u8::from(a == b)),
    }
}

/// The name with its first word changed for the other's.
fn first_word_of(other: &str, name: &str) -> Option<String> {
    let (first, rest) = name.split_once(' ')?;
    let word = other.split_whitespace().next().filter(|word| alike::ratio(word, first) < SOMEBODY_ELSE)?;
    Some(format!("{word} {rest}"))
}

/// The value of another issuer's document, clearly another one.
fn far_value(set: &Set, item: &Item, field: &str, gold: &Gold, chance: &mut Chance) -> Option<Gold> {
    if field == "currency" {
        let other = |code: &&&str| !matches!(gold, Gold::Identifier(mine) if mine == **code);
        let others: Vec<&&str> = CURRENCIES.iter().filter(other).collect();
        return chance.one_of(&others).map(|code| Gold::Identifier((**code).to_owned()));
    }
    (0..DRAWS)
        .find_map(|_| another(set, item, chance).and_then(|other| other.gold.get(field)).filter(|far| likeness(gold, far) < SOMEBODY_ELSE))
        .cloned()
}

/// A document of another issuer.
fn another<'a>(set: &'a Set, item: &Item, chance: &mut Chance) -> Option<&'a Item> {
    (0..DRAWS).find_map(|_| chance.one_of(&set.items).filter(|other| other.group != item.group))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use chrono::NaiveDate;

    use super::*;
    use crate::eval::gold::Shape;

    fn set() -> Set {
        let item = |group: usize, name: &str, address: &str, day: u32, amount: &str| Item {
            file: PathBuf::from("nowhere.jpg"),
            group,
            gold: BTreeMap::from([
                ("merchant".to_owned(), Gold::Name(name.to_owned())),
                ("address".to_owned(), Gold::Address(address.to_owned())),
                ("date".to_owned(), Gold::Date(NaiveDate::from_ymd_opt(2018, 3, day).unwrap())),
                ("total".to_owned(), Gold::Amount(amount.parse().unwrap())),
                ("currency".to_owned(), Gold::Identifier("MYR".to_owned())),
            ]),
        };
        let items = vec![
            item(0, "PETAL & ROOT SDN BHD", "4 JALAN MELATI, 81200 JOHOR", 4, "9.00"),
            item(0, "PETAL & ROOT SDN BHD", "77 LORONG KENANGA SELATAN, 50100 KUALA LUMPUR", 30, "12.30"),
            item(1, "TIN WORKS", "1 MILL LANE, BRIDGEFORD", 12, "80.10"),
        ];
        Set { shape: Shape::Receipts, items }
    }

    #[test]
    fn every_kind_is_made_and_no_false_claim_is_true() {
        let set = set();
        let all = make(&set, 7);
        for claim in all.iter().filter(|claim| claim.field().is_some()) {
            let field = claim.field().unwrap();
            let gold = &set.items[claim.item].gold[field];
            let is_true = gold.is(&claim.fields[field]);
            if claim.kind.is_false() && !matches!(gold, Gold::Name(_) | Gold::Address(_)) {
                assert!(!is_true, "{claim:?}");
            }
            if !claim.kind.is_false() {
                assert!(is_true, "{claim:?}");
            }
        }
        let of = |item: usize, field: &str| -> Vec<String> {
            all.iter().filter(|claim| claim.item == item && claim.field() == Some(field)).map(|claim| claim.kind.word()).collect()
        };
        let near = |how: &str| format!("near-false: {how}");
        assert_eq!(of(0, "currency"), ["true", "far-false"]);
        assert!(of(0, "date").contains(&"day and month swapped".to_owned()), "the fourth of March");
        assert!(!of(1, "date").contains(&"day and month swapped".to_owned()), "the thirtieth of March");
        assert!(of(0, "address").contains(&near("another branch")));
        assert!(of(0, "merchant").contains(&near("another word")));
        assert!(of(2, "total").contains(&near("one digit")) && of(2, "total").contains(&"unanswerable".to_owned()));
        let whole: Vec<String> =
            all.iter().filter(|claim| claim.item == 2 && claim.fields.len() > 1).map(|claim| claim.kind.word()).collect();
        assert_eq!(whole, ["true", "wrong document"]);
    }

    #[test]
    fn the_same_seed_makes_the_same_claims() {
        let (one, same, other) = (make(&set(), 7), make(&set(), 7), make(&set(), 8));
        assert_eq!(format!("{one:?}"), format!("{same:?}"));
        assert_ne!(format!("{one:?}"), format!("{other:?}"));
    }

    #[test]
    fn truths_are_spelt_otherwise() {
        assert_eq!(respelt("PETAL & ROOT SDN BHD."), "Petal & Root Sdn. Bhd.");
    }
}
