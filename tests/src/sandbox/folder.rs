//! A sandbox's folder: where it is, whose it is, and how it goes away.
//!
//! The supervisor holds a lock on its folder as long as it lives; the kernel lets go of it when the
//! supervisor ends, however that happens. So an unlocked folder is what a crash has left. Making a
//! folder and sweeping happen under a lock on the folder above, so that a folder which is about to
//! be locked is never taken for a leftover.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Signal, getuid};

use super::process::owned_by;

/// How long processes may take to be gone.
const KILL_LIMIT: Duration = Duration::from_secs(13);
/// How long they may take to end by themselves: a killed `PostgreSQL` would leave shared memory,
/// which lies outside of any folder. At SIGINT it ends whatever its clients do.
const PATIENCE: Duration = Duration::from_secs(3);

/// The folder that holds all sandboxes of this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base(PathBuf);

impl Base {
    /// `DAAP_SANDBOX_DIR`, else a folder of this user's under `XDG_RUNTIME_DIR` or `/tmp`.
    pub(super) fn from_environment() -> Result<Self> {
        if let Some(folder) = std::env::var_os("DAAP_SANDBOX_DIR").filter(|f| !f.is_empty()) {
            return Ok(Self(std::path::absolute(folder)?));
        }
        let uid = getuid();
        // PostgreSQL refuses root and so runs as another user, to whom root's is closed.
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|_| !uid.is_root());
        let parent = runtime.map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
        Ok(Self(parent.join(format!("kubectl-daap-{}", uid.as_raw()))))
    }

    /// Folder of the sandbox with this name.
    pub(super) fn sandbox(&self, name: &str) -> Result<PathBuf> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ensure!(
            !name.is_empty() && name.len() <= 40 && name.chars().all(plain),
            "a sandbox's name has 1 to 40 lower-case letters, digits and hyphens, not {name:?}"
        );
        Ok(self.0.join(name))
    }

    /// Names of the folders that are there.
    pub(super) fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.0) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// Removes what crashed sandboxes have left.
    pub(super) fn sweep(&self) -> Result<()> {
        let Some(_held) = self.lock(false)? else {
            return Ok(());
        };
        self.sweep_locked()
    }

    /// Makes the folder of a sandbox and locks it; `None` when a living one has it.
    pub(super) fn claim(&self, name: &str) -> Result<Option<Claim>> {
        let path = self.sandbox(name)?;
        let Some(_held) = self.lock(true)? else {
            bail!("failed to make {}", self.0.display());
        };
        self.sweep_locked()?;
        match DirBuilder::new().mode(0o711).create(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => {
                return Err(error).context(format!("failed to make {}", path.display()));
            }
        }
        let lock = File::open(&path)?;
        // Someone may be looking whether it is held.
        lock.lock()?;
        Ok(Some(Claim { path, _lock: lock }))
    }

    /// Removes the folder above when the last sandbox is gone.
    pub(super) fn remove_if_empty(&self) {
        if let Ok(Some(_held)) = self.lock(false) {
            // Fails while there is something in it, which is what is wanted.
            let _ = fs::remove_dir(&self.0);
        }
    }

    fn sweep_locked(&self) -> Result<()> {
        for name in self.names() {
            let path = self.0.join(name);
            if path.is_dir() && !is_live(&path) {
                clear(&path)?;
            }
        }
        Ok(())
    }

    /// Locks the folder above; `None` when there is none and none is to be made.
    fn lock(&self, make: bool) -> Result<Option<File>> {
        loop {
            if make {
                let done = DirBuilder::new()
                    .recursive(true)
                    .mode(0o711)
                    .create(&self.0);
                done.with_context(|| format!("failed to make {}", self.0.display()))?;
            }
            let metadata = match fs::symlink_metadata(&self.0) {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == ErrorKind::NotFound && !make => return Ok(None),
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            // Below /tmp anyone could have made it.
            ensure!(
                metadata.is_dir() && metadata.uid() == getuid().as_raw(),
                "{} is not a folder of this user: remove it, or set DAAP_SANDBOX_DIR",
                self.0.display()
            );
            let held = File::open(&self.0)?;
            held.lock()?;
            // Another one may have removed it while we waited.
            let current = fs::symlink_metadata(&self.0).ok();
            if current.is_some_and(|m| m.ino() == held.metadata().map_or(0, |h| h.ino())) {
                return Ok(Some(held));
            }
        }
    }
}

/// A folder that is ours for as long as this lives.
#[derive(Debug)]
pub(super) struct Claim {
    path: PathBuf,
    _lock: File,
}

impl Claim {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether a supervisor holds this folder.
pub(super) fn is_live(path: &Path) -> bool {
    let Ok(folder) = File::open(path) else {
        return false;
    };
    matches!(folder.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Ends what was started for this folder, and removes it.
pub(super) fn clear(path: &Path) -> Result<()> {
    let began = Instant::now();
    let mut asked = Vec::new();
    loop {
        let left = owned_by(path);
        if left.is_empty() {
            break;
        }
        ensure!(
            began.elapsed() < KILL_LIMIT,
            "processes of {} do not end: {left:?}",
            path.display()
        );
        for process in left {
            if began.elapsed() > PATIENCE {
                process.signal(Signal::KILL)?;
            } else if !asked.contains(&process) {
                process.signal(Signal::INT)?;
                asked.push(process);
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).context(format!("failed to remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Writes a file that only we may read, whole or not at all.
pub(super) fn write_private(path: &Path, content: &str) -> Result<()> {
    let write = || -> io::Result<()> {
        let beside = path.with_added_extension("new");
        let mut file = File::options()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(content.as_bytes())?;
        fs::rename(beside, path)
    };
    write().with_context(|| format!("failed to write {}", path.display()))
}
