//! The policy, read from a mounted file and read again when it changes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use daap_crds::policy::{Policy, PolicyError};

/// Why a policy file is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum PolicyFileError {
    /// The file cannot be read.
    #[error("failed to read the policy file {0}: {1}")]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// Its content is no policy.
    #[error("{0}: {1}")]
    Invalid(PathBuf, #[source] PolicyError),
}

/// A policy file, and the last good policy that was read from it.
#[derive(Debug)]
pub struct PolicyFile {
    path: PathBuf,
    /// What the current policy was read from.
    text: Mutex<String>,
    current: ArcSwap<Policy>,
}

impl PolicyFile {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// It cannot be read, or is no valid policy: then the webhook does not start.
    pub fn open(path: PathBuf) -> Result<Self, PolicyFileError> {
        let text = read(&path)?;
        let policy = parse(&path, &text)?;
        Ok(Self {
            path,
            text: Mutex::new(text),
            current: ArcSwap::from_pointee(policy),
        })
    }

    /// The last good policy.
    #[must_use]
    pub fn current(&self) -> Arc<Policy> {
        self.current.load_full()
    }

    /// Reads the file again if it changed. Returns whether it did.
    ///
    /// # Errors
    /// What is there now is no valid policy: the last good one stays.
    pub fn reload(&self) -> Result<bool, PolicyFileError> {
        let text = read(&self.path)?;
        let mut known = self
            .text
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if *known == text {
            return Ok(false);
        }
        let policy = parse(&self.path, &text)?;
        *known = text;
        self.current.store(Arc::new(policy));
        Ok(true)
    }
}

fn read(path: &PathBuf) -> Result<String, PolicyFileError> {
    std::fs::read_to_string(path).map_err(|error| PolicyFileError::Unreadable(path.clone(), error))
}

fn parse(path: &std::path::Path, text: &str) -> Result<Policy, PolicyFileError> {
    Policy::from_yaml(text).map_err(|error| PolicyFileError::Invalid(path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_reload_keeps_the_last_good_policy() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "retentionDays: 7").unwrap();
        let policy = PolicyFile::open(file.path().to_owned()).unwrap();
        assert!(!policy.reload().unwrap());
        std::fs::write(file.path(), "retentionDay: 9").unwrap();
        let error = policy.reload().unwrap_err().to_string();
        assert!(error.contains("retentionDay"), "{error}");
        assert_eq!(policy.current().retention_days, 7);
        assert!(policy.reload().is_err(), "it is still bad");
        std::fs::write(file.path(), "retentionDays: 9").unwrap();
        assert!(policy.reload().unwrap());
        assert_eq!(policy.current().retention_days, 9);
    }

    #[test]
    fn a_bad_file_stops_the_start() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "limits: {instances: {min: 5, max: 1}}").unwrap();
        assert!(PolicyFile::open(file.path().to_owned()).is_err());
        assert!(PolicyFile::open("/nowhere".into()).is_err());
    }
}
