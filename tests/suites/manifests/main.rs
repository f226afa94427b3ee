//! What `manifests/` ships, on a real API server: that it applies, what reaches the webhook, what
//! holds while the webhook is away, and what each role can do.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod alerts;
mod apply;
mod away;
mod discovery;
mod ground;
mod page;
mod reach;
mod roles;
mod rules_page;
mod security_page;
mod who;
