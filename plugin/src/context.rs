//! What every command gets: the flags, and a client once it is needed.

use tokio::sync::OnceCell;

use crate::cli::KubernetesFlags;
use crate::failure::Failure;
use crate::kubernetes::{Kubernetes, connect};

/// The context of a command.
pub(crate) struct Context {
    flags: KubernetesFlags,
    kubernetes: OnceCell<Kubernetes>,
}

impl Context {
    pub(crate) fn new(flags: KubernetesFlags) -> Self {
        Self {
            flags,
            kubernetes: OnceCell::new(),
        }
    }

    /// What `-n` says.
    pub(crate) fn namespace_flag(&self) -> Option<&str> {
        self.flags.namespace.as_deref()
    }

    /// The client; made at the first call, so that what needs none is fast and works offline.
    pub(crate) async fn kubernetes(&self) -> Result<&Kubernetes, Failure> {
        self.kubernetes
            .get_or_try_init(|| connect(&self.flags))
            .await
    }
}
