//! docs/rights.md is made from the table that the plugin goes by: `DAAP_WRITE_DOCS=1 cargo test -p
//! daap-tests --test rights page` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use kubectl_daap::{NeededIn, NeededRight, Needs, needs};

const HEAD: &str = "\
# Rights that each command needs

Made from `plugin/src/rights/table.rs` by a test (`tests/suites/rights`), which tries every command
with exactly these rights, and those that change nothing without each of them, too
(`DAAP_RIGHTS_WHOLE=1`: all); what the commands send is what the API server wrote down.

Rights are needed in the namespace of the database, unless it says otherwise; with `-A` in all
namespaces. `get` without a name is `list`. Where there is no database of a name, Clusters and tombstones
are listed to say which one was meant, or that it was deleted: who may not list them is not told that.

Who lacks a right of the second column is told which, with all the others that lack, and nothing is lost:
`delete`, `restore`, `purge` and `credentials rotate` ask for all of them before they change anything, and
what another has begun, the same command goes on with once the right is there. Without a right of the third
column the command works, and does what stands behind it.

*own* means that admission asks whether the caller may `own` the resource `teams.daap.dev` called
like the team of the database (`manifests/examples/team.yaml`). The ClusterRole `daap-user` has
everything else of this table that is in the namespace of the database, except to delete pods:
`restore --image` names the one that is in its way. `daap-viewer` has what commands that change nothing
need, without Secrets, logs, and ways to connect. What is beyond the namespace everybody gets who is logged
in, by `manifests/base/discovery.yaml`, as far as it tells nobody anything: a storage class by its name,
whether the webhook is there, and the policy. `kubectl daap can-i VERB NAME` says beforehand whether a
command would be let through, and `kubectl daap can-i --list` which commands one may use.

| command | needs | does without |
|---|---|---|
";

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rights.md")
}

fn resource(right: &NeededRight) -> String {
    let resource = match right.group {
        "" => right.resource.clone(),
        group => format!("{}.{group}", right.resource),
    };
    let place = match right.place {
        NeededIn::Namespace => "",
        NeededIn::Cluster => " (in the whole cluster)",
        NeededIn::System => " (in `daap-system`)",
    };
    let name = right
        .name
        .map_or_else(String::new, |name| format!(" called `{name}`"));
    format!("`{resource}`{name}{place}")
}

/// `clusters`: get, patch; one resource a line.
fn required(row: &Needs) -> String {
    let mut verbs: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for right in row.rights.iter().filter(|right| right.otherwise.is_none()) {
        verbs.entry(resource(right)).or_default().push(right.verb);
    }
    let mut lines: Vec<String> = { verbs.into_iter() }
        .map(|(resource, verbs)| format!("{resource}: {}", verbs.join(", ")))
        .collect();
    if row.owner {
        lines.insert(0, "*own*".to_owned());
    }
    if lines.is_empty() {
        return "nothing".to_owned();
    }
    lines.join("<br>")
}

fn optional(row: &Needs) -> String {
    let lines = row.rights.iter().filter_map(|right| {
        let otherwise = right.otherwise?;
        Some(format!("{} {}: {otherwise}", right.verb, resource(right)))
    });
    lines.collect::<Vec<_>>().join("<br>")
}

fn written() -> String {
    let mut text = HEAD.to_owned();
    for row in needs() {
        let (required, optional) = (required(&row), optional(&row));
        writeln!(text, "| `{}` | {required} | {optional} |", row.command).unwrap();
    }
    text
}

#[test]
fn the_page_of_rights_is_current() {
    let written = written();
    if std::env::var_os("DAAP_WRITE_DOCS").is_some() {
        std::fs::write(page(), &written).unwrap();
    }
    let found = std::fs::read_to_string(page()).unwrap_or_default();
    assert!(
        found == written,
        "docs/rights.md is not current: DAAP_WRITE_DOCS=1 cargo test -p daap-tests --test rights page"
    );
}
