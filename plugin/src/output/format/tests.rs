//! Every expression of the table gives what the real kubectl gives: the suite `manners` holds the
//! table to it.

use clap::{Args as _, FromArgMatches as _};
use serde_json::Value;

use super::*;
use crate::output::OutputFlags;

#[derive(serde::Deserialize)]
struct Case {
    format: String,
    #[serde(default)]
    prints: Option<String>,
    #[serde(default)]
    fails: Option<String>,
}

#[derive(serde::Deserialize)]
struct Expressions {
    document: Value,
    cases: Vec<Case>,
}

fn read(words: &[&str]) -> Result<OutputFormat, clap::Error> {
    let command = OutputFlags::augment_args(clap::Command::new("list"));
    let matches = command.try_get_matches_from([&["list"], words].concat())?;
    Ok(OutputFlags::from_arg_matches(&matches)?.output)
}

#[test]
fn expressions_give_what_kubectl_gives() {
    let table = include_str!("expressions.json");
    let Expressions { document, cases } = serde_json::from_str(table).unwrap();
    let documents = Documents::One(document);
    let mut wrong = Vec::new();
    for case in cases {
        let given = read(&["-o", &case.format])
            .map_err(|error| error.to_string())
            .and_then(|format| {
                format
                    .render(&documents, true)
                    .map_err(|failure| failure.to_string())
            });
        // kubectl pads an empty last cell.
        let trimmed = |text: &str| -> Vec<String> {
            text.split('\n')
                .map(|line| line.trim_end().to_owned())
                .collect()
        };
        let right = match (&given, &case.prints, &case.fails) {
            (Ok(Some(text)), Some(prints), _) => trimmed(text) == trimmed(prints),
            (Err(error), None, Some(fails)) => error.contains(fails.as_str()),
            _ => false,
        };
        if !right {
            wrong.push(format!(
                "{}\n   we: {given:?}\n  not: {:?}",
                case.format,
                case.prints.or(case.fails)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_unknown_word_is_a_usage_error_that_names_the_others() {
    for word in ["xml", "json=x", "Json", ""] {
        let error = read(&["-o", word]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let text = error.to_string();
        assert!(
            text.contains("custom-columns=HEADER:PATH,…") && text.contains("yaml"),
            "{text}"
        );
    }
    let error = read(&["-o", "jsonpath"]).unwrap_err().to_string();
    assert!(error.contains("-o jsonpath=TEMPLATE"), "{error}");
    let error = read(&["-o", "custom-columns-file=/nonexistent"]).unwrap_err();
    assert!(error.to_string().contains("/nonexistent"), "{error}");
}
