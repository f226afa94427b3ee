//! The stand-in operator does what daap relies on: real SQL through real programs, and nothing lost
//! that is to be kept. No webhook stands before it here.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod adoption;
mod connection;
mod database;
mod failover;
mod faults;
mod leave;
mod life;
mod objects;
mod wal;
