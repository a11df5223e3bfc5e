//! Money: an exact decimal amount and an ISO 4217 currency.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// An amount, with its currency where it is known. Evidence often omits the currency; a claim never does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Exact decimal, written as a string in JSON.
    pub amount: Decimal,
    /// Three upper-case letters of ISO 4217; `None` when the evidence does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// Whether people pay, or paid within the age of what we read, in this.
pub fn is_currency(code: &str) -> bool {
    CURRENCIES.binary_search(&code).is_ok() || WITHDRAWN.binary_search(&code).is_ok()
}

/// ISO 4217, list one of its maintenance agency (SIX), from Debian's `iso-codes` 4.15 and the changes after it up to January 2026: XCG and ZWG
/// came; HRK, SLL, ANG, ZWL and BGN went. Left out are codes that name no money: metals (`XAU`), units of account (`XDR`), tests (`XTS`), none (`XXX`).
const CURRENCIES: [&str; 164] = [
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BHD", "BIF", "BMD", "BND", "BOB", "BOV", "BRL",
    "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE", "CHF", "CHW", "CLF", "CLP", "CNY", "COP", "COU", "CRC", "CUP", "CVE", "CZK",
    "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD",
    "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD",
    "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK",
    "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR",
    "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL",
    "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "USN", "UYI", "UYU", "UYW", "UZS", "VED", "VES",
    "VND", "VUV", "WST", "XAF", "XCD", "XCG", "XOF", "XPF", "YER", "ZAR", "ZMW", "ZWG",
];

/// List three, since 2000: evidence may be older than the list.
const WITHDRAWN: [&str; 55] = [
    "ADP", "AFA", "ANG", "AON", "AOR", "ATS", "AZM", "BEF", "BGL", "BGN", "BYB", "BYR", "CSD", "CUC", "CYP", "DEM", "ECS", "EEK", "ESP",
    "FIM", "FRF", "GHC", "GRD", "HRK", "IEP", "ITL", "LTL", "LUF", "LVL", "MGF", "MRO", "MTL", "MZM", "NLG", "PTE", "ROL", "RUR", "SDD",
    "SIT", "SKK", "SLL", "SRG", "STD", "TJR", "TMM", "TPE", "TRL", "VEB", "VEF", "YUM", "ZMK", "ZWD", "ZWL", "ZWN", "ZWR",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_can_be_searched_and_share_nothing() {
        for list in [&CURRENCIES[..], &WITHDRAWN[..]] {
            assert!(list.is_sorted_by(|one, next| one < next));
            assert!(list.iter().all(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())));
        }
        assert!(WITHDRAWN.iter().all(|code| !CURRENCIES.contains(code)));
    }

    #[test]
    fn money_of_today_and_of_old_evidence_is_known_and_nothing_else() {
        for code in ["MYR", "EUR", "USD", "XCG", "SLE", "DEM", "HRK"] {
            assert!(is_currency(code), "{code}");
        }
        for code in ["QQQ", "XXX", "XTS", "XAU", "myr", "RM", ""] {
            assert!(!is_currency(code), "{code}");
        }
    }
}
