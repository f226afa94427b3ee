//! What holds whatever bytes come in: one function for each entry point, which panics where it does
//! not hold. Property tests call them, and fuzzers (`tests/fuzz`).
//!
//! # Usage
//! ```
//! daap_invariants::policy(b"limits: {instances: {min: 1, max: 3}}");
//! ```
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "what does not hold is said by a panic"
)]

pub mod engine;
mod history;
mod names;
mod policy;
mod review;
pub mod seeds;
mod tombstone;
mod world;

pub use history::history;
pub use names::names;
pub use policy::policy;
pub use review::{completes, review};
pub use tombstone::tombstone;

/// An entry point: it is given bytes, and panics where an invariant does not hold.
pub type Entry = fn(&[u8]);

/// Every entry point, with the name of its fuzz target.
pub const ENTRIES: [(&str, Entry); 5] = [
    ("review", review),
    ("policy", policy),
    ("history", history),
    ("names", names),
    ("tombstone", tombstone),
];
