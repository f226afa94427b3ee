//! Reading what the user typed: every field, so that all that are wrong are told at once.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;

use crate::failure::Complaint;

/// Collects what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Input {
    complaints: Vec<Complaint>,
}

impl Input {
    /// A field that has to be there; none where it is wrong.
    pub(crate) fn required<T, E: Display>(
        &mut self,
        field: &str,
        given: Option<&OsStr>,
        missing: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if given.is_none() {
            self.complain(field, missing);
        }
        self.optional(field, given, parse)
    }

    /// A field that may be left out; none where it is, or is wrong.
    pub(crate) fn optional<T, E: Display>(
        &mut self,
        field: &str,
        given: Option<&OsStr>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let given = given?;
        let Some(text) = given.to_str() else {
            self.complain(field, format!("'{}' is not UTF-8", given.to_string_lossy()));
            return None;
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.complain(field, error);
                None
            }
        }
    }

    pub(crate) fn complain(&mut self, field: &str, text: impl Display) {
        self.complaints.push(Complaint::new(field, text));
    }

    pub(crate) fn is_good(&self) -> bool {
        self.complaints.is_empty()
    }

    pub(crate) fn has(&self, field: &str) -> bool {
        self.complaints
            .iter()
            .any(|complaint| complaint.field == field)
    }

    /// Adds what somebody else found, unless we found something wrong with that field already.
    pub(crate) fn add(&mut self, complaint: Complaint) {
        if !self.has(&complaint.field) {
            self.complaints.push(complaint);
        }
    }

    pub(crate) fn into_complaints(self) -> Vec<Complaint> {
        self.complaints
    }
}

/// As `clap` hands it over.
pub(crate) fn given(value: Option<&OsString>) -> Option<&OsStr> {
    value.map(OsString::as_os_str)
}

/// A whole number above zero.
///
/// # Errors
/// It is not.
pub(crate) fn count(text: &str) -> Result<u32, String> {
    match text.parse::<i64>() {
        Ok(number) if number < 1 => Err(format!("{text} is below 1; there is at least 1")),
        Ok(number) => u32::try_from(number).map_err(|_| format!("{text} is far too many")),
        Err(_) => Err(format!("'{text}' is no whole number")),
    }
}

/// Any text that is not empty.
///
/// # Errors
/// It is empty.
pub(crate) fn text(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() {
        return Err("it is empty; leave the flag out or give a value");
    }
    Ok(text.to_owned())
}

/// A reason that can be recorded.
///
/// # Errors
/// It is empty, too long, or contains control characters.
pub(crate) fn reason(text: &str) -> Result<String, String> {
    daap_crds::purpose::check_text(text).map_err(|error| error.to_string())?;
    self::text(text).map_err(str::to_owned)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0", "0 is below 1; there is at least 1")]
    #[case("-2", "-2 is below 1; there is at least 1")]
    #[case("two", "'two' is no whole number")]
    #[case("1.5", "'1.5' is no whole number")]
    #[case("99999999999", "99999999999 is far too many")]
    fn counts_that_are_none(#[case] given: &str, #[case] message: &str) {
        assert_eq!(count(given).unwrap_err(), message);
    }

    #[test]
    fn every_field_is_reported_once() {
        let mut input = Input::default();
        assert_eq!(input.required("--a", None, "it is missing", count), None);
        assert_eq!(input.optional("--b", Some(OsStr::new("x")), count), None);
        assert_eq!(input.optional("--c", Some(OsStr::new("3")), count), Some(3));
        input.add(Complaint::new("--a", "again"));
        input.add(Complaint::new("--d", "new"));
        let fields: Vec<String> = input
            .into_complaints()
            .into_iter()
            .map(|complaint| complaint.field)
            .collect();
        assert_eq!(fields, ["--a", "--b", "--d"]);
    }
}
