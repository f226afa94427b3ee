//! The sandbox itself: what every other suite stands on.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod commands;
mod control_plane;
mod crashes;
mod leftovers;
mod whole;
