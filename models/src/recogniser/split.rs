//! Which receipts are trained on and which are held out: whole issuers, by a seed, so that the figures speak of issuers never seen.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

/// For each document whether it is held out, given the issuer of each. Issuers are drawn in the order of the seed and held out while they fit into the share
/// of all documents, so the same issuers, seed and share always give the same split.
pub fn held_out(issuers: &[String], share: f64, seed: u64) -> Vec<bool> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for issuer in issuers {
        *counts.entry(issuer).or_default() += 1;
    }
    let mut drawn: Vec<(&str, usize)> = counts.into_iter().collect();
    drawn.shuffle(&mut StdRng::seed_from_u64(seed));
    let mut left = (issuers.len() as f64 * share.clamp(0.0, 1.0)).round() as usize;
    let mut chosen = Vec::new();
    for (issuer, count) in drawn {
        if count <= left {
            left -= count;
            chosen.push(issuer);
        }
    }
    issuers.iter().map(|issuer| chosen.contains(&issuer.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_issuer_is_on_both_sides_and_the_share_is_met() {
        let issuers: Vec<String> = (0..200).map(|document| format!("issuer {}", document % 37)).collect();
        let held = held_out(&issuers, 0.25, 7);
        assert_eq!(held, held_out(&issuers, 0.25, 7));
        assert_ne!(held, held_out(&issuers, 0.25, 8));
        for (one, is_held) in issuers.iter().zip(&held) {
            assert!(issuers.iter().zip(&held).all(|(other, held)| other != one || held == is_held));
        }
        let count = held.iter().filter(|held| **held).count();
        assert!((45..=50).contains(&count), "{count}");
        assert!(held_out(&issuers, 0.0, 7).iter().all(|held| !held));
        assert!(held_out(&issuers, 1.0, 7).iter().all(|held| *held));
    }
}
