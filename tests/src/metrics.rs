//! Reads the roles' metrics pages.

use anyhow::{Context, Result};
use app::stack::Stack;

/// The metrics page of every role, one after the other.
pub async fn pages(stack: &Stack) -> Result<String> {
    let mut text = String::new();
    for (part, url) in &stack.endpoints().ops_urls {
        let page = reqwest::get(format!("{url}/metrics")).await.with_context(|| format!("reach {part}"))?;
        text.push_str(&page.error_for_status()?.text().await?);
        text.push('\n');
    }
    Ok(text)
}

/// A counter's value, all its labels and all roles taken together.
pub async fn total(stack: &Stack, name: &str) -> Result<f64> {
    Ok(sum(&pages(stack).await?, name))
}

fn sum(text: &str, name: &str) -> f64 {
    text.lines()
        .filter_map(|line| line.strip_prefix(name))
        .filter(|rest| rest.starts_with([' ', '{']))
        .filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_added_up_and_longer_names_are_others() {
        let page = "# TYPE a_total counter\na_total{x=\"1\"} 2\na_total{x=\"2\"} 3\na_total 1\na_totals 9\n";
        assert!((sum(page, "a_total") - 6.0).abs() < f64::EPSILON);
    }
}
