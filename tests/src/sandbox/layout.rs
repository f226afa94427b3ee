//! What lies where in a sandbox's folder.

use std::{
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use super::identity::User;

/// Paths below a sandbox's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout(PathBuf);

impl Layout {
    pub(super) fn of(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Makes the folders, all closed to others but the operator's: PostgreSQL runs as another user
    /// when we are root.
    pub(super) fn make(&self) -> io::Result<()> {
        for (folder, mode) in [
            (self.pki(""), 0o700),
            (self.0.join("users"), 0o700),
            (self.etcd(), 0o700),
            (self.0.join("log"), 0o700),
            (self.cache(), 0o700),
            (self.operator(), 0o711),
        ] {
            DirBuilder::new()
                .recursive(true)
                .mode(mode)
                .create(folder)?;
        }
        Ok(())
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    pub(super) fn pki(&self, file: &str) -> PathBuf {
        self.0.join("pki").join(file)
    }

    pub(super) fn etcd(&self) -> PathBuf {
        self.0.join("etcd")
    }

    pub(super) fn operator(&self) -> PathBuf {
        self.0.join("operator")
    }

    /// kubectl's discovery cache, which would be written to the user's home otherwise.
    pub(super) fn cache(&self) -> PathBuf {
        self.0.join("cache")
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.0.join("log").join(format!("{name}.log"))
    }

    pub(super) fn policy(&self) -> PathBuf {
        self.0.join("policy.yaml")
    }

    /// What the API server writes down.
    pub(super) fn audit_policy(&self) -> PathBuf {
        self.0.join("audit-policy.json")
    }

    /// The kubeconfig with all published contexts.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.0.join("kubeconfig")
    }

    /// A kubeconfig of this user alone.
    pub(super) fn kubeconfig_of(&self, user: User) -> PathBuf {
        self.0.join("users").join(user.context())
    }

    /// Which process is the supervisor: there from the start.
    pub(super) fn supervisor(&self) -> PathBuf {
        self.0.join("supervisor.json")
    }

    /// What the supervisor reported: there once the sandbox is ready.
    pub(super) fn ready(&self) -> PathBuf {
        self.0.join("ready.json")
    }
}
