//! Programs whose life is tied to ours, and processes told apart from others that got their id.

mod identity;
mod tied;
mod unprivileged;

pub use identity::{Identity, owned_by};
pub use tied::Tied;
pub use unprivileged::Unprivileged;

/// Environment variable on everything that a sandbox starts: the sandbox's folder. Whoever cleans
/// up after a crash finds the processes by it.
pub const OWNER_VARIABLE: &str = "DAAP_SANDBOX_OWNER";
