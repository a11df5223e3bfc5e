//! The same for people.

use std::fmt;

use super::report::{ClaimsReport, Outcomes};
use super::score::Rate;

impl fmt::Display for ClaimsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} generated claims; each document is judged with calibrators of other issuers", self.claims)?;
        writeln!(f)?;
        writeln!(
            f,
            "{:<30}{:<26}{:<26}{:<14}{:<15}{:<17}wrong document supported",
            "", "false claims supported", "true fields supported", "true refuted", "false refuted", "whole supported"
        )?;
        line(f, "at the default thresholds", &self.at_default)?;
        line(f, "without calibration", &self.without_calibration)?;
        if let Some(released) = &self.as_released {
            line(f, "as released (not a measure)", &released.outcomes)?;
        }
        for swept in &self.sweep {
            line(f, &format!("at {:.2} for every field", swept.threshold), &swept.outcomes)?;
        }
        writeln!(f)?;
        writeln!(f, "{:<11}{:<34}{:>6}{:>11}{:>9}{:>14}  false support", "field", "claim", "n", "supported", "refuted", "insufficient")?;
        for row in &self.kinds {
            writeln!(
                f,
                "{:<11}{:<34}{:>6}{:>11}{:>9}{:>14}  {}",
                row.field,
                row.kind,
                row.n,
                row.supported,
                row.refuted,
                row.insufficient,
                row.false_support.map(|rate| ranged(&rate)).unwrap_or_default()
            )?;
        }
        writeln!(f)?;
        writeln!(
            f,
            "{:<11}{:<11}{:>7}{:>6}  {:<16}{:<16}{:<22}{:<8}{:<10}{:<10}held out at 99 %",
            "field", "verdict", "claims", "docs", "ECE before>after", "Brier", "AUROC (at least)", "AURC", "cov. 99 %", "cov. 95 %"
        )?;
        for row in &self.confidence {
            let (before, after) = (&row.before, &row.after);
            let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
            writeln!(
                f,
                "{:<11}{:<11}{:>7}{:>6.0}  {:<16}{:<16}{:<22}{:<8.3}{:<10.3}{:<10.3}{}",
                row.field,
                row.verdict,
                row.claims,
                row.documents,
                format!("{:.3} > {:.3}", before.ece, after.ece),
                format!("{:.3} > {:.3}", before.brier, after.brier),
                format!("{} ({})", number(after.auroc), number(after.auroc_at_least)),
                after.aurc,
                after.coverage_at_99,
                after.coverage_at_95,
                after
                    .held_out_at_99
                    .1
                    .map_or("none decided".to_owned(), |precision| format!("{precision:.3} of {:.3}", after.held_out_at_99.0)),
            )?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, outcomes: &Outcomes) -> fmt::Result {
    let short = |rate: &Rate| format!("{:.3}", rate.rate);
    writeln!(
        f,
        "{name:<30}{:<26}{:<26}{:<14}{:<15}{:<17}{}",
        ranged(&outcomes.false_support),
        ranged(&outcomes.true_support),
        short(&outcomes.true_refuted),
        short(&outcomes.false_refuted),
        short(&outcomes.whole_support),
        ranged(&outcomes.wrong_document_support)
    )
}

fn ranged(rate: &Rate) -> String {
    format!("{:.4} [{:.4}, {:.4}]", rate.rate, rate.interval[0], rate.interval[1])
}
