//! The icons, drawn in the page itself: one that refers to another file is fetched, read and copied by the browser before the page is painted.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::LazyLock;

/// Every icon by its name: what follows `<svg` up to its end, with its attributes and its strokes.
static ICONS: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    let symbols = include_str!("../static/icons.svg").split("<symbol id=\"").skip(1);
    symbols.filter_map(|symbol| symbol.split_once("</symbol>")?.0.split_once("\" ")).collect()
});

/// The attributes and the strokes of an icon; nothing for a name that there is not.
pub fn inline(name: impl Display) -> &'static str {
    ICONS.get(name.to_string().as_str()).copied().unwrap_or(">")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_is_whole() {
        assert!(ICONS.len() > 10);
        for (name, drawn) in ICONS.iter() {
            assert!(drawn.starts_with("viewBox=\"0 0 16 16\"") && drawn.ends_with("/>") && !drawn.contains('\n'), "{name}: {drawn}");
        }
        assert_eq!(inline("no such icon"), ">");
    }
}
