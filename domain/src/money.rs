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
