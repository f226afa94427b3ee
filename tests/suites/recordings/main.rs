//! The stand-in operator is held to what the real one wrote: it lives the recorded life again, and
//! every field that daap reads has to take the same values in the same order.
//!
//! The recordings are no part of the project: where they are not at hand nothing is tried, and it
//! says so.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../operator/database.rs"]
#[allow(dead_code, reason = "the other suite needs more of it")]
mod database;
mod history;
mod life;
mod shapes;
mod stuck;
