//! How far an operation is: live on a terminal, a line for every change elsewhere.

use std::cell::RefCell;
use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::stderr_line;

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(120);

/// Tells on stderr what an operation is doing.
#[derive(Debug)]
pub(crate) struct Progress {
    subject: String,
    spinner: Option<ProgressBar>,
    last: RefCell<String>,
}

impl Progress {
    /// Progress of `subject`, such as `database/orders`.
    pub(crate) fn new(subject: &str) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let live = std::io::stderr().is_terminal() && !dumb;
        let spinner = live.then(|| {
            let spinner = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
                spinner.set_style(style);
            }
            spinner.enable_steady_tick(TICK);
            spinner
        });
        Self {
            subject: subject.to_owned(),
            spinner,
            last: RefCell::default(),
        }
    }

    /// Says what is being done or waited for, if it is not what was said last.
    pub(crate) fn say(&self, what: &str) {
        if *self.last.borrow() == what {
            return;
        }
        what.clone_into(&mut self.last.borrow_mut());
        let text = format!("{}: {what}", self.subject);
        match &self.spinner {
            Some(spinner) => spinner.set_message(text),
            None => stderr_line(&text),
        }
    }

    /// Prints a line that stays.
    pub(crate) fn note(&self, text: &str) {
        self.aside(|| stderr_line(text));
    }

    /// Does what prints, with the live line out of its way.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.spinner {
            Some(spinner) => spinner.suspend(print),
            None => print(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}
