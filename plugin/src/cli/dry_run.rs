//! `--dry-run`, with kubectl's values.

use clap::ValueEnum;

/// Whether anything is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DryRun {
    /// Write it
    #[default]
    None,
    /// Only print what would be sent
    Client,
    /// Send it, let admission judge it, and store nothing
    Server,
}

impl DryRun {
    /// What kubectl puts behind its message.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }
}
