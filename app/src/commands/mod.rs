//! One file per command of the `assay` binary.

pub mod audit;
pub mod bench;
pub mod calibrate;
pub mod demo;
pub mod doctor;
pub mod down;
pub mod eval;
pub mod gateway;
pub mod keys;
pub mod listen;
pub mod migrate;
pub mod review_ui;
pub mod train;
pub mod up;
pub mod users;
pub mod verify;
pub mod worker;
