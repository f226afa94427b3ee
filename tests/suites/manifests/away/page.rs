//! docs/while-the-webhook-is-away.md: the table of cases, as a page.

use std::fmt::Write as _;

use super::USERS;
use super::cases::Case;

pub(super) fn written(cases: &[Case]) -> String {
    let mut text = String::from(
        "# Who may do what while the webhook is away\n\n\
         Made from the cases that `tests/suites/manifests/away` tries on a real API server from which both\n\
         webhook configurations were removed: what is left is the ValidatingAdmissionPolicies of\n\
         `manifests/base/admission-policies`. (While the configurations are there and no replica answers, every\n\
         write to a database is refused instead.) `daap-orders` is of team payments; payments-dev and\n\
         billing-dev own the team that they are called after, the outsider none.\n\n\
         What is *not* held without the webhook: defaults, history and its versions, the policy's limits, the\n\
         spec fields that are an administrator's, the delete gate and the name gate, Poolers that carry no\n\
         label, dependents, retained volumes and Secrets, and tombstones.\n\n\
         | what | rule | payments-dev | billing-dev | outsider | admin | operator |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for case in cases {
        let cells = USERS.map(|user| {
            if case.may.contains(&user) {
                "yes"
            } else {
                "no"
            }
        });
        writeln!(
            text,
            "| {} | `{}` | {} |",
            case.what,
            case.rule,
            cells.join(" | ")
        )
        .unwrap();
    }
    text
}

/// Holds the page to what was made, or writes it.
pub(super) fn hold(written: &str) {
    crate::page::hold("while-the-webhook-is-away.md", written);
}
