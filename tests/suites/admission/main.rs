//! What the webhook lets through and what it refuses, asked of a real API server with the real
//! kubectl. Every test runs on the project's own CRDs, and on CNPG's where these are at hand.
//!
//! The rules themselves are tables in `crds/src/admission/rules/tests`: here stands what depends on
//! the API server, which calls the webhook over TLS with the rules of `manifests/`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod clusters;
mod dependents;
mod fields;
mod gates;
mod place;
mod recorded;
mod retained;
mod tombstones;
