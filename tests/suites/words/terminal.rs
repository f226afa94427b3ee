//! A terminal of any width, without anybody before it.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Command};

use regex::Regex;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// What was seen on a terminal.
pub(crate) struct Seen {
    /// Exit status of the command.
    pub(crate) code: Option<i32>,
    /// Every byte, control sequences included.
    pub(crate) raw: String,
}

impl Seen {
    /// What stays on the screen, line by line: a line that was written anew is there once.
    pub(crate) fn screen(&self) -> String {
        let control = Regex::new(r"\x1b\[[0-9;?]*[A-Za-z]").unwrap();
        let mut screen = String::new();
        for line in self.raw.replace("\r\n", "\n").split_inclusive('\n') {
            // Only what is behind the last return of the carriage, or erasure, is still there.
            let kept = line.rsplit('\r').next().unwrap();
            screen.push_str(&control.replace_all(kept, ""));
        }
        screen
    }

    /// Whether it was coloured, or set in bold.
    pub(crate) fn has_colours(&self) -> bool {
        Regex::new(r"\x1b\[[0-9;]*m").unwrap().is_match(&self.raw)
    }
}

/// A command that runs in a window.
pub(crate) struct Running {
    pub(crate) child: Child,
    window: File,
}

/// Starts a command in a window of so many columns.
pub(crate) fn start(mut command: Command, columns: u16) -> Running {
    let window = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&window).unwrap();
    unlockpt(&window).unwrap();
    let size = Winsize {
        ws_row: 50,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&window, size).unwrap();
    let name = ptsname(&window, Vec::new()).unwrap();
    let open = || {
        let path = Path::new(OsStr::from_bytes(name.as_bytes()));
        let inside = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .unwrap();
        OwnedFd::from(inside)
    };
    command.stdin(open()).stdout(open()).stderr(open());
    let child = command.spawn().unwrap();
    // Or the window would never end.
    drop(command);
    Running {
        child,
        window: File::from(window),
    }
}

impl Running {
    /// Reads until `text` was shown; everything so far.
    pub(crate) fn until(&mut self, text: &str) -> String {
        let mut raw = String::new();
        while !raw.contains(text) {
            let read = self.read();
            assert!(!read.is_empty(), "it ended without '{text}': {raw}");
            raw.push_str(&read);
        }
        raw
    }

    /// Reads to the end.
    pub(crate) fn finish(mut self) -> Seen {
        let mut raw = String::new();
        loop {
            let read = self.read();
            if read.is_empty() {
                break;
            }
            raw.push_str(&read);
        }
        let code = self.child.wait().unwrap().code();
        Seen { code, raw }
    }

    fn read(&mut self) -> String {
        let mut buffer = [0; 4096];
        // A window whose last program has ended answers with an error.
        let length = self.window.read(&mut buffer).unwrap_or_default();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }
}

/// Runs a command in a window, to its end.
pub(crate) fn run(command: Command, columns: u16) -> Seen {
    start(command, columns).finish()
}
