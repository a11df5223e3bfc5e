//! The name of the seller: rows near the top that look like a firm and not like an address, a number or a title.

use domain::claim::FieldValue;

use crate::extract::candidate::{Candidate, doubt};
use crate::extract::firm::{TRADES, clean, is_generic, is_legal, letters};
use crate::extract::label::Label;
use crate::extract::row::{Row, Span, median_height};

/// Names stand at the top; further down are goods.
const HEAD_ROWS: usize = 10;

/// Words of titles, numbers and greetings, which no name of a firm holds.
const TITLES: [&str; 64] = [
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
    "WELCOME",
    "HOURS",
    "GUEST",
    "CHECK",
    "ITEM",
    "PRICE",
    "AMOUNT",
    "CODE",
    "ITEMS",
    "TOTAL",
    "SUBTOTAL",
    "AUTH",
    "APPROVED",
    "SERVER",
    "GUESTS",
    "GOODS",
    "SOLD",
    "POSTED",
    "RECHNUNG",
    "FACTURE",
    "FACTUUR",
    "PAYMENT",
    "AGREEMENT",
    "DETAILS",
];

/// Words of addresses.
const PLACES: [&str; 37] = [
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
    "PARADE",
];

/// Before a name that is not the shop's own.
const OWNERS: [&str; 8] = ["OWNED", "OWN", "OWNER", "OPERATED", "DIMILIKI", "OLEH", "FORMERLY", "KNOWN"];

/// Candidates for the name, from the first rows of the first page. `buyers` are names that stand there for another reason.
pub fn candidates(rows: &[Row], buyers: &[Candidate]) -> Vec<Candidate> {
    let usual = median_height(rows);
    let first_page = rows.first().map(|row| row.page);
    let readable = |row: &&Row| Some(row.page) == first_page && letters(&row.text) >= 3 && row.confidence() > 0.3;
    let head: Vec<&Row> = rows.iter().filter(readable).take(HEAD_ROWS).collect();
    let mut found = Vec::new();
    for (place, row) in head.iter().enumerate() {
        for segment in &row.segments {
            let Some(range) = row.sure_part(segment.clone()) else { continue };
            let Some((name, span)) = row.text.get(range.clone()).and_then(clean).zip(row.span(range)) else { continue };
            if buyers.iter().any(|buyer| buyer.page == row.page && buyer.span.bbox == span.bbox) {
                continue;
            }
            let greeted = place.checked_sub(1).and_then(|above| head.get(above)).is_some_and(|above| above.upper.contains("WELCOME TO"));
            let place_in_row = if segment.start > 0 { -0.8 } else { 0.0 };
            let around = place_in_row + if greeted { 1.4 } else { 0.0 };
            if let Some((longer, both)) = join_with_next(row, &name, &span, head.get(place + 1).copied()) {
                let weight = weigh(row, &longer, place, usual) + around + 0.4;
                found.push(Candidate::at(row, both, FieldValue::Name(longer), weight));
            }
            let weight = weigh(row, &name, place, usual) + around;
            found.push(Candidate::at(row, span, FieldValue::Name(name), weight));
        }
    }
    // Where a firm names itself with its legal form, a line without one is more likely something else.
    let is_firm = |candidate: &Candidate| matches!(&candidate.value, FieldValue::Name(name) if is_legal(&Label::read(name)));
    let is_trade = |candidate: &Candidate| matches!(&candidate.value, FieldValue::Name(name) if Label::read(name).has_any(&TRADES));
    let firm_named = found.iter().any(|candidate| is_firm(candidate) && candidate.weight > 0.0);
    for candidate in &mut found {
        candidate.weight += doubt(candidate.span.confidence) * 0.6;
        if firm_named && !is_firm(candidate) && !is_trade(candidate) {
            candidate.weight -= 0.9;
        }
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
    weight -= if label.has_any(&OWNERS) { 1.2 } else { 0.0 };
    weight += if !legal && (name.contains(" & ") || name.contains("'S") || name.contains("'s")) { 0.8 } else { 0.0 };
    // A trade or a legal form with nothing of its own before it ends a name that began a line higher, or tells what is sold.
    weight -= if is_generic(name) { 2.2 } else { 0.0 };
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

/// A name that runs over two lines ends in its legal form: `... CASH & CARRY` / `SDN BHD`.
fn join_with_next(row: &Row, name: &str, span: &Span, next: Option<&Row>) -> Option<(String, Span)> {
    let next = next.filter(|next| next.page == row.page)?;
    let tail = clean(&next.text)?;
    let label = Label::read(name);
    // `... HARDWARE &` / `ELECTRICAL`, `THE COFFEE CORNER` / `& TEA ROOM`.
    let goes_on = row.text.trim_end().ends_with('&') || next.text.trim_start().starts_with('&');
    let is_tail = (goes_on || (is_legal(&Label::read(&tail)) && is_generic(&tail))) && !is_legal(&label) && !label.has_any(&TITLES);
    if !is_tail {
        return None;
    }
    let whole = next.whole()?;
    let both = Span {
        bbox: span.bbox.union(&whole.bbox),
        text: format!("{} {}", span.text, whole.text),
        confidence: span.confidence.min(whole.confidence),
    };
    Some((format!("{name}{}{tail}", if goes_on { " & " } else { " " }), both))
}
