//! Parts that die or stay away: nothing is lost, nothing is done twice, and clients are told at once.

mod decision;
mod kills;
mod outage;
mod patient;
