//! The evidence half of a review's page: which page is looked at and how, the places of the fields on it, and what a search found.

use domain::check::Check;
use domain::claim_type::ClaimType;
use domain::id::{EvidenceId, ReviewId};
use domain::reading::window_of;
use domain::verdict::Verdict;
use image::{ImageFormat, ImageReader};
use store::objects::page_key;
use store::stage::FoundResult;
use store::{StoreError, TenantTx};

use super::Item;
use super::found::{Found, searched};
use super::look::{Look, Way, Zoom};
use crate::pages::evidence::Picture;
use crate::problem::Problem;
use crate::reading;
use crate::state::AppState;
use crate::words;

/// Pages of a file that the page links to; of a longer file the first, the last, those around, and those where something shows.
const LINKS: u32 = 12;
/// Windows of pages that one search reads: 320 pages, which take a second when nothing of them is remembered.
const SEARCHED: usize = 20;

/// What the template shows of the evidence.
pub struct Viewer {
    pub review: ReviewId,
    /// Whoever looks holds the review, so the controls belong to their form.
    pub mine: bool,
    pub files: Vec<File>,
    pub picture: Option<Picture>,
    /// The page's image as it is first shown: a sharper one where it is magnified.
    pub source: String,
    pub zoom: Zoom,
    /// Quarter turns, clockwise.
    pub turn: u8,
    /// Width and height of the page as it lies, where it lies on its side.
    pub lying: Option<(f32, f32)>,
    pub links: Links,
    pub places: Vec<Spot>,
    pub look: Look,
    pub found: Option<Found>,
    /// Images that are likely wanted next.
    pub ahead: String,
}

/// Where the controls lead that need no script.
pub struct Links {
    pub closer: Option<Way>,
    pub further: Option<Way>,
    pub fit: Option<Way>,
    pub left: Way,
    pub right: Way,
    pub before: Option<Way>,
    pub after: Option<Way>,
    pub unsearched: Way,
    /// To a page whose number the reader gives.
    pub page: Way,
}

pub struct File {
    pub name: String,
    /// Which, from 1.
    pub number: usize,
    pub pages: Vec<PageLink>,
    pub pages_total: u32,
    pub here: bool,
    pub content: String,
}

pub struct PageLink {
    pub number: u32,
    pub here: bool,
    /// Fields show on it.
    pub marked: bool,
    pub way: Way,
    /// A small image of it.
    pub small: String,
}

/// A place in the evidence that carries a reading.
pub struct Spot {
    pub field: String,
    pub title: String,
    /// `page 2, upper right`.
    pub place: String,
    pub text: String,
    /// On the page that is looked at: left, top, width, height in 0..1.
    pub here: Option<[f32; 4]>,
    pub state: &'static str,
    pub way: Way,
    /// The box's own name on the page.
    pub anchor: String,
}

impl Spot {
    /// How far the reading holds, in words.
    pub fn says(&self) -> &'static str {
        match self.state {
            "confirmed" => "sure enough",
            "below" => "not sure enough",
            _ => "no threshold",
        }
    }

    /// The shape that stands for it.
    pub fn icon(&self) -> &'static str {
        match self.state {
            "confirmed" => "supported",
            "below" => "insufficient",
            _ => "info",
        }
    }
}

/// Where the words of the looked-at pages lie: found in the transaction, fetched after it.
pub struct Readings {
    looked: Option<(usize, u32)>,
    of_page: Vec<FoundResult>,
    /// By file.
    searched: Vec<(usize, FoundResult)>,
}

impl Readings {
    pub async fn locate(tx: &mut TenantTx, state: &AppState, item: &Item, checks: &[Check], look: &Look) -> Result<Self, StoreError> {
        let looked = looked_at(item, checks, look);
        let mut readings = Self { looked, of_page: Vec::new(), searched: Vec::new() };
        if let Some((file, page)) = looked.filter(|_| look.lies()) {
            let row = &item.evidence[file];
            let window: Vec<_> = window_of(page, reading::pages(row)).into_iter().collect();
            readings.of_page = reading::locate(tx, state, row, &window).await?;
        }
        if reading::wish(&look.find).is_some() {
            let mut left = SEARCHED;
            for (file, row) in item.evidence.iter().enumerate() {
                let mut windows = reading::windows(row);
                windows.truncate(left);
                left -= windows.len();
                let found = reading::locate(tx, state, row, &windows).await?;
                readings.searched.extend(found.into_iter().map(|found| (file, found)));
            }
        }
        Ok(readings)
    }
}

impl Viewer {
    /// Puts the evidence together, for who holds the review or for another.
    pub async fn load(state: &AppState, item: &Item, readings: Readings, look: Look, mine: bool) -> Result<Self, Problem> {
        let id = item.review.id;
        let (checks, claim_type) = (item.checks(), item.claim_type());
        let looked = readings.looked;
        let look = look.at(looked);
        let lying = match looked.filter(|_| look.lies()) {
            Some((file, page)) => lying(state, item, file, page, readings.of_page).await?,
            None => None,
        };
        let found = match reading::wish(&look.find) {
            Some(wish) => Some(searched(state, item, readings.searched, &wish, &look).await?),
            None => None,
        };
        let picture = looked.map(|(file, page)| Picture::of(&item.evidence[file], page, state));
        let sharp = look.zoom.percent() > 150;
        let spots = |check: &Check| spots(check, item, claim_type.as_ref(), looked, &look);
        Ok(Self {
            review: id,
            mine,
            files: files(state, item, checks, looked, &look),
            source: picture.as_ref().map(|picture| if sharp { picture.large.clone() } else { picture.medium.clone() }).unwrap_or_default(),
            zoom: look.zoom,
            turn: look.turn,
            lying,
            links: links(id, item, looked, &look),
            places: checks.iter().flat_map(spots).collect(),
            ahead: ahead(state, item, checks, looked),
            picture,
            look,
            found,
        })
    }

    /// Where a field shows first: in words, and the link to it.
    pub fn first_place(&self, field: &str) -> Option<(String, Way)> {
        self.places.iter().find(|spot| spot.field == field).map(|spot| (spot.place.clone(), spot.way.clone()))
    }
}

/// The file, from 0, and the page that are looked at: as asked for, else where the first doubtful field shows, else the first page.
pub fn looked_at(item: &Item, checks: &[Check], look: &Look) -> Option<(usize, u32)> {
    let pages = |file: usize| item.evidence.get(file).map_or(0, reading::pages);
    let asked = look.file.checked_sub(1).filter(|file| look.page >= 1 && look.page <= pages(*file)).map(|file| (file, look.page));
    let place = |check: &Check| check.regions.first().and_then(|region| Some((file_of(item, region.evidence_id)?, region.page)));
    let doubtful = checks.iter().filter(|check| check.verdict != Verdict::Supported).find_map(place);
    let first = (0..item.evidence.len()).find(|file| pages(*file) > 0).map(|file| (file, 1));
    asked.or(doubtful).or_else(|| checks.iter().find_map(place)).or(first)
}

fn file_of(item: &Item, id: EvidenceId) -> Option<usize> {
    item.evidence.iter().position(|row| row.id == id)
}

fn links(id: ReviewId, item: &Item, looked: Option<(usize, u32)>, look: &Look) -> Links {
    let (file, page) = looked.unwrap_or_default();
    let total = looked.map_or(0, |(file, _)| reading::pages(&item.evidence[file]));
    let zoomed = |zoom: Zoom| look.with_zoom(zoom).way(id);
    let turned = |by: u8| look.with_turn((look.turn + by) % 4).way(id);
    Links {
        closer: look.zoom.closer().map(zoomed),
        further: look.zoom.further().map(zoomed),
        fit: (look.zoom != Zoom::default()).then(|| zoomed(Zoom::default())),
        left: turned(3),
        right: turned(1),
        before: (page > 1).then(|| look.with_page(file, page - 1).way(id)),
        after: (page < total).then(|| look.with_page(file, page + 1).way(id)),
        unsearched: Look { find: String::new(), ..look.clone() }.way(id),
        page: look.way_to_a_page(id),
    }
}

fn files(state: &AppState, item: &Item, checks: &[Check], looked: Option<(usize, u32)>, look: &Look) -> Vec<File> {
    let file = |(index, row): (usize, &store::evidence::EvidenceRow)| {
        let total = reading::pages(row);
        let here = looked.filter(|(file, _)| *file == index).map(|(_, page)| page);
        let marked =
            |page: u32| checks.iter().flat_map(|check| &check.regions).any(|region| region.evidence_id == row.id && region.page == page);
        let near =
            |page: u32| total <= LINKS || page == 1 || page == total || here.is_some_and(|here| page.abs_diff(here) <= 2) || marked(page);
        let link = |page: u32| PageLink {
            number: page,
            here: here == Some(page),
            marked: marked(page),
            way: look.with_page(index, page).way(item.review.id),
            small: Picture::of(row, page, state).small,
        };
        File {
            name: row.filename.clone().unwrap_or_else(|| format!("File {}", index + 1)),
            number: index + 1,
            pages: (1..=total).filter(|page| near(*page)).map(link).collect(),
            pages_total: total,
            here: here.is_some(),
            content: format!("/evidence/{}/content", row.id),
        }
    };
    item.evidence.iter().enumerate().map(file).collect()
}

fn spots(check: &Check, item: &Item, claim_type: Option<&ClaimType>, looked: Option<(usize, u32)>, look: &Look) -> Vec<Spot> {
    let spec = claim_type.and_then(|known| known.field(&check.field));
    // Who answers blind is not told how sure the machine was.
    let state = match spec.filter(|_| !item.blind) {
        Some(spec) if check.confidence >= spec.threshold => "confirmed",
        Some(_) => "below",
        None => "unset",
    };
    let title = spec.map_or_else(|| words::title(&check.field), |spec| spec.title.clone());
    let spot = |(index, region): (usize, &domain::check::Region)| {
        let file = file_of(item, region.evidence_id)?;
        let [left, top, right, bottom] = region.bbox.0;
        let anchor = format!("box-{}-{}", check.field, index + 1);
        Some(Spot {
            field: check.field.clone(),
            title: title.clone(),
            place: place(file, item, region.page, region.bbox.0),
            text: region.text.clone(),
            here: (looked == Some((file, region.page))).then_some(around(left, top, right, bottom)),
            state,
            way: look.with_page(file, region.page).way(item.review.id).to(&anchor),
            anchor,
        })
    };
    check.regions.iter().enumerate().filter_map(spot).collect()
}

/// `page 2, upper right`, with the file in front where there are several.
pub(super) fn place(file: usize, item: &Item, page: u32, [left, top, right, bottom]: [f32; 4]) -> String {
    let (x, y) = (f64::from(left + right) / 2.0, f64::from(top + bottom) / 2.0);
    let place = format!("page {page}, {}", words::place(x, y));
    if item.evidence.len() > 1 { format!("file {}, {place}", file + 1) } else { place }
}

/// The box as it is drawn, left, top, width and height: a little larger than the words, so that its line crosses none of them.
pub(super) fn around(left: f32, top: f32, right: f32, bottom: f32) -> [f32; 4] {
    let margin = ((bottom - top) * 0.25).clamp(0.002, 0.01);
    let (left, top) = ((left - margin).max(0.0), (top - margin).max(0.0));
    [left, top, (right + margin).min(1.0) - left, (bottom + margin).min(1.0) - top]
}

/// Width and height of a page on its side, in any unit: as it was read, else as it was drawn.
async fn lying(state: &AppState, item: &Item, file: usize, page: u32, found: Vec<FoundResult>) -> Result<Option<(f32, f32)>, Problem> {
    if let Some((_, words)) = reading::words(state, found, page).await? {
        return Ok(Some((1.0, words.aspect)));
    }
    let row = &item.evidence[file];
    let Some(png) = state.objects.get(&page_key(item.review.tenant_id, &row.sha256, &state.page_version, page)).await? else {
        return Ok(None);
    };
    let size = ImageReader::with_format(std::io::Cursor::new(png), ImageFormat::Png).into_dimensions();
    Ok(size.ok().map(|(width, height)| (height as f32, width as f32)))
}

/// The page behind this one, and the next one on which a field shows.
fn ahead(state: &AppState, item: &Item, checks: &[Check], looked: Option<(usize, u32)>) -> String {
    let Some((file, page)) = looked else { return String::new() };
    let places = checks.iter().flat_map(|check| &check.regions);
    let elsewhere = places.filter_map(|region| Some((file_of(item, region.evidence_id)?, region.page))).find(|at| *at != (file, page));
    let next = (page < reading::pages(&item.evidence[file])).then_some((file, page + 1));
    let mut wanted: Vec<(usize, u32)> = elsewhere.into_iter().chain(next).collect();
    wanted.dedup();
    wanted.into_iter().map(|(file, page)| Picture::of(&item.evidence[file], page, state).medium).collect::<Vec<_>>().join(" ")
}
