//! How the evidence is looked at: which page, how large, turned how, searched for what. All of it is in the address, so that a view can be
//! sent to somebody. Every control leads to such an address: by a link, or for who holds the review by a button of their form, which keeps
//! what was typed on its way.

use std::fmt;

use domain::id::ReviewId;
use serde::Deserialize;

use crate::form::Form;
use crate::pages::arrange::Moved;

/// How much larger than the width of its pane a page is shown.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Zoom {
    Small,
    #[default]
    Fit,
    Half,
    Twice,
    Thrice,
    Fourfold,
}

impl Zoom {
    const ALL: [Self; 6] = [Self::Small, Self::Fit, Self::Half, Self::Twice, Self::Thrice, Self::Fourfold];

    /// Of the pane's width.
    pub fn percent(self) -> u32 {
        match self {
            Self::Small => 50,
            Self::Fit => 100,
            Self::Half => 150,
            Self::Twice => 200,
            Self::Thrice => 300,
            Self::Fourfold => 400,
        }
    }

    /// The step up.
    pub fn closer(self) -> Option<Self> {
        Self::ALL.into_iter().find(|zoom| zoom.percent() > self.percent())
    }

    /// The step down.
    pub fn further(self) -> Option<Self> {
        Self::ALL.into_iter().rev().find(|zoom| zoom.percent() < self.percent())
    }

    /// As the address spells it: `1.5`.
    fn word(self) -> String {
        (f64::from(self.percent()) / 100.0).to_string()
    }

    fn read(word: &str) -> Self {
        Self::ALL.into_iter().find(|zoom| zoom.word() == word).unwrap_or_default()
    }
}

/// What is looked at, and how. An address that says nonsense shows the page as if it said nothing.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(from = "Raw")]
pub struct Look {
    /// Which file, from 1; 0 lets the page choose.
    pub file: usize,
    /// Which page of it, from 1.
    pub page: u32,
    pub zoom: Zoom,
    /// Quarter turns, clockwise.
    pub turn: u8,
    /// Text that is searched for.
    pub find: String,
    /// Every field is open, not only those that need a person.
    pub all_fields: bool,
    /// The field whose value was to be compared again.
    pub again: String,
    /// What a lead moved just now.
    pub moved: Moved,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    file: String,
    page: String,
    zoom: String,
    turn: String,
    find: String,
    fields: String,
    again: String,
    moved: String,
}

fn wish(text: &str) -> String {
    text.chars().take(crate::reading::LONGEST_WISH).collect::<String>().replace('\0', "").trim().to_owned()
}

impl From<Raw> for Look {
    fn from(raw: Raw) -> Self {
        let number = |text: &str| text.parse().ok();
        Self {
            file: number(&raw.file).and_then(|file: u32| file.try_into().ok()).unwrap_or_default(),
            page: number(&raw.page).unwrap_or_default(),
            zoom: Zoom::read(&raw.zoom),
            turn: number(&raw.turn).filter(|turn| *turn < 4).and_then(|turn| turn.try_into().ok()).unwrap_or_default(),
            find: wish(&raw.find),
            all_fields: raw.fields == "all",
            again: raw.again,
            moved: Moved::read(&raw.moved),
        }
    }
}

/// The input of a form that says how the evidence was looked at when it was sent.
pub const LOOK: &str = "look";
/// The inputs of the evidence's own that are sent along: the search and the number of a page.
pub const FIND: &str = "find";
pub const PAGE: &str = "page";

/// The way to another look: an address, or where the form goes that keeps what was typed and is led to that address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    review: ReviewId,
    /// The rest of the address: `?file=1&page=2#box-total-1`.
    rest: String,
}

impl Way {
    /// To this place of the page.
    pub fn to(mut self, anchor: &str) -> Self {
        self.rest = format!("{}#{anchor}", self.rest);
        self
    }

    /// Where the form goes. A browser takes the anchor along to where it is led.
    pub fn keep(&self) -> String {
        // Without the mark it would say nothing of how to look.
        let mark = if self.rest.starts_with('?') { "" } else { "?" };
        format!("/reviews/{}/keep{mark}{}", self.review, self.rest)
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/reviews/{}{}", self.review, self.rest)
    }
}

impl Look {
    /// What an address says behind its question mark.
    pub fn read(query: &str) -> Self {
        let mut raw = Raw::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "file" => &mut raw.file,
                PAGE => &mut raw.page,
                "zoom" => &mut raw.zoom,
                "turn" => &mut raw.turn,
                FIND => &mut raw.find,
                "fields" => &mut raw.fields,
                _ => continue,
            };
            *place = value.into_owned();
        }
        raw.into()
    }

    /// How it was looked at when the form was sent, with what stands in the search and as the page's number: without a script Enter sends
    /// them like this.
    pub fn of(form: &Form) -> Self {
        let looked = Self::read(form.raw(LOOK).unwrap_or_default());
        let page = form.get(PAGE).and_then(|page| page.parse().ok()).unwrap_or(looked.page);
        let find = form.raw(FIND).map_or_else(|| looked.find.clone(), wish);
        Self { page, find, ..looked }
    }

    /// The same, at the page that is really looked at.
    pub fn at(self, looked: Option<(usize, u32)>) -> Self {
        let (file, page) = looked.map_or((0, 0), |(file, page)| (file + 1, page));
        Self { file, page, ..self }
    }

    /// At a page of a file, from 0.
    pub fn with_page(&self, file: usize, page: u32) -> Self {
        self.clone().at(Some((file, page)))
    }

    pub fn with_zoom(&self, zoom: Zoom) -> Self {
        Self { zoom, ..self.clone() }
    }

    pub fn with_turn(&self, turn: u8) -> Self {
        Self { turn, ..self.clone() }
    }

    pub fn with_all_fields(&self, all_fields: bool) -> Self {
        Self { all_fields, ..self.clone() }
    }

    /// Whether the page lies on its side.
    pub fn lies(&self) -> bool {
        self.turn % 2 == 1
    }

    /// What the address says, apart from the search; for a form's hidden inputs.
    pub fn inputs(&self) -> Vec<(&'static str, String)> {
        let mut inputs = Vec::new();
        if self.file > 0 {
            inputs.extend([("file", self.file.to_string()), ("page", self.page.to_string())]);
        }
        if self.zoom != Zoom::default() {
            inputs.push(("zoom", self.zoom.word()));
        }
        if self.turn > 0 {
            inputs.push(("turn", self.turn.to_string()));
        }
        if self.all_fields {
            inputs.push(("fields", "all".to_owned()));
        }
        inputs
    }

    /// What the address says behind its question mark; empty where it says nothing.
    pub fn query(&self) -> String {
        written(self.pairs())
    }

    /// The way to the review's page, looked at like this.
    pub fn way(&self, review: ReviewId) -> Way {
        let query = self.query();
        Way { review, rest: if query.is_empty() { query } else { format!("?{query}") } }
    }

    /// The same for a page whose number the reader gives.
    pub fn way_to_a_page(&self, review: ReviewId) -> Way {
        Way { review, rest: format!("?{}", written(self.pairs().filter(|(name, _)| *name != PAGE))) }
    }

    /// The same, where the page is to say how a field's value compares.
    pub fn way_to_again(&self, review: ReviewId, field: &str) -> Way {
        let again = std::iter::once(("again", field.to_owned()));
        Way { review, rest: format!("?{}", written(again.chain(self.pairs()))) }
    }

    fn pairs(&self) -> impl Iterator<Item = (&'static str, String)> {
        let find = (!self.find.is_empty()).then(|| (FIND, self.find.clone()));
        self.inputs().into_iter().chain(find)
    }

    /// The address of the review's page, looked at like this.
    pub fn address(&self, id: ReviewId) -> String {
        self.way(id).to_string()
    }
}

fn written(pairs: impl IntoIterator<Item = (&'static str, String)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(query: &str) -> Look {
        let pairs: serde_json::Map<String, serde_json::Value> =
            form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect();
        serde_json::from_value(pairs.into()).unwrap()
    }

    #[test]
    fn an_address_reads_back() {
        let id = ReviewId::new();
        for query in ["", "?file=1&page=2", "?file=2&page=1&zoom=1.5&turn=3&fields=all&find=RM+9%2600", "?zoom=4"] {
            let read = look(query.trim_start_matches('?'));
            assert_eq!(read.address(id), format!("/reviews/{id}{query}"));
            assert_eq!(Look::read(&read.query()).address(id), read.address(id), "and so does what a form carries of it");
        }
    }

    #[test]
    fn a_way_is_a_link_or_where_a_form_goes() {
        let id = ReviewId::new();
        let way = look("file=1&page=2&find=9").way(id).to("hit-1");
        assert_eq!(way.to_string(), format!("/reviews/{id}?file=1&page=2&find=9#hit-1"));
        assert_eq!(way.keep(), format!("/reviews/{id}/keep?file=1&page=2&find=9#hit-1"));
        let plain = Look::default().way(id);
        assert_eq!((plain.to_string(), plain.keep()), (format!("/reviews/{id}"), format!("/reviews/{id}/keep?")));
        assert_eq!(look("file=1&page=2&zoom=2").way_to_a_page(id).to_string(), format!("/reviews/{id}?file=1&zoom=2"));
    }

    #[test]
    fn a_form_says_how_it_was_looked_at_and_what_is_searched_for() {
        let id = ReviewId::new();
        for (pairs, query) in [
            (vec![], ""),
            (vec![("look", "file=1&page=2&zoom=2&fields=all&find=9")], "?file=1&page=2&zoom=2&fields=all&find=9"),
            (vec![("look", "file=1&page=2&find=9"), ("find", " 8 "), ("page", "3")], "?file=1&page=3&find=8"),
            (vec![("look", "file=1&page=2&find=9"), ("find", ""), ("page", "")], "?file=1&page=2"),
            (vec![("look", "//evil.example?file=x&page=#&moved=1.0.0.0.0"), ("page", "x")], ""),
        ] {
            let form = Form(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
            assert_eq!(Look::of(&form).address(id), format!("/reviews/{id}{query}"), "{pairs:?}");
        }
    }

    #[test]
    fn nonsense_shows_the_page_as_it_is() {
        let id = ReviewId::new();
        for query in ["file=-1&page=x", "zoom=999&turn=4", "turn=-1&fields=some", "zoom=&find=+", "file=99999999999999999999"] {
            assert_eq!(look(query).address(id), format!("/reviews/{id}"), "{query}");
        }
        assert_eq!(look(&format!("find={}", "x".repeat(5_000))).find.len(), crate::reading::LONGEST_WISH);
    }

    #[test]
    fn zooming_goes_up_and_down_by_steps() {
        let up: Vec<u32> = std::iter::successors(Some(Zoom::Small), |zoom| zoom.closer()).map(Zoom::percent).collect();
        let down: Vec<u32> = std::iter::successors(Some(Zoom::Fourfold), |zoom| zoom.further()).map(Zoom::percent).collect();
        assert_eq!((up, down), (vec![50, 100, 150, 200, 300, 400], vec![400, 300, 200, 150, 100, 50]));
    }
}
