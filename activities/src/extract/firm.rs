//! What the name of a firm looks like: legal forms, trades, and what readers and printers add to it.

use std::sync::LazyLock;

use regex::Regex;

use crate::extract::label::Label;

/// Endings that the law gives to firms, and only to them.
const LEGAL: [&str; 26] = [
    "SDN", "BHD", "S/B", "PLT", "LTD", "LIMITED", "LLC", "LLP", "INC", "CORP", "PLC", "GMBH", "AG", "KG", "UG", "AB", "AS", "OY", "BV",
    "SA", "SARL", "SRL", "SPA", "PTE", "PTY", "BERHAD",
];

/// What firms call themselves.
pub const TRADES: [&str; 60] = [
    "BEVERAGE",
    "FOODS",
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

/// Whether a legal form stands in it.
pub fn is_legal(label: &Label) -> bool {
    label.has_any(&LEGAL) || label.has_phrase(&["S", "B"])
}

/// `SDN BHD`, `CO. (M) BHD`, `RESTAURANT SDN BHD`: forms, letters in brackets and trades, nothing that names one firm.
pub fn is_generic(name: &str) -> bool {
    name.split(|c: char| !c.is_alphanumeric())
        .map(str::to_uppercase)
        .all(|word| word.len() <= 1 || LEGAL.contains(&word.as_str()) || TRADES.contains(&word.as_str()) || word == "MALAYSIA")
}

// Any number with four digits behind a legal form is the registration number, with or without brackets.
static NUMBER_BEHIND_FORM: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)((?:BHD|S/B|LTD|LLC|GMBH|PLT|INC)\b\.?)[ (:]*[\w/\-]*[0-9]{4}.*$").ok());
// `SDN BHD` as readers take it.
static MISREAD_FORM: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\bS[DOU0][NMH]([.,]?) ?B[HN][DO0]\b").ok());

/// Without the registration number behind it, greetings before it and rubbish around it; slips of the reader that no name has are put right.
pub fn clean(text: &str) -> Option<String> {
    let mut name = text.replace("$/B", "S/B").replace("Y¥", "Y").replace('¥', "Y").replace(".1.", ".I.").replace(".0.", ".O.");
    if let Some(form) = MISREAD_FORM.as_ref() {
        name = form.replace(&name, "SDN$1 BHD").into_owned();
    }
    if let Some(number) = NUMBER_BEHIND_FORM.as_ref() {
        name = number.replace(&name, "$1").into_owned();
    }
    let mut name = name.as_str();
    if let Some(open) = name.rfind('(')
        && name[open..].chars().filter(char::is_ascii_digit).count() >= 4
    {
        name = &name[..open];
    }
    for greeting in ["Welcome to", "WELCOME TO"] {
        name = name.strip_prefix(greeting).unwrap_or(name);
    }
    let name = name
        .trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, ')' | '(' | '.'))
        .trim_start_matches([')', '.', ' '])
        .trim_end_matches(['(', ' ']);
    (letters(name) >= 3).then(|| name.to_owned())
}

/// How many letters it has.
pub fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_is_not_theirs() {
        for (read, name) in [
            ("PETAL & ROOT SDN BHD (998877-X)", "PETAL & ROOT SDN BHD"),
            ("PETAL & ROOT SON BHO 998877-X", "PETAL & ROOT SDN BHD"),
            ("* Welcome to Petal & Root *", "Welcome to Petal & Root"),
            ("Welcome to Petal & Root", "Petal & Root"),
            ("Alder Tools Ltd", "Alder Tools Ltd"),
            ("KEDAI A.1.B", "KEDAI A.I.B"),
        ] {
            assert_eq!(clean(read).as_deref(), Some(name), "{read}");
        }
        assert_eq!(clean("--- 12"), None);
    }

    #[test]
    fn a_form_without_a_name_is_generic() {
        for (name, generic) in [("SDN BHD", true), ("CO. (M) BHD", true), ("RESTAURANT SDN BHD", true), ("PETAL SDN BHD", false)] {
            assert_eq!(is_generic(name), generic, "{name}");
        }
    }
}
