//! What keeps a database from being ready is named, shown and remedied: `explain`, `describe` and
//! `events` through the real kubectl, on everything that can go wrong in the sandbox.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod advice;
mod away;
mod changes;
mod events;
mod rights;
mod stuck;
