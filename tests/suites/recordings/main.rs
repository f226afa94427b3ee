//! The stand-in operator is held to what the real one wrote: it lives the recorded life again, and
//! every field that daap reads has to take the same values in the same order.
//!
//! The recordings are no part of the project. They are read from the folder that
//! `DAAP_CNPG_RECORDINGS` names, else from `../shared/cnpg/recordings` beside the checkout; where
//! they are not at hand nothing is tried, and it says so.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it did not try"
)]

#[path = "../operator/database.rs"]
#[allow(dead_code, reason = "the other suite needs more of it")]
mod database;
mod history;
mod life;
mod shapes;
mod stuck;
