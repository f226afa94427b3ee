//! Counts the cases, for the summary.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::proxy::Fault;

/// How a case ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The first run did all the work in spite of the fault, and said so.
    AtOnce,
    /// The first run said that it had not, and the second did it.
    Again,
}

/// The cases of every operation and fault.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    rows: BTreeMap<&'static str, Row>,
}

#[derive(Debug, Default)]
struct Row {
    requests: usize,
    faults: BTreeMap<Fault, usize>,
    at_once: usize,
}

impl Tally {
    pub(crate) fn operation(&mut self, name: &'static str, requests: usize) {
        self.rows.entry(name).or_default().requests = requests;
    }

    pub(crate) fn count(&mut self, name: &'static str, fault: Fault, end: Option<End>) {
        let row = self.rows.entry(name).or_default();
        *row.faults.entry(fault).or_default() += 1;
        row.at_once += usize::from(end == Some(End::AtOnce));
    }

    pub(crate) fn cases(&self) -> usize {
        let rows = self.rows.values();
        rows.flat_map(|row| row.faults.values()).sum()
    }

    pub(crate) fn summary(&self, planned: usize, failed: usize, took: Duration) -> String {
        format!(
            "{self}fault matrix: {} cases, {failed} failed, {} skipped, in {} s\n",
            self.cases(),
            planned - self.cases(),
            took.as_secs()
        )
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\n{:<18}{:>9}", "operation", "requests")?;
        for fault in Fault::ALL {
            write!(formatter, " {fault:>11}")?;
        }
        writeln!(formatter, " {:>6} {:>8}", "cases", "at once")?;
        for (name, row) in &self.rows {
            write!(formatter, "{name:<18}{:>9}", row.requests)?;
            for fault in Fault::ALL {
                let count = row.faults.get(&fault).copied().unwrap_or_default();
                write!(formatter, " {count:>11}")?;
            }
            let cases: usize = row.faults.values().sum();
            writeln!(formatter, " {cases:>6} {:>8}", row.at_once)?;
        }
        Ok(())
    }
}
