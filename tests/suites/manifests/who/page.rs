//! docs/who-may-do-what.md: what came of the cases, as a page.

use std::fmt::Write as _;

use super::Row;
use super::actor::Actor;

const BEGINS: &str = "\
# Who may do what

Made from a run of `tests/suites/manifests/who` against a real API server with the webhook of
`manifests/` in force: each cell is a write that was tried (as a server-side dry run, with
RBAC that allows everything, so that admission alone decides). **yes**: it is let through. *kept*: it is
let through, and what it wanted to change stays as it is. Everything else names the [rules](rules.md)
that refuse it. The policies that hold the core of the same rules while the webhook is away are left
out, since they answer first and name one rule only; `status` and `managed-only` are policies.

`orders`, `offered`, `leaving` and the deleted `archive` are of team payments, `ledger` is of team billing.
The *owner* may act for payments, the *other team* for billing, the *outsider* for none. The
*administrator* may do so for every team, and administers daap. The *operator* is CNPG's, here a
cluster administrator (its own ClusterRole gives it no team); the *instance* is the account of the instances of `daap-orders`. The garbage collector and the namespace controller are
never asked about: neither may be wedged. What holds while the webhook is away is
[another table](while-the-webhook-is-away.md).
";

pub(super) fn written(table: &[(&str, Vec<Row>)]) -> String {
    let mut text = BEGINS.to_owned();
    for (title, rows) in table {
        let titles = Actor::ALL.map(Actor::title).join(" | ");
        write!(
            text,
            "\n## {title}\n\n| what | {titles} |\n|---|{}\n",
            "---|".repeat(Actor::ALL.len())
        )
        .unwrap();
        for (case, outcomes) in rows {
            let cells: Vec<String> = outcomes.iter().map(ToString::to_string).collect();
            writeln!(text, "| {} | {} |", case.what, cells.join(" | ")).unwrap();
        }
    }
    text
}

/// Holds the page to what came out, or writes it.
pub(super) fn hold(written: &str) {
    crate::page::hold("who-may-do-what.md", written);
}
