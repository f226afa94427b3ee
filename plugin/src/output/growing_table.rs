//! Lines of a table that grows: its columns are as wide as what was printed so far.

/// Spaces between two columns.
const GAP: usize = 3;

/// A table of which the last row is never known: the widths of its columns.
#[derive(Debug, Default)]
pub(crate) struct GrowingTable(Vec<usize>);

impl GrowingTable {
    /// Makes the columns wide enough for this row, without printing it.
    pub(crate) fn fit(&mut self, cells: &[impl AsRef<str>]) {
        self.0.resize(self.0.len().max(cells.len()), 0);
        for (width, cell) in self.0.iter_mut().zip(cells) {
            *width = (*width).max(cell.as_ref().chars().count());
        }
    }

    /// One row; the last cell is not padded.
    pub(crate) fn line(&mut self, cells: &[impl AsRef<str>]) -> String {
        self.fit(cells);
        let mut text = String::new();
        for (width, cell) in self.0.iter().zip(cells) {
            let cell = match cell.as_ref() {
                "" => "<none>",
                cell => cell,
            };
            text.push_str(cell);
            let padding = (width + GAP).saturating_sub(cell.chars().count());
            text.extend(std::iter::repeat_n(' ', padding));
        }
        text.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_rows_stand_under_earlier_ones() {
        let mut columns = GrowingTable::default();
        columns.fit(&["NAME", "longest so far", "MESSAGE"]);
        assert_eq!(
            columns.line(&["NAME", "TYPE", "MESSAGE"]),
            "NAME   TYPE             MESSAGE"
        );
        assert_eq!(
            columns.line(&["orders", "", "x"]),
            "orders   <none>           x"
        );
    }
}
