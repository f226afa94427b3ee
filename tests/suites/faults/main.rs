//! Every operation with every fault that a network, an API server or a person can cause, two people
//! at once, and power cuts: whatever happens, `get` tells the truth, and the same command again ends
//! as if nothing had happened.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod case;
mod counts;
mod matrix;
mod operator;
mod place;
mod power;
mod proxy;
mod races;
mod request;
mod table;
mod tally;
mod world;
