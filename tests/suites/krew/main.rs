//! Installation through krew: the manifest holds to every rule of krew's validator, and the archive, packed
//! by the code that packs a release, is installed, used, upgraded and removed as krew does it. Where krew
//! is on the PATH, it is krew that does it; where `DAAP_DIST` names the folder of `make dist`, it is its archive.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

mod by_hand;
mod install;
mod manifest;
mod packed;
mod real;
mod rules;
