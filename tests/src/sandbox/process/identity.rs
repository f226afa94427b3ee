//! Processes told apart from others that got their id.

use std::{ffi::OsString, fs, io, path::Path};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use super::OWNER_VARIABLE;

/// A process, told apart from a later one that got the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Process id.
    pub pid: u32,
    /// When it started, in clock ticks since the machine did.
    pub started: u64,
}

impl Identity {
    /// The process that has this id now, zombies left out.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's name in brackets, which may hold spaces and brackets.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let zombie = matches!(*fields.first()?, "Z" | "X");
        let started = fields.get(19)?.parse().ok()?;
        (!zombie).then_some(Self { pid, started })
    }

    /// Whether this very process still runs.
    #[must_use]
    pub fn is_running(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Sends a signal to this very process; that it is gone is no error.
    pub fn signal(self, signal: Signal) -> io::Result<()> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return Ok(());
        };
        // The descriptor holds on to the process, so the id cannot be given to another one
        // between the check and the signal.
        let descriptor = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => descriptor,
            Err(rustix::io::Errno::SRCH) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if !self.is_running() {
            return Ok(());
        }
        match pidfd_send_signal(&descriptor, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Every process that was started for the sandbox in this folder, except ourselves.
#[must_use]
pub fn owned_by(folder: &Path) -> Vec<Identity> {
    let mut mark = OsString::from(OWNER_VARIABLE);
    mark.push("=");
    mark.push(folder);
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|&pid| pid != std::process::id())
        .filter(|pid| {
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
                environment
                    .split(|byte| *byte == 0)
                    .any(|variable| variable == mark.as_encoded_bytes())
            })
        })
        .filter_map(Identity::of)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_that_got_the_id_of_another_is_left_alone() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let process = Identity::of(child.id()).unwrap();
        let earlier = Identity {
            started: process.started - 1,
            ..process
        };
        assert!(!earlier.is_running());
        earlier.signal(Signal::KILL).unwrap();
        assert!(process.is_running());
        process.signal(Signal::KILL).unwrap();
        child.wait().unwrap();
        assert!(!process.is_running());
        process.signal(Signal::KILL).unwrap();
    }

    #[test]
    fn the_dead_that_nobody_has_waited_for_do_not_run() {
        let mut child = Command::new("true").spawn().unwrap();
        let pid = child.id();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while Identity::of(pid).is_some() {
            assert!(std::time::Instant::now() < deadline);
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }
}
