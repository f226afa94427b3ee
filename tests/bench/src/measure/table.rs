//! What was measured, value by value, and medians with their spread.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
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
    /// When the runs began that measured it: see [`Keeping::when`].
    runs: Vec<String>,
    #[serde(skip)]
    is_measured: bool,
}

/// What was measured together.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Table {
    cells: Vec<Cell>,
    #[serde(skip)]
    keeping: Keeping,
}

/// How what a run measures is kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keeping {
    /// When the run began, and how busy the machine was then (one minute's load).
    pub(crate) when: String,
    /// Its values are added to those of earlier runs, instead of taking their place.
    pub(crate) adds: bool,
    /// Where.
    pub(crate) file: PathBuf,
}

impl Table {
    /// With what earlier runs have measured: what this one does not measure stays.
    pub(crate) fn of(keeping: Keeping) -> anyhow::Result<Self> {
        let earlier = Self::read(&keeping.file)?.unwrap_or_default();
        Ok(Self { keeping, ..earlier })
    }

    /// Takes down a value.
    pub(crate) fn add(&mut self, row: &str, column: &str, value: f64) {
        let at = self.cells.iter().position(|cell| cell.is(row, column));
        let at = at.unwrap_or_else(|| {
            self.cells.push(Cell::empty(row, column));
            self.cells.len() - 1
        });
        if let Some(cell) = self.cells.get_mut(at) {
            cell.add(&self.keeping, value);
        }
    }

    /// When the runs began that measured any of it, the earliest first.
    pub(crate) fn runs(&self) -> Vec<&str> {
        let runs = self.cells.iter().flat_map(|cell| &cell.runs);
        let mut runs: Vec<&str> = runs.map(String::as_str).collect();
        runs.sort_unstable();
        runs.dedup();
        runs
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

    /// What earlier runs have written, if any. What cannot be read is not written over.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Option<Self>> {
        if !file.exists() {
            return Ok(None);
        }
        let what = || {
            let file = file.display();
            format!("failed to read what was measured earlier: remove {file} to begin anew")
        };
        let text = std::fs::read(file).with_context(what)?;
        serde_json::from_slice(&text).with_context(what).map(Some)
    }

    /// For later runs, and for whoever wants to look closer.
    pub(crate) fn write(&self) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        Ok(std::fs::write(&self.keeping.file, text)?)
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
    fn empty(row: &str, column: &str) -> Self {
        Self {
            row: row.to_owned(),
            column: column.to_owned(),
            values: Vec::new(),
            runs: Vec::new(),
            is_measured: false,
        }
    }

    fn add(&mut self, keeping: &Keeping, value: f64) {
        // By this run, for the first time.
        if !self.is_measured {
            self.is_measured = true;
            if !keeping.adds {
                self.values.clear();
                self.runs.clear();
            }
            self.runs.push(keeping.when.clone());
        }
        self.values.push(value);
    }

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
    fn a_later_run_leaves_what_it_does_not_measure() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list.json");
        let run = |when: &str, adds| {
            Table::of(Keeping {
                when: when.to_owned(),
                adds,
                file: file.clone(),
            })
        };
        let mut first = run("at 1", false).unwrap();
        for row in ["100", "1000"] {
            first.add(row, "ms", 3.0);
        }
        first.write().unwrap();
        let mut added = run("at 2", true).unwrap();
        added.add("100", "ms", 5.0);
        assert_eq!(added.values("100", "ms"), Some([3.0, 5.0].as_slice()));
        assert_eq!(added.runs(), ["at 1", "at 2"]);
        added.write().unwrap();
        let mut anew = run("at 3", false).unwrap();
        anew.add("100", "ms", 7.0);
        anew.add("100", "ms", 8.0);
        assert_eq!(anew.values("100", "ms"), Some([7.0, 8.0].as_slice()));
        assert_eq!(anew.values("1000", "ms"), Some([3.0].as_slice()));
        assert_eq!(anew.runs(), ["at 1", "at 3"]);
        std::fs::write(&file, "{").unwrap();
        let error = run("at 4", false).unwrap_err();
        assert!(error.to_string().contains("list.json"), "{error}");
    }
}
