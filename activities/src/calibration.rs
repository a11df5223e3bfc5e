//! The calibration that this program ships: fitted on development data by `assay calibrate`, numbers only.

use std::sync::LazyLock;

use domain::calibration::Release;

/// Made by the command that it names in `origin`.
const RECEIPT: &str = include_str!("../calibration/receipt.json");

static SHIPPED: LazyLock<Option<Release>> = LazyLock::new(|| {
    Release::parse(RECEIPT).inspect_err(|error| tracing::error!(error = %error, "The shipped calibration is not used")).ok()
});

/// None where it cannot be read, which a test rules out.
pub fn shipped() -> Option<&'static Release> {
    SHIPPED.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::claim_type;

    use crate::extract::{Extractor, RulesExtractor};

    #[test]
    fn it_is_what_was_made_and_knows_the_fields_of_its_claim_type() {
        let release = Release::parse(RECEIPT).unwrap();
        let claim_type = claim_type::find(&release.claim_type).unwrap();
        assert!(release.fields.keys().all(|field| claim_type.field(field).is_some()));
        assert!(release.origin.documents > 0 && release.origin.data_sha256.len() == 64);
        assert!(release.fields_for("expense_receipt", RulesExtractor.name()).is_some(), "fitted to another extractor");
    }
}
