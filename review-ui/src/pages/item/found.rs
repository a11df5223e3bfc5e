//! What a search in the evidence found, as the template lists it and marks it on the page.

use store::stage::FoundResult;

use super::Item;
use super::look::{Look, Way};
use super::viewer::{around, place};
use crate::problem::Problem;
use crate::reading::{self, Hit};
use crate::state::AppState;

/// Hits that are listed.
const MOST_HITS: usize = 100;

/// Everything that was found.
pub struct Found {
    pub hits: Vec<HitLine>,
    /// There are more than are listed.
    pub cut: bool,
    /// Pages that were not searched: too many for one search, or not read.
    pub unread: u32,
}

pub struct HitLine {
    pub place: String,
    pub before: String,
    pub text: String,
    pub after: String,
    pub way: Way,
    /// Boxes on the page that is looked at.
    pub here: Vec<[f32; 4]>,
}

/// Looks for the wish in the readings of these files, in the order of their pages.
pub async fn searched(
    state: &AppState,
    item: &Item,
    located: Vec<(usize, FoundResult)>,
    wish: &str,
    look: &Look,
) -> Result<Found, Problem> {
    let mut pages = Vec::new();
    for (file, found) in located {
        let read = reading::fetch(state, found).await?.unwrap_or_default();
        pages.extend(read.into_iter().map(|page| (file, page)));
    }
    pages.sort_by_key(|(file, page)| (*file, page.page));
    let total: u32 = item.evidence.iter().map(reading::pages).sum();
    let mut found = Found { hits: Vec::new(), cut: false, unread: total };
    for (file, page) in &pages {
        let Some(words) = &page.words else { continue };
        found.unread = found.unread.saturating_sub(1);
        // One more than fits says that there are more.
        let left = MOST_HITS - found.hits.len();
        let hits = reading::find(&words.words, wish, left + 1);
        found.cut |= hits.len() > left;
        let here = look.file == file + 1 && look.page == page.page;
        for hit in hits.into_iter().take(left) {
            let anchor = format!("hit-{}", found.hits.len() + 1);
            let way = look.with_page(*file, page.page).way(item.review.id).to(&anchor);
            found.hits.push(line(hit, here, way, |first| place(*file, item, page.page, first)));
        }
    }
    Ok(found)
}

fn line(hit: Hit, here: bool, way: Way, place: impl Fn([f32; 4]) -> String) -> HitLine {
    HitLine {
        place: hit.boxes.first().map(|first| place(first.0)).unwrap_or_default(),
        here: hit.boxes.iter().filter(|_| here).map(|bbox| around(bbox.left(), bbox.top(), bbox.right(), bbox.bottom())).collect(),
        before: hit.before,
        text: hit.text,
        after: hit.after,
        way,
    }
}
