//! What was measured, value by value, and medians with their spread.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What was measured several times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    /// The one in the middle.
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) min: f64,
    /// The largest.
    pub(crate) max: f64,
}

impl Spread {
    /// None where nothing was measured.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            median: *sorted.get(sorted.len() / 2)?,
            min: *sorted.first()?,
            max: *sorted.last()?,
        })
    }
}

/// One thing that was measured, round by round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Cell {
    /// What was done.
    pub(crate) row: String,
    /// What was measured, in which unit, of whom.
    pub(crate) column: String,
    /// In the order of the rounds.
    pub(crate) values: Vec<f64>,
}

/// What was measured together.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Table {
    /// When it began, and how busy the machine was then (one minute's load).
    pub(crate) when: String,
    cells: Vec<Cell>,
}

impl Table {
    /// A table that nothing is in yet.
    pub(crate) fn begun(when: String) -> Self {
        let cells = Vec::new();
        Self { when, cells }
    }

    /// One that more rounds are added to.
    pub(crate) fn resumed(self, when: &str) -> Self {
        Self {
            when: format!("{} and {when}", self.when),
            ..self
        }
    }

    /// Takes down a value.
    pub(crate) fn add(&mut self, row: &str, column: &str, value: f64) {
        match self.cells.iter_mut().find(|cell| cell.is(row, column)) {
            Some(cell) => cell.values.push(value),
            None => self.cells.push(Cell {
                row: row.to_owned(),
                column: column.to_owned(),
                values: vec![value],
            }),
        }
    }

    /// Every value of a cell.
    pub(crate) fn values(&self, row: &str, column: &str) -> Option<&[f64]> {
        let cell = self.cells.iter().find(|cell| cell.is(row, column))?;
        Some(&cell.values)
    }

    /// The median of a cell.
    pub(crate) fn median(&self, row: &str, column: &str) -> Option<f64> {
        Spread::of(self.values(row, column)?).map(|spread| spread.median)
    }

    /// Adds what others measured.
    pub(crate) fn extend(&mut self, other: Self) {
        self.cells.extend(other.cells);
    }

    /// What an earlier run has written.
    pub(crate) fn read(file: &Path) -> Option<Self> {
        serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()
    }

    /// For later runs, and for whoever wants to look closer.
    pub(crate) fn write(&self, file: &Path) -> anyhow::Result<()> {
        Ok(std::fs::write(file, serde_json::to_string_pretty(self)?)?)
    }

    /// As Markdown: a line a cell, because the rows have different columns.
    pub(crate) fn markdown(&self) -> String {
        let mut text =
            "| what | measured | median | from – to | rounds |\n|---|---|---:|---:|---:|\n"
                .to_owned();
        for cell in &self.cells {
            if let Some(spread) = Spread::of(&cell.values) {
                let _ = writeln!(
                    text,
                    "| {} | {} | {} | {} – {} | {} |",
                    cell.row,
                    cell.column,
                    shown(spread.median),
                    shown(spread.min),
                    shown(spread.max),
                    cell.values.len()
                );
            }
        }
        text
    }
}

impl Cell {
    fn is(&self, row: &str, column: &str) -> bool {
        self.row == row && self.column == column
    }
}

/// Three digits that count.
pub(crate) fn shown(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        size if size >= 0.01 => format!("{value:.3}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_count() {
        let shown: Vec<String> = [1234.5, 12.34, 1.234, 0.1234, 0.01234, 0.001_234, 0.0]
            .map(shown)
            .to_vec();
        assert_eq!(
            shown,
            ["1234", "12.3", "1.23", "0.12", "0.012", "0.0012", "0"]
        );
    }

    #[test]
    fn the_median_is_in_the_middle() {
        let spread = Spread::of(&[3.0, 1.0, 2.0]).unwrap();
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 2.0, 3.0));
        assert!(Spread::of(&[]).is_none());
    }

    #[test]
    fn rounds_of_a_later_run_are_added() {
        let mut table = Table::begun("at 1".to_owned());
        table.add("list", "ms", 3.0);
        let mut table = table.resumed("at 2");
        table.add("list", "ms", 5.0);
        assert_eq!(table.when, "at 1 and at 2");
        assert_eq!(table.values("list", "ms"), Some([3.0, 5.0].as_slice()));
    }
}
