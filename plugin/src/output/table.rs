//! Tables as kubectl prints them: no borders, three spaces between columns, `<none>` for nothing.

use comfy_table::{ColumnConstraint, ContentArrangement, Width, presets};

/// Spaces between two columns.
const GAP: u16 = 3;

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Each column is at least so wide, where it says so.
    widths: Vec<u16>,
}

impl Table {
    pub(crate) fn new<Column: Into<String>>(columns: Vec<Column>) -> Self {
        Self {
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
            widths: Vec::new(),
        }
    }

    /// No column is narrower.
    pub(crate) fn narrowest(self, width: u16) -> Self {
        let widths = vec![width; self.columns.len()];
        Self { widths, ..self }
    }

    /// Adds a row; empty cells say `<none>`.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        let shown = |cell: String| {
            if cell.is_empty() {
                "<none>".to_owned()
            } else {
                cell
            }
        };
        self.rows.push(cells.into_iter().map(shown).collect());
    }

    /// Adds a row whose empty cells stay empty.
    pub(crate) fn row_as_it_is(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The text, one line a row.
    pub(crate) fn render(&self, headers: bool) -> String {
        let mut table = comfy_table::Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled);
        if headers {
            table.add_row(&self.columns);
        }
        for row in &self.rows {
            table.add_row(row);
        }
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, GAP));
            if let Some(width) = self.widths.get(index) {
                let width = Width::Fixed(width.saturating_add(GAP));
                column.set_constraint(ColumnConstraint::LowerBoundary(width));
            }
        }
        super::lines(table.lines().map(|line| line.trim_end().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_like_kubectls() {
        let mut table = Table::new(vec!["NAME", "STATE", "AGE"]);
        table.row(vec!["orders".into(), String::new(), "5m".into()]);
        table.row(vec!["a-longer-name".into(), "ready".into(), "12d".into()]);
        insta::assert_snapshot!(table.render(true), @r"
        NAME            STATE    AGE
        orders          <none>   5m
        a-longer-name   ready    12d
        ");
        assert_eq!(table.render(false).lines().count(), 2);
        assert_eq!(Table::new(vec!["NAME"]).render(false), "");
    }
}
