//! Why a command failed: one message, every field that is wrong, the next step, the exit code.

mod complaint;

use std::fmt::{self, Write as _};
use std::process::ExitCode;

pub(crate) use complaint::Complaint;

use crate::output::pasteable;

/// Done, but not as asked.
const FAILED: u8 = 1;
/// The command line makes no sense.
const USAGE: u8 = 2;
/// 128 + SIGINT, as shells report it.
pub(crate) const INTERRUPTED: u8 = 130;

/// What may be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Nothing by itself; the operation stays where it is.
    Fatal,
    /// It may pass: try again.
    Transient,
    /// Somebody else wrote meanwhile: look again and go on.
    Conflict,
    /// The object is there already: look again.
    Exists,
    /// The object is not there.
    NotFound,
    /// The API server does not serve the resource at all.
    NotServed,
    /// RBAC says no.
    Forbidden,
    /// The same write will be refused again: denied, invalid, quota.
    Hard,
    /// The reader of our output has gone, which is no error.
    BrokenPipe,
}

/// Whose answer admission waits for, and does not get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Away {
    /// `CloudNativePG`'s operator.
    Operator,
    /// daap's webhook.
    Webhook,
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    complaints: Vec<Complaint>,
    hint: Option<String>,
    /// The database that was not found, while nothing better than its absence is known of it.
    missing_database: Option<String>,
    class: Class,
    exit: u8,
    denied: bool,
    away: Option<Away>,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            complaints: Vec::new(),
            hint: None,
            missing_database: None,
            class: Class::Fatal,
            exit: FAILED,
            denied: false,
            away: None,
        }
    }

    /// The command line makes no sense: exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: USAGE,
            ..Self::new(message)
        }
    }

    /// For commands whose exit code 1 is an answer, as `diff`'s.
    pub(crate) fn above_1(self) -> Self {
        Self {
            exit: self.exit.max(USAGE),
            ..self
        }
    }

    /// Ctrl-C.
    pub(crate) fn interrupted(message: impl Into<String>) -> Self {
        Self {
            exit: INTERRUPTED,
            ..Self::new(message)
        }
    }

    /// Fields that are wrong.
    pub(crate) fn fields(message: impl Into<String>, complaints: Vec<Complaint>) -> Self {
        Self {
            complaints,
            class: Class::Hard,
            ..Self::new(message)
        }
    }

    /// Admission, or the API server's validation, said no.
    pub(crate) fn denied(message: impl Into<String>, complaints: Vec<Complaint>) -> Self {
        Self {
            denied: true,
            ..Self::fields(message, complaints)
        }
    }

    /// The reader of our output has gone.
    pub(crate) fn broken_pipe() -> Self {
        Self {
            exit: 0,
            ..Self::new(String::new()).class(Class::BrokenPipe)
        }
    }

    pub(crate) fn transient(self) -> Self {
        self.class(Class::Transient)
    }

    pub(crate) fn class(self, class: Class) -> Self {
        Self { class, ..self }
    }

    /// What to do next.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            missing_database: None,
            ..self
        }
    }

    /// The database that was not found: another may have been meant. A hint that follows is better
    /// than that.
    pub(crate) fn missing(self, database: impl fmt::Display) -> Self {
        Self {
            missing_database: Some(database.to_string()),
            ..self
        }
    }

    /// What [`Self::missing`] was told.
    pub(crate) fn missing_database(&self) -> Option<&str> {
        self.missing_database.as_deref()
    }

    /// What may help more than the hint.
    pub(crate) fn before_hint(self, what: &str) -> Self {
        let hint = match &self.hint {
            Some(hint) => format!("{what} {hint}"),
            None => what.to_owned(),
        };
        self.hint(hint)
    }

    /// Says what could not be done before why.
    pub(crate) fn context(mut self, what: impl fmt::Display) -> Self {
        if self.class != Class::BrokenPipe {
            self.message = format!("{what}: {}", self.message);
        }
        self
    }

    /// Says who did not answer.
    pub(crate) fn without(self, away: Option<Away>) -> Self {
        Self { away, ..self }
    }

    /// Who did not answer, where that is why.
    pub(crate) fn away(&self) -> Option<Away> {
        self.away
    }

    /// What to do next, if that is known.
    pub(crate) fn next_step(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    pub(crate) fn classification(&self) -> Class {
        self.class
    }

    /// Whether it was Ctrl-C.
    pub(crate) fn is_interruption(&self) -> bool {
        self.exit == INTERRUPTED
    }

    /// Whether the same write will be refused again.
    pub(crate) fn is_hard(&self) -> bool {
        matches!(self.class, Class::Hard | Class::Forbidden)
    }

    /// Whether admission or validation refused it.
    pub(crate) fn is_denial(&self) -> bool {
        self.denied
    }

    pub(crate) fn complaints(&self) -> &[Complaint] {
        &self.complaints
    }

    /// Says what else is wrong, once.
    pub(crate) fn and(mut self, more: Vec<Complaint>) -> Self {
        for complaint in more {
            if !self.complaints.contains(&complaint) {
                self.complaints.push(complaint);
            }
        }
        self
    }

    /// The same for who wrote a document: fields and hint name its fields, and no flag.
    pub(crate) fn in_document(mut self, place: &str) -> Self {
        let complaints = std::mem::take(&mut self.complaints);
        let complaints = complaints.into_iter();
        self.complaints = complaints.map(|one| one.in_document(place)).collect();
        self.hint = { self.hint.as_deref() }.map(complaint::hint_in_document);
        self
    }

    /// One line, for the annotation `daap.dev/pending`.
    pub(crate) fn one_line(&self) -> String {
        if self.complaints.is_empty() {
            return self.message.clone();
        }
        let fields: Vec<String> = self
            .complaints
            .iter()
            .map(|complaint| format!("{}: {}", complaint.field, complaint.text))
            .collect();
        fields.join(", ")
    }

    /// What is printed to stderr.
    #[must_use]
    pub(crate) fn render(&self) -> String {
        if self.class == Class::BrokenPipe {
            return String::new();
        }
        // The message of a denial repeats its causes; these stand alone.
        let message = match self.complaints.first() {
            Some(first) if self.denied && self.message.contains(&first.text) => {
                self.message.split(": ").next().unwrap_or(&self.message)
            }
            _ => &self.message,
        };
        let mut text = format!("error: {message}\n");
        for complaint in &self.complaints {
            let _ = writeln!(text, "  {}: {}", complaint.field, complaint.text);
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "hint: {hint}");
        }
        pasteable(&text).into_owned()
    }

    /// The exit code of the process.
    #[must_use]
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_message_fields_and_hint() {
        let failure = Failure::fields(
            "database/x not created",
            vec![Complaint::new("name", "'x' has 1 character")],
        )
        .hint("correct it")
        .context("nothing was written");
        insta::assert_snapshot!(failure.render(), @r"
        error: nothing was written: database/x not created
          name: 'x' has 1 character
        hint: correct it
        ");
        assert_eq!(failure.one_line(), "name: 'x' has 1 character");
        assert_eq!(Failure::broken_pipe().render(), "");
    }
}
