//! The service over a real TLS socket: what the API server may send, and what clients do that it
//! never would. Rules have their own tables; here the world answers from a table.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod certificates;
mod clients;
mod ending;
mod observed;
mod program;
mod recorded;
mod reviews;
mod undecided;
mod webhook;
