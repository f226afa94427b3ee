//! Medians and their spread, and the table that they stand in.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

/// What was measured several times.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Spread {
    /// The one in the middle.
    pub(crate) median: f64,
    /// The smallest.
    min: f64,
    /// The largest.
    max: f64,
    /// How many there are.
    runs: usize,
}

impl Spread {
    /// None where nothing was measured.
    fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            median: *sorted.get(sorted.len() / 2)?,
            min: *sorted.first()?,
            max: *sorted.last()?,
            runs: sorted.len(),
        })
    }
}

/// Row, then column: every value that was measured.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<String>,
    values: BTreeMap<(String, String), Vec<f64>>,
}

/// One row of the results.
#[derive(Debug, Serialize)]
struct Row<'a> {
    row: &'a str,
    columns: BTreeMap<&'a str, Spread>,
}

impl Table {
    /// Takes down a value.
    pub(crate) fn add(&mut self, row: &str, column: &str, value: f64) {
        if !self.rows.iter().any(|known| known == row) {
            self.rows.push(row.to_owned());
        }
        let key = (row.to_owned(), column.to_owned());
        self.values.entry(key).or_default().push(value);
    }

    /// The median of a cell.
    pub(crate) fn median(&self, row: &str, column: &str) -> Option<f64> {
        let key = (row.to_owned(), column.to_owned());
        Spread::of(self.values.get(&key)?).map(|spread| spread.median)
    }

    /// Adds what the webhook has as a share of what the others have, round by round: what disturbed the
    /// machine in one disturbed all of them.
    pub(crate) fn compare(&mut self) {
        let mut shares = Vec::new();
        for ((row, column), ours) in &self.values {
            let Some(what) = column.strip_suffix(", webhook") else {
                continue;
            };
            for other in ["baseline", "constant"] {
                let key = (row.clone(), format!("{what}, {other}"));
                let theirs = self.values.get(&key).into_iter().flatten();
                for (ours, theirs) in ours.iter().zip(theirs).filter(|(_, theirs)| **theirs > 0.0) {
                    let column = format!("{what}, webhook ÷ {other}");
                    shares.push((row.clone(), column, ours / theirs));
                }
            }
        }
        for (row, column, share) in shares {
            self.add(&row, &column, share);
        }
    }

    fn results(&self) -> Vec<Row<'_>> {
        let of = |row: &str| {
            let cells = self.values.iter().filter(|((of, _), _)| of == row);
            let cells = cells
                .filter_map(|((_, column), values)| Some((column.as_str(), Spread::of(values)?)));
            cells.collect()
        };
        let rows = self.rows.iter();
        rows.map(|row| Row {
            row,
            columns: of(row),
        })
        .collect()
    }

    /// As JSON.
    pub(crate) fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&self.results())
    }

    /// As Markdown: a line a cell, because the rows have different columns.
    pub(crate) fn markdown(&self) -> String {
        let mut text =
            "| row | what | median | from – to | runs |\n|---|---|---:|---:|---:|\n".to_owned();
        for row in self.results() {
            for (column, spread) in row.columns {
                let Spread {
                    median,
                    min,
                    max,
                    runs,
                } = spread;
                let _ = writeln!(
                    text,
                    "| {} | {column} | {} | {} – {} | {runs} |",
                    row.row,
                    shown(median),
                    shown(min),
                    shown(max)
                );
            }
        }
        text
    }
}

/// Three digits that count.
fn shown(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
