//! Neighbours: what stands above, below and to the right of something in a row.

use std::ops::Range;

use domain::block::BBox;

use crate::extract::row::{Row, Span};

/// The segment above a byte range that shares its columns, if the row above is near.
pub fn above(rows: &[Row], index: usize, row: &Row, range: Range<usize>) -> Option<Span> {
    let upper = index.checked_sub(1).and_then(|above| rows.get(above))?;
    let near = upper.page == row.page && row.y - upper.y < 3.5 * height_of_page(row, range.clone());
    if near { sharing_columns(upper, row.span(range)?.bbox) } else { None }
}

/// The segment below a byte range that shares its columns, within the next few rows.
pub fn below<'r, 'a>(rows: &'r [Row<'a>], index: usize, range: Range<usize>) -> Option<(usize, &'r Row<'a>, Span)> {
    let row = rows.get(index)?;
    let label = row.span(range.clone())?;
    rows.iter().enumerate().skip(index + 1).take(4).take_while(|(_, lower)| lower.page == row.page).find_map(|(at, lower)| {
        let near = lower.y - row.y < 4.5 * height_of_page(row, range.clone());
        if near { sharing_columns(lower, label.bbox).map(|span| (at, lower, span)) } else { None }
    })
}

/// The segment of a row that overlaps a box from left to right.
fn sharing_columns(row: &Row, bbox: BBox) -> Option<Span> {
    row.segments.iter().filter_map(|segment| row.span(segment.clone())).find(|span| {
        let overlap = span.bbox.right().min(bbox.right()) - span.bbox.left().max(bbox.left());
        overlap > 0.0
    })
}

/// Height of the words in heights of the page.
fn height_of_page(row: &Row, range: Range<usize>) -> f32 {
    row.span(range).map_or(0.02, |span| span.bbox.height())
}
