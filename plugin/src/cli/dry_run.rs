//! `--dry-run`, with kubectl's values.

use clap::ValueEnum;

use crate::kubernetes::Kubernetes;

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

    /// A connection on which nothing is stored that this way does not store.
    pub(crate) fn connection(self, k8s: &Kubernetes) -> Kubernetes {
        match self {
            Self::None => k8s.clone(),
            Self::Client | Self::Server => k8s.dry_run(),
        }
    }
}
