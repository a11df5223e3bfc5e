//! The name of the seller: rows near the top that look like a firm and not like an address, a number or a title.

use domain::claim::FieldValue;

use crate::extract::candidate::{Candidate, doubt};
use crate::extract::label::Label;
use crate::extract::row::{Row, Span, median_height};

/// Names stand at the top; further down are goods.
const HEAD_ROWS: usize = 10;

/// Endings that the law gives to firms, and only to them.
const LEGAL: [&str; 26] = [
    "SDN", "BHD", "S/B", "PLT", "LTD", "LIMITED", "LLC", "LLP", "INC", "CORP", "PLC", "GMBH", "AG", "KG", "UG", "AB", "AS", "OY", "BV",
    "SA", "SARL", "SRL", "SPA", "PTE", "PTY", "BERHAD",
];

/// What firms call themselves.
const TRADES: [&str; 58] = [
    "ENTERPRISE",
    "TRADING",
    "RESTAURANT",
    "RESTORAN",
    "CAFE",
    "COFFEE",
    "KOPITIAM",
    "BAKERY",
    "STORE",
    "STORES",
    "SHOP",
    "MART",
    "MINIMART",
    "MARKET",
    "SUPERMARKET",
    "HYPERMARKET",
    "PASAR",
    "HARDWARE",
    "STATIONERY",
    "STATIONERS",
    "BOOKS",
    "BOOKSTORE",
    "BOOKSTORES",
    "PHARMACY",
    "FARMASI",
    "FLORIST",
    "HOTEL",
    "PIZZA",
    "SEAFOOD",
    "KITCHEN",
    "HOUSE",
    "GROCER",
    "SUPPLIES",
    "SUPPLY",
    "SERVICES",
    "SERVICE",
    "COMPANY",
    "CO",
    "GROUP",
    "HOLDINGS",
    "INDUSTRIES",
    "ELECTRICAL",
    "MARKETING",
    "DISTRIBUTOR",
    "SYARIKAT",
    "PERNIAGAAN",
    "KEDAI",
    "DINER",
    "BISTRO",
    "BAR",
    "GRILL",
    "BROS",
    "BROTHERS",
    "PARKING",
    "TAXI",
    "STATION",
    "PETROL",
    "CONFECTIONERY",
];

/// Words of titles, numbers and greetings, which no name of a firm holds.
const TITLES: [&str; 40] = [
    "INVOICE",
    "RECEIPT",
    "TAX",
    "GST",
    "SST",
    "VAT",
    "TEL",
    "FAX",
    "PHONE",
    "TELEPHONE",
    "EMAIL",
    "DATE",
    "TIME",
    "CASHIER",
    "TABLE",
    "BILL",
    "ORDER",
    "ROC",
    "REG",
    "REGISTRATION",
    "CASH",
    "MEMBER",
    "PAGE",
    "COPY",
    "QTY",
    "DESCRIPTION",
    "CUSTOMER",
    "TO",
    "THANK",
    "WEBSITE",
    "WWW",
    "TERMINAL",
    "COUNTER",
    "DUPLICATE",
    "TAKE",
    "DINE",
    "BRANCH",
    "NO",
    "LICENSEE",
    "DELIVERY",
];

/// Words of addresses.
const PLACES: [&str; 36] = [
    "JALAN",
    "JLN",
    "LOT",
    "TAMAN",
    "TMN",
    "BANDAR",
    "KAWASAN",
    "LORONG",
    "PERSIARAN",
    "KAMPUNG",
    "JOHOR",
    "SELANGOR",
    "KUALA",
    "LUMPUR",
    "PENANG",
    "PERAK",
    "MALAYSIA",
    "STREET",
    "ROAD",
    "AVENUE",
    "LANE",
    "DRIVE",
    "SQUARE",
    "QUAY",
    "FLOOR",
    "LEVEL",
    "BLOCK",
    "BLOK",
    "UNIT",
    "SUITE",
    "BOX",
    "SEKSYEN",
    "SECTION",
    "WILAYAH",
    "GROUND",
    "BATU",
];

/// Candidates for the name, from the first rows of the first page.
pub fn candidates(rows: &[Row]) -> Vec<Candidate> {
    let usual = median_height(rows);
    let first_page = rows.first().map(|row| row.page);
    let head: Vec<&Row> = rows.iter().filter(|row| Some(row.page) == first_page && letters(&row.text) >= 3).take(HEAD_ROWS).collect();
    let mut found = Vec::new();
    for (place, row) in head.iter().enumerate() {
        for segment in &row.segments {
            let Some(text) = row.text.get(segment.clone()) else { continue };
            let Some(name) = clean(text) else { continue };
            let Some(span) = row.span(segment.clone()) else { continue };
            let weight = weigh(row, &name, place, usual) - if segment.start > 0 { 0.8 } else { 0.0 };
            let joined = join_with_next(row, &name, &span, head.get(place + 1).copied());
            if let Some((longer, both)) = joined {
                found.push(Candidate::at(row, both, FieldValue::Name(longer), weight + 0.8));
            }
            found.push(Candidate::at(row, span, FieldValue::Name(name), weight));
        }
    }
    for candidate in &mut found {
        candidate.weight += doubt(candidate.span.confidence) * 0.5;
    }
    found
}

fn weigh(row: &Row, name: &str, place: usize, usual: f32) -> f64 {
    let label = Label::read(name);
    let legal = is_legal(&label);
    let mut weight = -0.6 - 0.35 * place as f64;
    weight += if place == 0 { 0.5 } else { 0.0 };
    weight += if legal { 2.6 } else { 0.0 };
    weight += if !legal && label.has_any(&TRADES) { 1.5 } else { 0.0 };
    weight -= if label.has_any(&TITLES) { 2.2 } else { 0.0 };
    weight -= if label.has_any(&PLACES) { 1.6 } else { 0.0 };
    let size = if usual > 0.0 { f64::from(row.height / usual) } else { 1.0 };
    weight += (1.6 * (size - 1.0)).clamp(-0.6, 1.6);
    let (count, digits) = (name.chars().filter(|c| !c.is_whitespace()).count().max(1), name.chars().filter(char::is_ascii_digit).count());
    weight -= 6.0 * digits as f64 / count as f64;
    let odd = name.chars().filter(|c| !c.is_alphanumeric() && !c.is_whitespace() && !"&.'()-,/".contains(*c)).count();
    weight -= 4.0 * odd as f64 / count as f64;
    weight -= if count < 5 { 1.0 } else { 0.0 };
    weight -= if name.ends_with(',') || name.contains('@') { 1.0 } else { 0.0 };
    weight
}

fn is_legal(label: &Label) -> bool {
    label.has_any(&LEGAL) || label.has_phrase(&["S", "B"])
}

/// A name that runs over two lines ends in its legal form: `... CASH & CARRY` / `SDN BHD`.
fn join_with_next(row: &Row, name: &str, span: &Span, next: Option<&Row>) -> Option<(String, Span)> {
    let next = next.filter(|next| next.page == row.page)?;
    let tail = clean(&next.text)?;
    let label = Label::read(&tail);
    let is_tail = is_legal(&label) && label.len() <= 4 && !is_legal(&Label::read(name)) && !Label::read(name).has_any(&TITLES);
    if !is_tail {
        return None;
    }
    let whole = next.whole()?;
    let both = Span {
        bbox: span.bbox.union(&whole.bbox),
        text: format!("{} {}", span.text, whole.text),
        confidence: span.confidence.min(whole.confidence),
    };
    Some((format!("{name} {tail}"), both))
}

/// Without the registration number in brackets behind it, greetings before it and rubbish around it.
pub fn clean(text: &str) -> Option<String> {
    let mut name = text;
    if let Some(open) = name.rfind('(')
        && name[open..].chars().filter(char::is_ascii_digit).count() >= 4
    {
        name = &name[..open];
    }
    for label in ["Welcome to", "WELCOME TO", "Owned by", "OWNED BY"] {
        name = name.strip_prefix(label).unwrap_or(name);
    }
    let name = name
        .trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, ')' | '(' | '.'))
        .trim_start_matches([')', '.'])
        .trim_end_matches('(')
        .trim();
    (letters(name) >= 3).then(|| name.to_owned())
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}
