//! The badge in the head of every page: how far Assay is reduced, since when, and what that means.

use askama::Template;
use chrono::{DateTime, Utc};
use domain::level::Level;

use crate::words;

/// The badge. Whoever meets it for the first time reads in its title what a level is.
#[derive(Template)]
#[template(path = "_level.html")]
pub struct Badge {
    pub word: &'static str,
    words: &'static str,
    tone: &'static str,
    icon: &'static str,
    pub since: Option<String>,
}

impl Badge {
    /// Of a level that has held since then; nothing when no change of level is on record.
    pub fn of(level: Level, since: Option<DateTime<Utc>>) -> Self {
        let (words, tone, icon) = match level {
            Level::L0 => ("everything works", "ok", "done"),
            Level::L1 => ("a model is away; more goes to people", "warn", "warning"),
            Level::L2 => ("reading is reduced; results come later", "warn", "warning"),
            Level::L3 => ("what needs a person waits", "bad", "warning"),
            Level::L4 => ("claims are accepted, and nothing is decided yet", "bad", "warning"),
        };
        Self { word: level.as_str(), words, tone, icon, since: since.map(words::moment) }
    }

    /// The level that holds now. Nothing records a change of it yet, so it is the one that every result carries.
    pub fn now() -> Self {
        Self::of(Level::default(), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_badge_says_what_a_level_means_and_since_when() {
        assert!(Badge::now().render().unwrap().contains("Level L0<span class=\"unseen\"> of L0 to L4: everything works</span>"));
        let since = DateTime::from_timestamp(1_790_000_000, 0);
        let badge = Badge::of(Level::L2, since).render().unwrap();
        assert!(badge.contains("class=\"level warn\"") && badge.contains("since 2026-09-21"), "{badge}");
    }
}
