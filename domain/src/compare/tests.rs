//! Every kind of comparison by tables, and the properties that hold for all of them.

use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::money::Money;

fn money(amount: &str, currency: Option<&str>) -> FieldValue {
    FieldValue::Money(Money { amount: amount.parse().unwrap(), currency: currency.map(str::to_owned) })
}

fn date(text: &str, alternative: Option<&str>) -> FieldValue {
    let parse = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap();
    FieldValue::Date { date: parse(text), alternative: alternative.map(parse) }
}

fn word(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Same { .. } => "same",
        Comparison::Different { .. } => "different",
        Comparison::Unclear { reason, .. } => reason,
    }
}

#[test]
fn money_is_the_same_to_the_cent_and_in_its_currency() {
    let claimed = money("9.00", Some("MYR"));
    for (found, expected) in [
        (money("9.0", Some("MYR")), "same"),
        (money("9", None), "same"),
        (money("9.01", Some("MYR")), "different"),
        (money("9.00", Some("SGD")), "different"),
        (money("-9.00", Some("MYR")), "different"),
    ] {
        assert_eq!(word(compare(&claimed, &found)), expected, "{found:?}");
    }
}

#[test]
fn dates_know_that_day_and_month_may_be_swapped() {
    let claimed = date("2018-03-04", None);
    for (found, expected) in [
        (date("2018-03-04", Some("2018-04-03")), "same"),
        (date("2018-04-03", Some("2018-03-04")), "day_month_order"),
        (date("2018-04-03", None), "different"),
    ] {
        assert_eq!(word(compare(&claimed, &found)), expected, "{found:?}");
    }
}

#[test]
fn names_forgive_form_order_and_slips_but_not_another_name() {
    for (claimed, found, expected) in [
        ("Kedai Kopi Sdn Bhd", "KEDAI KOPI", "same"),
        ("Kopi Kedai", "Kedai, Kopi", "same"),
        ("Café Zoë GmbH", "CAFE ZOE", "same"),
        ("Domino's Pizza", "DOMINOS PIZZA", "same"),
        ("Harrow & Pell", "HARR0W & PELL", "same"),
        ("Harrow & Pell", "Warung Senja", "different"),
        ("Golden Arches Restaurants", "Golden Scoop Restaurants", "similar_name"),
        ("99 Corner Mart", "98 Corner Mart", "another_word"),
        ("99 Corner Mart", "Corner Mart 99", "same"),
        ("Tin Corner Seafood Restaurant", "Gem Corner Seafood Restaurant", "another_word"),
        ("Perniagaan Tin Corner", "PERNIAGAANTIN C0RNER", "same"),
        ("Tin Works (Melaka)", "TIN WORKS", "part_of_name"),
        ("Tin Works (M) Sdn Bhd", "TIN WORKS", "same"),
    ] {
        let claimed = FieldValue::Name(claimed.to_owned());
        assert_eq!(word(compare(&claimed, &FieldValue::Name(found.to_owned()))), expected, "{claimed:?} {found}");
    }
}

#[test]
fn identifiers_are_exact_and_confusable_ones_are_for_a_person() {
    for (claimed, found, expected) in [
        ("TS-10733", "ts 10733", "same"),
        ("TS-10733", "TS-10788", "different"),
        ("B16-1809", "816-1809", "confusable_characters"),
        ("INV-0O1", "INV-001", "confusable_characters"),
        ("", "", "different"),
    ] {
        let claimed = FieldValue::Identifier(claimed.to_owned());
        assert_eq!(word(compare(&claimed, &FieldValue::Identifier(found.to_owned()))), expected, "{claimed:?} {found}");
    }
}

#[test]
fn addresses_share_their_words_and_never_two_postcodes() {
    let claimed = FieldValue::Address("No. 12, Jalan Cempaka 4, 47301 Petaling Jaya".to_owned());
    for (found, expected) in [
        ("NO.12 JALAN CEMPAKA 4 47301 PETALING JAYA", "same"),
        ("NO.12 JALAN CEMPAKA 4 47801 PETALING JAYA", "postcode"),
        ("NO. 13 JALAN CEMPAKA 4 47301 PETALING JAYA", "number_in_address"),
        ("NO. 4 JALAN CEMPAKA 12 47301 PETALING JAYA", "same"),
        ("NO. 4 JALAN CEMPAKA 4 47301 PETALING JAYA", "number_in_address"),
        ("JALAN CEMPAKA 4 47301 PETALING JAYA", "same"),
        ("8 High Street, Oxford", "different"),
    ] {
        assert_eq!(word(compare(&claimed, &FieldValue::Address(found.to_owned()))), expected, "{found}");
    }
}

#[test]
fn quantities_need_the_same_unit() {
    let quantity =
        |amount: &str, unit: Option<&str>| FieldValue::Quantity { amount: amount.parse().unwrap(), unit: unit.map(str::to_owned) };
    assert_eq!(word(compare(&quantity("2.5", Some("kg")), &quantity("2.50", Some("KG")))), "same");
    assert_eq!(word(compare(&quantity("2.5", Some("kg")), &quantity("2.5", None))), "unit");
    assert_eq!(word(compare(&quantity("2.5", Some("kg")), &quantity("3", Some("kg")))), "different");
}

#[test]
fn values_of_two_kinds_never_support() {
    assert_eq!(word(compare(&FieldValue::Text("9.00".to_owned()), &money("9.00", None))), "different");
}

fn value() -> impl Strategy<Value = FieldValue> {
    let amount = (-100_000_i64..100_000).prop_map(|cents| Decimal::new(cents, 2));
    let currency = prop_oneof![Just(None), Just(Some("MYR".to_owned())), Just(Some("EUR".to_owned()))];
    let day = (0_i64..20_000).prop_map(|days| NaiveDate::from_ymd_opt(1990, 1, 1).unwrap() + chrono::Duration::days(days));
    prop_oneof![
        (amount, currency).prop_map(|(amount, currency)| FieldValue::Money(Money { amount, currency })),
        (day.clone(), proptest::option::of(day)).prop_map(|(date, alternative)| FieldValue::Date { date, alternative }),
        "[A-Za-z0-9 .&'-]{0,24}".prop_map(FieldValue::Name),
        "[A-Z0-9-]{0,12}".prop_map(FieldValue::Identifier),
        "[A-Za-z0-9 ,.]{0,40}".prop_map(FieldValue::Address),
        "\\PC{0,24}".prop_map(FieldValue::Text),
    ]
}

proptest! {
    #[test]
    fn comparing_is_the_same_either_way_round(a in value(), b in value()) {
        let (there, back) = (compare(&a, &b), compare(&b, &a));
        prop_assert_eq!(word(there), word(back));
        prop_assert!((there.similarity() - back.similarity()).abs() < 1e-9);
    }

    #[test]
    fn similarity_is_a_fraction(a in value(), b in value()) {
        prop_assert!((0.0..=1.0).contains(&compare(&a, &b).similarity()));
    }

    #[test]
    fn another_amount_is_never_the_same(cents in -100_000_i64..100_000, other in -100_000_i64..100_000, known: bool) {
        prop_assume!(cents != other);
        let with = |cents: i64| money(&Decimal::new(cents, 2).to_string(), known.then_some("MYR"));
        prop_assert_eq!(word(compare(&with(cents), &with(other))), "different");
    }

    #[test]
    fn another_identifier_is_never_the_same(a in "[A-Z0-9]{1,10}", b in "[A-Z0-9]{1,10}") {
        prop_assume!(a != b);
        prop_assert_ne!(word(compare(&FieldValue::Identifier(a), &FieldValue::Identifier(b))), "same");
    }

    #[test]
    fn more_slips_never_make_a_text_more_similar(text in "[A-Z]{12}", slips in 0_usize..11) {
        let slipped = |count: usize| FieldValue::Text(format!("{}{}", "1".repeat(count), &text[count..]));
        let claimed = FieldValue::Text(text.clone());
        prop_assert!(compare(&claimed, &slipped(slips)).similarity() >= compare(&claimed, &slipped(slips + 1)).similarity());
    }
}
