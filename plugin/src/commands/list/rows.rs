//! Databases as rows of a table: of each no more is held than its row.

use jiff::Timestamp;

use super::{Filters, nothing, there_are_more};
use crate::database::{Database, Listing, columns, list, row};
use crate::failure::Failure;
use crate::kubernetes::Kubernetes;
use crate::output::{OutputFlags, Table, stdout};

/// Shows what the filters let through, in the order in which it comes.
pub(super) async fn show(
    k8s: &Kubernetes,
    filters: &Filters,
    listing: Listing,
    output: &OutputFlags,
) -> Result<(), Failure> {
    let (now, namespaces) = (Timestamp::now(), filters.all_namespaces);
    let cells = |database: Database| {
        let kept = filters.keep(&database);
        kept.then(|| row(&database, output, namespaces, now))
    };
    let (rows, next) = list(k8s, listing, cells).await?;
    if rows.is_empty() {
        nothing(k8s, filters, "databases");
        return Ok(());
    }
    let mut table = Table::new(columns(output, namespaces));
    for row in rows {
        table.row(row);
    }
    stdout(&table.render(!output.table.no_headers))?;
    if let Some(token) = next {
        there_are_more(filters, &token);
    }
    Ok(())
}
