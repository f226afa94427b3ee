//! The words of `-o`, for clap: an unknown one is a usage error that names the ones there are.

use std::ffi::OsStr;
use std::fs;
use std::marker::PhantomData;

use clap::builder::{PossibleValue, TypedValueParser, ValueParserFactory};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error, ValueEnum};

use super::{Columns, GoTemplate, JsonPath, OutputFormat};

/// Every word, as the message lists them.
const ALL: [&str; 11] = [
    "wide",
    "json",
    "yaml",
    "name",
    "jsonpath=TEMPLATE",
    "jsonpath-as-json=PATH",
    "jsonpath-file=FILE",
    "custom-columns=HEADER:PATH,…",
    "custom-columns-file=FILE",
    "go-template=TEMPLATE",
    "go-template-file=FILE",
];
/// The default where a command prints a table.
const TABLE: &str = "table";

/// Reads an [`OutputFormat`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Formats {
    /// Words of [`ALL`], up to their `=`.
    listed: &'static [&'static str],
    /// Whether those are the ones that there are, or the ones that there are not.
    only: bool,
}

impl Formats {
    /// Every word but these, as `wide` or `custom-columns`.
    pub(crate) const fn without(listed: &'static [&'static str]) -> Self {
        let only = false;
        Self { listed, only }
    }

    /// These words only.
    pub(crate) const fn only(listed: &'static [&'static str]) -> Self {
        let only = true;
        Self { listed, only }
    }

    fn words(self) -> impl Iterator<Item = &'static str> {
        ALL.into_iter().filter(move |word| {
            let (word, _) = word.split_once('=').unwrap_or((word, ""));
            self.listed.contains(&word) == self.only
        })
    }

    fn read(self, text: &str, more: &[String]) -> Result<OutputFormat, Refusal> {
        let (word, argument) = match text.split_once('=') {
            Some((word, argument)) => (word, Some(argument)),
            None => (text, None),
        };
        let known = self.words().find(|known| {
            let (known, takes) = known.split_once('=').unwrap_or((known, ""));
            known == word && (!takes.is_empty() || argument.is_none())
        });
        if let (TABLE, None) = (word, argument) {
            return Ok(OutputFormat::Table);
        }
        let Some(known) = known else {
            let words = more.iter().cloned();
            return Err(Refusal::Unknown(
                words.chain(self.words().map(str::to_owned)).collect(),
            ));
        };
        match argument {
            None if known.contains('=') => Err(Refusal::Wrong(format!(
                "{word} needs more: write it as -o {known}"
            ))),
            None => Ok(plain(word)),
            Some(argument) => templated(word, argument)
                .map_err(|error| Refusal::Wrong(format!("{word}: {error}"))),
        }
    }
}

/// Why a word is not taken.
enum Refusal {
    /// It is none of these.
    Unknown(Vec<String>),
    /// What stands behind it is wrong.
    Wrong(String),
}

fn plain(word: &str) -> OutputFormat {
    match word {
        "wide" => OutputFormat::Wide,
        "json" => OutputFormat::Json,
        "yaml" => OutputFormat::Yaml,
        "name" => OutputFormat::Name,
        _ => OutputFormat::Table,
    }
}

fn templated(word: &str, argument: &str) -> Result<OutputFormat, String> {
    let text = match word.strip_suffix("-file") {
        None => argument.to_owned(),
        Some(_) => fs::read_to_string(argument)
            .map_err(|error| format!("failed to read {argument}: {error}"))?,
    };
    match word {
        "jsonpath" | "jsonpath-file" => JsonPath::parse(&text).map(OutputFormat::JsonPath),
        "jsonpath-as-json" => JsonPath::parse(&text).map(OutputFormat::JsonPathAsJson),
        "custom-columns" => Columns::parse(&text).map(OutputFormat::Columns),
        "custom-columns-file" => Columns::parse_lines(&text).map(OutputFormat::Columns),
        _ => GoTemplate::parse(&text).map(OutputFormat::GoTemplate),
    }
}

impl Refusal {
    fn error(self, command: &Command, arg: Option<&Arg>, given: &str) -> Error {
        let flag = arg.map_or_else(|| "--output <FORMAT>".to_owned(), ToString::to_string);
        match self {
            Self::Wrong(text) => {
                Error::raw(ErrorKind::ValueValidation, format!("{flag}: {text}\n"))
                    .with_cmd(command)
            }
            Self::Unknown(words) => {
                let mut error = Error::new(ErrorKind::InvalidValue).with_cmd(command);
                error.insert(ContextKind::InvalidArg, ContextValue::String(flag));
                error.insert(
                    ContextKind::InvalidValue,
                    ContextValue::String(given.to_owned()),
                );
                error.insert(ContextKind::ValidValue, ContextValue::Strings(words));
                error
            }
        }
    }
}

impl TypedValueParser for Formats {
    type Value = OutputFormat;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<OutputFormat, Error> {
        let text = value.to_string_lossy();
        self.read(&text, &[])
            .map_err(|refusal| refusal.error(command, arg, &text))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.words().map(possible)))
    }
}

/// Completion offers a word up to its `=`.
fn possible(word: &'static str) -> PossibleValue {
    let end = word.find('=').map_or(word.len(), |at| at + 1);
    PossibleValue::new(word.get(..end).unwrap_or(word))
}

impl ValueParserFactory for OutputFormat {
    type Parser = Formats;

    fn value_parser() -> Formats {
        Formats::without(&[])
    }
}

/// A word of the command's own, or a general one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape<Own> {
    /// The command's own.
    Own(Own),
    /// A general one.
    General(OutputFormat),
}

/// Reads a [`Shape`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct FormatsOr<Own> {
    general: Formats,
    own: PhantomData<fn() -> Own>,
}

impl<Own> FormatsOr<Own> {
    /// The command's own words, and every general one but these.
    pub(crate) const fn without(without: &'static [&'static str]) -> Self {
        Self {
            general: Formats::without(without),
            own: PhantomData,
        }
    }
}

impl<Own: ValueEnum + Clone + Send + Sync + 'static> TypedValueParser for FormatsOr<Own> {
    type Value = Shape<Own>;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Shape<Own>, Error> {
        let text = value.to_string_lossy();
        if let Ok(own) = Own::from_str(&text, false) {
            return Ok(Shape::Own(own));
        }
        let own: Vec<String> = own_words::<Own>()
            .map(|word| word.get_name().to_owned())
            .collect();
        self.general
            .read(&text, &own)
            .map(Shape::General)
            .map_err(|refusal| refusal.error(command, arg, &text))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let general = self.general.words().map(possible);
        Some(Box::new(own_words::<Own>().chain(general)))
    }
}

fn own_words<Own: ValueEnum + 'static>() -> impl Iterator<Item = PossibleValue> {
    Own::value_variants()
        .iter()
        .filter_map(ValueEnum::to_possible_value)
        .filter(|word| !word.is_hide_set())
}
