//! How far an operation is. On a terminal a live line, and one that stays for each phase that is
//! over; elsewhere a line when a phase begins, and one at the end that says how long each took.

use std::cell::RefCell;
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::phases::{Phases, Said, span};
use super::stderr_line;

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(120);
/// Below this nobody asks where the time went.
const WORTH_A_LINE: Duration = Duration::from_secs(1);

/// The live line, so that whatever prints puts it out of the way first.
static LIVE: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Does what prints, with the live line out of its way.
pub(super) fn aside<T>(print: impl FnOnce() -> T) -> T {
    let live = LIVE.lock().ok().and_then(|live| live.clone());
    match live {
        Some(live) => live.suspend(print),
        None => print(),
    }
}

/// Tells on stderr what an operation is doing.
#[derive(Debug)]
pub(crate) struct Progress {
    subject: String,
    spinner: Option<ProgressBar>,
    phases: RefCell<Phases>,
}

impl Progress {
    /// Progress of `subject`, such as `database/orders`.
    pub(crate) fn new(subject: &str) -> Self {
        let spinner = is_live().then(|| live_line(subject));
        if let Ok(mut live) = LIVE.lock() {
            live.clone_from(&spinner);
        }
        Self {
            subject: subject.to_owned(),
            spinner,
            phases: RefCell::default(),
        }
    }

    /// Says what is being done or waited for, if it is not what was said last.
    pub(crate) fn say(&self, what: &str) {
        let said = self.phases.borrow_mut().say(what, Instant::now());
        let text = format!("{}: {what}", self.subject);
        match (&self.spinner, said) {
            (_, Said::Known) => {}
            (None, _) => stderr_line(&text),
            (Some(spinner), Said::Further) => spinner.set_message(text),
            (Some(spinner), Said::New(ended)) => {
                self.keep(ended);
                spinner.reset_elapsed();
                spinner.set_message(text);
            }
        }
    }

    /// What is being done or waited for is over.
    pub(crate) fn pause(&self) {
        let ended = self.phases.borrow_mut().end(Instant::now());
        if let Some(spinner) = &self.spinner {
            spinner.set_message(self.subject.clone());
            self.keep(ended);
        }
    }

    /// What is being done or waited for.
    pub(crate) fn now(&self) -> Option<String> {
        self.phases.borrow().last().map(str::to_owned)
    }

    /// Prints a line that stays.
    pub(crate) fn note(&self, text: &str) {
        self.pause();
        stderr_line(text);
    }

    /// Leaves the line of a phase that is over on the terminal.
    fn keep(&self, ended: Option<(String, Duration)>) {
        if let Some((text, took)) = ended {
            stderr_line(&format!("{}: {text} ({})", self.subject, span(took)));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.pause();
        if let Ok(mut live) = LIVE.lock() {
            *live = None;
        }
        match &self.spinner {
            Some(spinner) => spinner.finish_and_clear(),
            None => {
                if let Some(summary) = self.phases.borrow().summary(WORTH_A_LINE) {
                    stderr_line(&format!("{}: {summary}", self.subject));
                }
            }
        }
    }
}

/// A line that is written anew needs a terminal that can.
fn is_live() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
    std::io::stderr().is_terminal() && !dumb
}

fn live_line(subject: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(subject.to_owned());
    // Cut to the width of the window; no colour, so that NO_COLOR has nothing to take away.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(TICK);
    spinner
}
