//! What users read: every help, the reference in docs/, and the rules of docs/messages.md as far as
//! a machine can hold them. `make snapshots` renews what is recorded.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod commands;
mod help;
mod man;
mod mentions;
mod messages;
mod reference;
mod sources;
