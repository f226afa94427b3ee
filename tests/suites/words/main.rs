//! What users see: tables in every form that they come in, progress on a terminal and without one,
//! Ctrl-C, and the last lines that say what to type next. `make snapshots` renews what is recorded.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod errors;
mod ground;
mod interrupted;
mod progress;
mod prompts;
mod tables;
mod terminal;
