//! How the evidence is looked at: which page, how large, turned how, searched for what. All of it is in the address, so that every control
//! is a link and a view can be sent to somebody.

use domain::id::ReviewId;
use serde::Deserialize;

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

impl From<Raw> for Look {
    fn from(raw: Raw) -> Self {
        let number = |text: &str| text.parse().ok();
        Self {
            file: number(&raw.file).and_then(|file: u32| file.try_into().ok()).unwrap_or_default(),
            page: number(&raw.page).unwrap_or_default(),
            zoom: Zoom::read(&raw.zoom),
            turn: number(&raw.turn).filter(|turn| *turn < 4).and_then(|turn| turn.try_into().ok()).unwrap_or_default(),
            find: raw.find.chars().take(crate::reading::LONGEST_WISH).collect::<String>().replace('\0', "").trim().to_owned(),
            all_fields: raw.fields == "all",
            again: raw.again,
            moved: Moved::read(&raw.moved),
        }
    }
}

impl Look {
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

    /// The address of the review's page, looked at like this.
    pub fn address(&self, id: ReviewId) -> String {
        let path = format!("/reviews/{id}");
        let find = (!self.find.is_empty()).then(|| ("find", self.find.clone()));
        let pairs: Vec<(&str, String)> = self.inputs().into_iter().chain(find).collect();
        if pairs.is_empty() {
            return path;
        }
        let start = path.len() + 1;
        form_urlencoded::Serializer::for_suffix(path + "?", start).extend_pairs(pairs).finish()
    }
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
            assert_eq!(look(query.trim_start_matches('?')).address(id), format!("/reviews/{id}{query}"));
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
