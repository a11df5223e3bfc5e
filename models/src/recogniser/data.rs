//! Labelled lines for training: a folder of receipts, each with its picture, the boxes and texts of its lines and its issuer. Errors name files and rows,
//! never what stands in them.

use std::path::{Path, PathBuf};

use image::GrayImage;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::crop::{Region, cut};

/// Why a folder cannot be trained on.
#[derive(Debug, Error)]
pub enum DataError {
    #[error("list the folder {folder}")]
    List { folder: PathBuf, source: std::io::Error },
    #[error("read {file}")]
    Read { file: PathBuf, source: std::io::Error },
    #[error("decode the picture {file}")]
    Picture { file: PathBuf, source: image::ImageError },
    #[error("read the label {file}")]
    Label { file: PathBuf, source: serde_json::Error },
    #[error("row {row} of {file} is not eight corners and a text")]
    Row { file: PathBuf, row: usize },
    #[error("{folder} holds no receipts with lines (NNN.jpg, NNN.lines.csv and NNN.json)")]
    Nothing { folder: PathBuf },
}

/// A line with its label.
pub struct Line {
    /// With its margin, at the resolution of the page.
    pub crop: GrayImage,
    pub text: String,
    /// The document that it comes from, a place in `Data::issuers`.
    pub document: usize,
}

/// All labelled lines of a folder.
pub struct Data {
    pub lines: Vec<Line>,
    /// The issuer of each document, with issuers merged that are one.
    pub issuers: Vec<String>,
    /// SHA-256 over the sorted lines `hash  name` of all files used, in hex.
    pub hash: String,
}

#[derive(Deserialize)]
struct Label {
    issuer_group: String,
}

/// Reads every receipt of a folder.
pub fn read(folder: &Path) -> Result<Data, DataError> {
    let mut data = Data { lines: Vec::new(), issuers: Vec::new(), hash: String::new() };
    let mut hashes = Vec::new();
    for rows_file in rows_files(folder)? {
        let stem = rows_file.with_extension("");
        let (label_file, picture_file) = (stem.with_extension("json"), stem.with_extension("jpg"));
        let label = bytes(&label_file, &mut hashes)?;
        let rows = bytes(&rows_file, &mut hashes)?;
        let picture = bytes(&picture_file, &mut hashes)?;
        let label: Label = serde_json::from_slice(&label).map_err(|source| DataError::Label { file: label_file, source })?;
        let page = image::load_from_memory(&picture).map_err(|source| DataError::Picture { file: picture_file, source })?.into_luma8();
        let document = data.issuers.len();
        data.issuers.push(same_issuer(&label.issuer_group).to_owned());
        for (row, line) in String::from_utf8_lossy(&rows).lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let (region, text) = parse_row(line).ok_or_else(|| DataError::Row { file: rows_file.clone(), row: row + 1 })?;
            data.lines.push(Line { crop: cut(&page, region), text: text.trim().to_owned(), document });
        }
    }
    if data.lines.is_empty() {
        return Err(DataError::Nothing { folder: folder.to_owned() });
    }
    hashes.sort();
    data.hash = hex::encode(Sha256::digest(hashes.concat()));
    Ok(data)
}

fn rows_files(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let failed = |source| DataError::List { folder: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_rows = path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".lines.csv"));
        if is_rows {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A file's bytes; its hash and name go to the list.
fn bytes(file: &Path, hashes: &mut Vec<String>) -> Result<Vec<u8>, DataError> {
    let bytes = std::fs::read(file).map_err(|source| DataError::Read { file: file.to_owned(), source })?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    hashes.push(format!("{}  {name}\n", hex::encode(Sha256::digest(&bytes))));
    Ok(bytes)
}

/// Eight corners and a text that may hold commas itself.
fn parse_row(line: &str) -> Option<(Region, &str)> {
    let mut parts = line.splitn(9, ',');
    let mut corners = [0_u32; 8];
    for corner in &mut corners {
        *corner = parts.next()?.trim().parse().ok()?;
    }
    let text = parts.next()?;
    let across = corners.iter().step_by(2);
    let down = corners.iter().skip(1).step_by(2);
    let region = Region { left: *across.clone().min()?, top: *down.clone().min()?, right: *across.max()?, bottom: *down.max()? };
    Some((region, text))
}

/// Groups whose receipts share a tax number, a registration number or an address, by the data's own list.
pub fn same_issuer(group: &str) -> &str {
    match group {
        "MRD.I.Y." => "MR.D.I.Y",
        "SUPER.SE" => "SUPERSEV",
        "YSOONFAT" => "YONGSOON",
        "GHEEHIAN" => "GHDISTRI",
        "DOMMALFO" => "DOMINO'S",
        "ESJAYFUE" => "BHPETROL",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    fn receipt(folder: &Path, stem: &str, issuer: &str, rows: &str) {
        let page = GrayImage::from_pixel(200, 100, Luma([250]));
        page.save(folder.join(format!("{stem}.jpg"))).expect("write a picture");
        std::fs::write(folder.join(format!("{stem}.json")), format!(r#"{{"issuer_group":"{issuer}"}}"#)).expect("write a label");
        std::fs::write(folder.join(format!("{stem}.lines.csv")), rows).expect("write rows");
    }

    #[test]
    fn lines_come_with_text_issuer_and_a_hash_that_knows_every_file() {
        let folder = tempfile::tempdir().expect("a folder");
        receipt(folder.path(), "001", "MRD.I.Y.", "10,20,60,20,60,40,10,40,TWO, AND \"THREE\"\n10,50,90,50,90,70,10,70,FOUR\n");
        receipt(folder.path(), "000", "MR.D.I.Y", "0,0,50,0,50,10,0,10,ONE\n");
        let data = read(folder.path()).expect("data");
        let texts: Vec<&str> = data.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["ONE", "TWO, AND \"THREE\"", "FOUR"]);
        assert_eq!(data.issuers, ["MR.D.I.Y", "MR.D.I.Y"]);
        assert_eq!(data.lines[1].crop.dimensions(), (58, 28));
        assert_eq!(data.lines[2].document, 1);

        let hash = data.hash;
        assert_eq!(hash, read(folder.path()).expect("data").hash);
        receipt(folder.path(), "001", "MRD.I.Y.", "10,20,60,20,60,40,10,40,TWO\n");
        assert_ne!(hash, read(folder.path()).expect("data").hash);
    }

    #[test]
    fn broken_folders_are_named_without_their_content() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(read(folder.path()), Err(DataError::Nothing { .. })));
        receipt(folder.path(), "000", "A", "0,0,50,0,50,10,0,SECRET\n");
        let error = read(folder.path()).err().expect("a broken row");
        assert!(matches!(error, DataError::Row { row: 1, .. }) && !error.to_string().contains("SECRET"));
        assert!(matches!(read(&folder.path().join("away")), Err(DataError::List { .. })));
    }
}
