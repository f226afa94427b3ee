//! A terminal of any width, without anybody before it.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use regex::Regex;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// How long a command may show nothing new.
const PATIENCE: Duration = Duration::from_mins(1);

/// As it is typed.
pub(crate) const CTRL_C: &str = "\u{3}";

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
    child: Child,
    window: File,
    parts: Receiver<String>,
    /// What was shown and not asked for yet.
    shown: String,
}

/// Starts a command in a window of so many columns. It is the command's own: Ctrl-C that is typed
/// there reaches it.
pub(crate) fn start(command: &Command, columns: u16) -> Running {
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
    let mut command = with_terminal(command);
    command.stdin(open()).stdout(open()).stderr(open());
    let child = command.spawn().unwrap();
    // Or the window would never end.
    drop(command);
    let window = File::from(window);
    Running {
        child,
        parts: parts(window.try_clone().unwrap()),
        window,
        shown: String::new(),
    }
}

/// The command behind `setsid` and `env`, which become it. Who starts the tests in the background has them ignore
/// Ctrl-C; nobody does before a terminal.
fn with_terminal(command: &Command) -> Command {
    let mut session = Command::new("setsid");
    session.args(["--ctty", "env", "--default-signal=INT"]);
    session.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => session.env(name, value),
            None => session.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        session.current_dir(folder);
    }
    session
}

impl Running {
    /// Types.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.window.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads until `text` is shown, and no further; everything up to there.
    pub(crate) fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.shown.find(text) {
                let rest = self.shown.split_off(at + text.len());
                return std::mem::replace(&mut self.shown, rest);
            }
            assert!(self.read(), "it ended without '{text}': {}", self.shown);
        }
    }

    /// Reads to the end.
    pub(crate) fn finish(mut self) -> Seen {
        while self.read() {}
        let code = self.child.wait().unwrap().code();
        let raw = self.shown;
        Seen { code, raw }
    }

    /// Whether there was anything more to read.
    fn read(&mut self) -> bool {
        match self.parts.recv_timeout(PATIENCE) {
            Ok(part) => self.shown.push_str(&part),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => {
                self.child.kill().unwrap();
                panic!("it neither ends nor goes on: {:?}", self.shown);
            }
        }
        true
    }
}

/// What is shown in the window, as it comes.
fn parts(mut window: File) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        // A window whose last program has ended answers with an error.
        while let Ok(length @ 1..) = window.read(&mut buffer) {
            let part = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if sender.send(part).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Runs a command in a window, to its end.
pub(crate) fn run(command: &Command, columns: u16) -> Seen {
    start(command, columns).finish()
}
