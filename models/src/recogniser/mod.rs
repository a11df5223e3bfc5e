//! Our own recogniser of lines: a small convolutional and recurrent net with CTC, trained on labelled line crops, that reads a crop into text with its confidence.

pub mod alphabet;
pub mod augment;
pub mod batch;
pub mod checkpoint;
pub mod crop;
pub mod ctc;
pub mod data;
pub mod lines;
pub mod net;
mod ops;
pub mod optimiser;
pub mod reader;
pub mod score;
pub mod split;
mod step;
pub mod train;
pub mod weights;
pub mod words;
