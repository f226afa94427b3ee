//! What users read: results on stdout, everything else on stderr.

mod age;
mod changes;
mod format;
mod growing_table;
mod pasteable;
mod phases;
mod progress;
mod shell;
mod sort;
mod table;
mod wrap;

use std::io::{self, Write as _};

use clap::Args;
use serde::Serialize;

pub(crate) use age::age;
pub(crate) use changes::{Words, changes, whole};
pub(crate) use format::{Documents, Formats, FormatsOr, JsonPath, OutputFormat, Shape};
pub(crate) use growing_table::GrowingTable;
pub(crate) use pasteable::{pasteable, repeat_flags};
pub(crate) use progress::Progress;
pub(crate) use shell::quoted;
pub(crate) use sort::SortBy;
pub(crate) use table::Table;
pub(crate) use wrap::{width, wrapped};

use crate::failure::Failure;

/// Flags of commands that print objects.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output flags")]
pub(crate) struct OutputFlags {
    /// How to print: wide, json, yaml, name, jsonpath=…, jsonpath-file=…, custom-columns=…,
    /// custom-columns-file=…, go-template=… or go-template-file=…, as kubectl does, also
    /// with --template=…
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) output: OutputFormat,
    /// Those of the table.
    #[command(flatten)]
    pub(crate) table: TableFlags,
}

/// Flags of commands that print a table of objects.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output flags")]
pub(crate) struct TableFlags {
    /// Leave out the line of column names
    #[arg(long)]
    pub(crate) no_headers: bool,
    /// Show the labels as the last column
    #[arg(long)]
    pub(crate) show_labels: bool,
    /// Show these labels as columns of their own
    #[arg(short = 'L', long, value_name = "LABEL", value_delimiter = ',')]
    pub(crate) label_columns: Vec<String>,
    /// Sort by a field, as .metadata.name, or by a column, as STORAGE
    #[arg(long, value_name = "FIELD", value_parser = SortBy::parse)]
    pub(crate) sort_by: Option<SortBy>,
}

/// Prints to stdout. That nobody reads any more is no error (`kubectl daap list | head -1`).
pub(crate) fn stdout(text: &str) -> Result<(), Failure> {
    let written = progress::aside(|| {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush())
    });
    match written {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::broken_pipe()),
        Err(error) => Err(Failure::new(format!("failed to write to stdout: {error}"))),
    }
}

/// Prints a line to stdout.
pub(crate) fn stdout_line(text: &str) -> Result<(), Failure> {
    stdout(&format!("{text}\n"))
}

/// One line each.
pub(crate) fn lines(lines: impl IntoIterator<Item = String>) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Prints a line to stderr; there is nobody to tell when that fails.
pub(crate) fn stderr_line(text: &str) {
    let text = pasteable(text);
    progress::aside(|| {
        let _ = writeln!(io::stderr().lock(), "{text}");
    });
}

/// Prints to stderr; there is nobody to tell when that fails.
pub(crate) fn stderr(text: &str) {
    progress::aside(|| {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    });
}

/// The value as JSON, indented as kubectl does.
pub(crate) fn json(value: &impl Serialize) -> Result<String, Failure> {
    let mut buffer = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut buffer, formatter);
    value
        .serialize(&mut serializer)
        .map_err(|error| Failure::new(format!("failed to write JSON: {error}")))?;
    buffer.push(b'\n');
    Ok(String::from_utf8_lossy(&buffer).into_owned())
}

/// The value as YAML that kubectl reads back as it was.
pub(crate) fn yaml(value: &impl Serialize) -> Result<String, Failure> {
    // The forks of serde_yaml write `no`, `on` and `y` unquoted: kubectl would read booleans.
    serde_saphyr::to_string(value)
        .map_err(|error| Failure::new(format!("failed to write YAML: {error}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_quotes_what_kubectl_would_misread() {
        let text = yaml(&json!({"a": "no", "b": "on", "c": "1e3", "d": "y", "e": "0x1f", "f": "null", "g": "2026-11-21"})).unwrap();
        for line in text.lines() {
            let (_, value) = line.split_once(": ").unwrap();
            assert!(
                value.starts_with('"') || value.starts_with('\'') || value == "2026-11-21",
                "{line}"
            );
        }
        let back: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(back["a"], "no");
    }

    #[test]
    fn json_is_indented_like_kubectls() {
        assert_eq!(json(&json!({"a": 1})).unwrap(), "{\n    \"a\": 1\n}\n");
    }
}
