//! What a log says about why a container ended: the line that a person would look for.

use daap_crds::object::View;
use serde_json::Value;

/// How much a line says; the least is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// The program itself says what is wrong.
    Error,
    /// It says that it ends.
    Fatal,
    /// CNPG's manager says that the program ended.
    Manager,
}

/// The line of a log that says most; the last of several that say as much.
pub(super) fn reason(log: &str) -> Option<String> {
    let said = log.lines().filter_map(of_line).rev();
    said.min_by_key(|(weight, _)| *weight).map(|(_, text)| text)
}

/// CNPG writes JSON, with what `PostgreSQL` and `PgBouncer` said as a record in it.
fn of_line(line: &str) -> Option<(Weight, String)> {
    let Ok(json) = serde_json::from_str::<Value>(line) else {
        return of_text(line);
    };
    let view = View(&json);
    let record = |pointers: [&str; 2]| pointers.into_iter().find_map(|pointer| view.text(pointer));
    let severity = record(["/record/error_severity", "/record/level"]);
    if let (Some(severity), Some(message)) = (severity, record(["/record/message", "/record/msg"]))
    {
        let weight = match severity {
            "ERROR" => Weight::Error,
            "FATAL" | "PANIC" => Weight::Fatal,
            _ => return None,
        };
        return Some((weight, message.to_owned()));
    }
    let message = view.text("/msg").unwrap_or_default();
    if let Some(found) = message.lines().find_map(of_text) {
        return Some(found);
    }
    (view.text("/level") == Some("error")).then(|| {
        let error = view.text("/error").unwrap_or(message);
        (Weight::Manager, error.to_owned())
    })
}

/// As `initdb: error: …` and `FATAL:  …`.
fn of_text(line: &str) -> Option<(Weight, String)> {
    let has = |word: &str| line.contains(word);
    if has("error:") || has("ERROR:") {
        Some((Weight::Error, line.trim().to_owned()))
    } else if has("FATAL:") || has("PANIC:") {
        Some((Weight::Fatal, line.trim().to_owned()))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_says_more_than_its_manager() {
        let log = concat!(
            r#"{"level":"info","msg":"Creating new data directory"}"#,
            "\n",
            r#"{"level":"info","logger":"initdb","msg":"initdb: error: invalid locale name \"xx_XX\"\ninitdb: hint: use --icu-locale.\n","pipe":"stderr"}"#,
            "\n",
            r#"{"level":"error","msg":"Error while bootstrapping","error":"exit status 1"}"#,
            "\nError: exit status 1\n"
        );
        assert_eq!(
            reason(log).as_deref(),
            Some(r#"initdb: error: invalid locale name "xx_XX""#)
        );
    }

    #[test]
    fn records_of_postgresql_and_pgbouncer_are_read() {
        let log = concat!(
            r#"{"level":"info","msg":"record","record":{"error_severity":"LOG","message":"starting"}}"#,
            "\n",
            r#"{"level":"info","msg":"record","record":{"level":"ERROR","msg":"invalid value \"many\""}}"#,
            "\n",
            r#"{"level":"info","msg":"record","record":{"level":"FATAL","msg":"cannot load config file"}}"#,
        );
        assert_eq!(reason(log).as_deref(), Some(r#"invalid value "many""#));
        assert_eq!(reason("all is well\n"), None);
        assert_eq!(
            reason("psql: FATAL:  no such role").as_deref(),
            Some("psql: FATAL:  no such role")
        );
    }
}
