//! What a supervisor and its starter say to each other: one JSON document a line.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{component::Component, options::SandboxOptions};

/// Everything that a supervisor has to know, found out by its starter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Mandate {
    pub(super) name: String,
    pub(super) options: SandboxOptions,
    /// Folder with the control plane's programs.
    pub(super) assets: PathBuf,
    /// The webhook's program, when it is wanted.
    pub(super) webhook: Option<PathBuf>,
    /// Take everything down when standard input closes: the starter has ended.
    pub(super) until_stdin_closes: bool,
}

/// A line from the supervisor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Report {
    /// The sandbox is ready.
    Ready(Ready),
    /// A living sandbox has this name.
    Taken,
    /// The last order is done.
    Done,
    /// The start, or the last order, failed.
    Failed(String),
}

/// A sandbox that is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ready {
    pub(super) folder: PathBuf,
    /// Folder with the control plane's programs, kubectl among them.
    pub(super) assets: PathBuf,
    /// Address of the API server.
    pub(super) server: String,
    /// From the supervisor's start, in milliseconds.
    pub(super) raised_in_ms: u64,
    /// What is not as it was asked for.
    pub(super) warnings: Vec<String>,
}

/// A line to the supervisor.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Order {
    /// Kill a component as a crash would.
    Kill(Component),
    /// Start a component again, and wait until it answers.
    Start(Component),
}
