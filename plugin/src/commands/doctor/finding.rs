//! What a check found.

use serde_json::{Value, json};

use crate::database::API_VERSION;
use crate::failure::{Class, Failure};
use crate::output::{lines, pasteable};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is as it should be.
    Passed,
    /// It works, and not everything does.
    Warning,
    /// It does not work.
    Failed,
    /// It could not be looked at.
    Skipped,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Warning => "WARNING",
            Self::Failed => "FAILED",
            Self::Skipped => "SKIPPED",
        }
    }
}

/// Of a failure that names no next step.
const AGAIN: &str = "run it again with -v=6 to see what was asked";

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// Name of the check.
    pub(super) check: &'static str,
    pub(super) outcome: Outcome,
    /// What was found.
    pub(super) message: String,
    /// What to do.
    pub(super) remedy: Option<String>,
}

impl Finding {
    fn new(check: &'static str, outcome: Outcome, message: impl Into<String>) -> Self {
        Self {
            check,
            outcome,
            message: message.into(),
            remedy: None,
        }
    }

    pub(super) fn passed(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Outcome::Passed, message)
    }

    pub(super) fn warning(
        check: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(check, Outcome::Warning, message).with(remedy)
    }

    pub(super) fn failed(
        check: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(check, Outcome::Failed, message).with(remedy)
    }

    pub(super) fn skipped(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Outcome::Skipped, message)
    }

    fn with(self, remedy: impl Into<String>) -> Self {
        let remedy: String = remedy.into();
        Self {
            remedy: Some(pasteable(&remedy).into_owned()),
            ..self
        }
    }

    /// A check that came to no result: skipped where the right lacks, which the message names.
    pub(super) fn of_failure(check: &'static str, failure: &Failure) -> Self {
        match failure.classification() {
            // What may not be looked at need not be: nobody has to get the right for it.
            Class::Forbidden => Self::skipped(check, failure.to_string()),
            _ => Self::failed(
                check,
                failure.to_string(),
                failure.next_step().unwrap_or(AGAIN),
            ),
        }
    }
}

/// All of them.
pub(super) struct Report(pub(super) Vec<Finding>);

impl Report {
    pub(super) fn has_failed(&self) -> bool {
        self.count(Outcome::Failed) > 0
    }

    fn count(&self, outcome: Outcome) -> usize {
        let found = self.0.iter().filter(|finding| finding.outcome == outcome);
        found.count()
    }

    /// A line each, and one more for the remedy of what needs one.
    pub(super) fn text(&self) -> String {
        let widest = self.0.iter().map(|finding| finding.check.len()).max();
        let width = widest.unwrap_or_default();
        let mut said = Vec::new();
        for finding in &self.0 {
            let outcome = finding.outcome.as_str();
            let line = format!(
                "{outcome:<7}   {:<width$}   {}",
                finding.check, finding.message
            );
            said.push(line);
            if let Some(remedy) = &finding.remedy {
                said.push(format!("{:7}   {:width$}   remedy: {remedy}", "", ""));
            }
        }
        lines(said)
    }

    pub(super) fn summary(&self) -> String {
        let warnings = match self.count(Outcome::Warning) {
            1 => "1 warning".to_owned(),
            several => format!("{several} warnings"),
        };
        format!(
            "{} passed, {warnings}, {} failed, {} skipped",
            self.count(Outcome::Passed),
            self.count(Outcome::Failed),
            self.count(Outcome::Skipped)
        )
    }

    pub(super) fn json(&self) -> Value {
        let checks: Vec<Value> = { self.0.iter() }
            .map(|finding| {
                json!({
                    "check": finding.check,
                    "outcome": finding.outcome.as_str(),
                    "message": finding.message,
                    "remedy": finding.remedy,
                })
            })
            .collect();
        json!({
            "apiVersion": API_VERSION,
            "kind": "Diagnosis",
            "healthy": !self.has_failed(),
            "checks": checks,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_says_what_and_the_next_what_to_do() {
        let report = Report(vec![
            Finding::passed("client", "0.1.0"),
            Finding::failed("operator", "no pod of it is ready", "look at its log"),
            Finding::warning("history", "nothing vouches for it", "install the webhook"),
            Finding::of_failure(
                "storage-classes",
                &Failure::new("ada may not list storageclasses.storage.k8s.io")
                    .class(Class::Forbidden),
            ),
        ]);
        insta::assert_snapshot!(report.text(), @r"
        PASSED    client            0.1.0
        FAILED    operator          no pod of it is ready
                                    remedy: look at its log
        WARNING   history           nothing vouches for it
                                    remedy: install the webhook
        SKIPPED   storage-classes   ada may not list storageclasses.storage.k8s.io
        ");
        assert_eq!(report.summary(), "1 passed, 1 warning, 1 failed, 1 skipped");
        assert!(report.has_failed());
        assert_eq!(report.json()["healthy"], false);
    }
}
