//! `-o`: how results are printed, with kubectl's words.
//!
//! A command with a `-o` has an argument of type [`OutputFormat`], and prints what
//! [`OutputFormat::render_or`] makes of its [`Documents`]. Where not every word makes sense, it names
//! the parser [`Formats::without`] or [`Formats::only`]; where it has words of its own, the argument
//! is a [`Shape`] and the parser [`FormatsOr::without`].

mod columns;
mod documents;
mod go;
mod go_template;
mod jsonpath;
mod words;

pub(crate) use columns::Columns;
pub(crate) use documents::Documents;
pub(crate) use go_template::GoTemplate;
pub(crate) use jsonpath::JsonPath;
pub(crate) use words::{Formats, FormatsOr, Shape};

use super::{json, yaml};
use crate::failure::Failure;

/// How results are printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum OutputFormat {
    /// The command's own table.
    #[default]
    Table,
    /// That, with more columns.
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// Names only
    Name,
    /// What paths find, between text
    JsonPath(JsonPath),
    /// What a path finds, as JSON
    JsonPathAsJson(JsonPath),
    /// A table of the user's own columns
    Columns(Columns),
    /// Go's `text/template`
    GoTemplate(GoTemplate),
}

impl OutputFormat {
    /// Whether the command prints its own table, or its own words.
    pub(crate) fn is_table(&self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }

    /// Whether the table has more columns.
    pub(crate) fn is_wide(&self) -> bool {
        *self == Self::Wide
    }

    /// The text of the documents; where a table is asked for, the command's own.
    ///
    /// # Errors
    /// The template does not fit the documents.
    pub(crate) fn render_or(
        &self,
        documents: &Documents,
        headers: bool,
        table: impl FnOnce() -> String,
    ) -> Result<String, Failure> {
        Ok(self.render(documents, headers)?.unwrap_or_else(table))
    }

    /// The text of the documents; none where a table is asked for, which is the command's own.
    ///
    /// # Errors
    /// The template does not fit the documents.
    pub(crate) fn render(
        &self,
        documents: &Documents,
        headers: bool,
    ) -> Result<Option<String>, Failure> {
        let text = match self {
            Self::Table | Self::Wide => return Ok(None),
            Self::Json => json(&documents.value())?,
            Self::Yaml => yaml(&documents.value())?,
            Self::Name => documents.names(),
            Self::JsonPath(path) => path.render(&documents.value()).map_err(unfit)?,
            Self::JsonPathAsJson(path) => {
                let document = documents.value();
                json(&path.find(&document).map_err(unfit)?)?
            }
            Self::Columns(columns) => columns.render(documents.items(), headers).map_err(unfit)?,
            Self::GoTemplate(template) => template.render(&documents.value()).map_err(unfit)?,
        };
        Ok(Some(text))
    }
}

fn unfit(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!(
        "the template of -o does not fit the result: {error}"
    ))
    .hint("look at what there is with -o yaml")
}

#[cfg(test)]
mod tests;
