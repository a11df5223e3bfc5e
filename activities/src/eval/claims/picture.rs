//! The reliability picture: for each field the share of right verdicts over their confidence, before and after calibration.

use std::fmt::Write;

use domain::calibration::Bin;

use super::report::ClaimsReport;

/// Side of a plot and the room around it, in pixels.
const SIDE: f64 = 200.0;
const MARGIN: f64 = 46.0;
/// Radius of the dot of a bin that holds every claim.
const LARGEST_DOT: f64 = 14.0;

/// Two rows of plots, raw scores above and calibrated confidence below, a column for each field. Dots are tenths of the
/// confidence, as large as they have claims; on the diagonal they say what they mean.
pub fn picture(report: &ClaimsReport) -> String {
    let fields: Vec<_> = report.confidence.iter().filter(|row| row.verdict == "both").collect();
    let (width, height) = (MARGIN + fields.len() as f64 * (SIDE + MARGIN), 2.0 * (SIDE + MARGIN) + MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (column, field) in fields.iter().enumerate() {
        let left = MARGIN + column as f64 * (SIDE + MARGIN);
        for (row, (word, believed)) in [("score", &field.before), ("calibrated", &field.after)].into_iter().enumerate() {
            let top = MARGIN + row as f64 * (SIDE + MARGIN);
            let title = format!("{}, {word}: ECE {:.3}", field.field, believed.ece);
            plot(&mut svg, (left, top), &title, &believed.bins);
        }
    }
    svg + "</svg>\n"
}

fn plot(svg: &mut String, (left, top): (f64, f64), title: &str, bins: &[Bin]) {
    let (right, bottom) = (left + SIDE, top + SIDE);
    // Writing to a string cannot fail.
    let _ = writeln!(
        svg,
        "<text x=\"{left}\" y=\"{:.0}\">{title}</text>\n\
         <rect x=\"{left}\" y=\"{top}\" width=\"{SIDE}\" height=\"{SIDE}\" fill=\"none\" stroke=\"#888\"/>\n\
         <line x1=\"{left}\" y1=\"{bottom}\" x2=\"{right}\" y2=\"{top}\" stroke=\"#bbb\" stroke-dasharray=\"4\"/>\n\
         <text x=\"{left}\" y=\"{:.0}\" fill=\"#666\">0</text><text x=\"{right}\" y=\"{:.0}\" fill=\"#666\" text-anchor=\"end\">1</text>",
        top - 6.0,
        bottom + 14.0,
        bottom + 14.0
    );
    let all: f64 = bins.iter().map(|bin| bin.weight).sum();
    for bin in bins.iter().filter(|bin| bin.weight > 0.0) {
        let (x, y) = (left + SIDE * bin.score, bottom - SIDE * bin.right);
        let radius = (LARGEST_DOT * (bin.weight / all).sqrt()).max(1.5);
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"#1f5fa8\" fill-opacity=\"0.7\"/>");
    }
}
