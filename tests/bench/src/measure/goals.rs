//! What has to be reached, and whether it is.

use std::fmt::Write as _;

use super::table::{Spread, Table, shown};

/// A cell: row and column.
type At = (&'static str, &'static str);

/// How a goal follows from what was measured.
#[derive(Clone, Copy, Debug)]
enum Figure {
    /// The first divided by the second, round by round: what disturbed one disturbed the other.
    Ratio(At, At),
    /// The first less the second, round by round.
    Difference(At, At),
    /// The cell itself.
    Value(At),
}

/// The bound of a goal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
struct Goal {
    what: &'static str,
    beside: &'static str,
    figure: Figure,
    bound: Bound,
}

/// A goal, and what was measured.
#[derive(Clone, Debug)]
pub(super) struct Result {
    pub(super) what: &'static str,
    pub(super) beside: &'static str,
    pub(super) spread: Spread,
    pub(super) bound: Bound,
    pub(super) is_ratio: bool,
    /// What was divided by what.
    from: String,
}

const BASELINE: &str = "the same rules in Go";
const CONSTANT: &str = "our server answering a constant";
const GET: &str = "`kubectl get clusters`";
const VERSION: At = ("kubectl version --client", "ms");
const VERSION_MEMORY: At = ("kubectl version --client", "peak MiB");

const fn ratio(
    what: &'static str,
    beside: &'static str,
    ours: At,
    theirs: At,
    bound: Bound,
) -> Goal {
    Goal {
        what,
        beside,
        figure: Figure::Ratio(ours, theirs),
        bound,
    }
}

use Bound::{AtLeast, AtMost};

/// Requests a second beside the baseline.
const fn rate(what: &'static str, row: &'static str, least: f64) -> Goal {
    let (ours, theirs) = ((row, "requests/s, webhook"), (row, "requests/s, baseline"));
    ratio(what, BASELINE, ours, theirs, AtLeast(least))
}

/// Processor time of the constant beside ours: what share of the work TLS, HTTP and the socket are.
const fn share(what: &'static str, row: &'static str) -> Goal {
    let (ours, theirs) = (
        (row, "processor µs/request, constant"),
        (row, "processor µs/request, webhook"),
    );
    ratio(what, CONSTANT, ours, theirs, AtLeast(0.5))
}

const fn latency(what: &'static str, row: &'static str) -> Goal {
    let (ours, theirs) = ((row, "p99 µs, webhook"), (row, "p99 µs, baseline"));
    ratio(what, BASELINE, ours, theirs, AtMost(0.2))
}

const fn memory(what: &'static str, row: &'static str) -> Goal {
    let (ours, theirs) = ((row, "peak KiB, webhook"), (row, "peak KiB, baseline"));
    ratio(what, BASELINE, ours, theirs, AtMost(0.25))
}

const GOALS: &[Goal] = &[
    rate("mutate with a patch, requests/s", "mutate-update", 8.0),
    rate("validate, allow, requests/s", "validate-update", 6.0),
    rate("validate, deny, requests/s", "validate-deny", 6.0),
    share("mutate with a patch, share of the limit", "mutate-update"),
    share("validate, allow, share of the limit", "validate-update"),
    share("validate, deny, share of the limit", "validate-deny"),
    latency(
        "mutate, p99 at half of the baseline's peak",
        "mutate-update at half of the baseline's peak",
    ),
    latency(
        "validate, p99 at half of the baseline's peak",
        "validate-update at half of the baseline's peak",
    ),
    memory("memory, idle", "memory: idle"),
    memory("memory, 64 in flight", "memory: 64 in flight"),
    memory(
        "memory, bodies of 6 MiB",
        "memory: bodies of 6 MiB, 8 in flight",
    ),
    rate(
        "new TLS connection per request, requests/s",
        "new connection per request",
        1.0,
    ),
    Goal {
        what: "create of a Cluster, 4 a second: what the webhook adds, ms",
        beside: "policies only",
        figure: Figure::Difference(
            (
                "create of a Cluster, 4 a second",
                "ms, webhook and policies",
            ),
            ("create of a Cluster, 4 a second", "ms, policies only"),
        ),
        bound: AtMost(2.0),
    },
    Goal {
        what: "create of a Cluster, at once after another: what the webhook adds, ms",
        beside: "policies only",
        figure: Figure::Difference(
            (
                "create of a Cluster, at once after another",
                "ms, webhook and policies",
            ),
            (
                "create of a Cluster, at once after another",
                "ms, policies only",
            ),
        ),
        bound: AtMost(2.0),
    },
    ratio(
        "`--help`, time",
        "`kubectl version --client`",
        ("daap --help", "ms"),
        VERSION,
        AtMost(0.05),
    ),
    ratio(
        "`version --client`, time",
        "`kubectl version --client`",
        ("daap version --client", "ms"),
        VERSION,
        AtMost(0.05),
    ),
    ratio(
        "completion of a flag, time",
        "`kubectl version --client`",
        ("completion of a flag", "ms"),
        VERSION,
        AtMost(0.05),
    ),
    ratio(
        "`--help`, memory",
        "`kubectl version --client`",
        ("daap --help", "peak MiB"),
        VERSION_MEMORY,
        AtMost(0.15),
    ),
    ratio(
        "`version --client`, memory",
        "`kubectl version --client`",
        ("daap version --client", "peak MiB"),
        VERSION_MEMORY,
        AtMost(0.15),
    ),
    ratio(
        "completion of a flag, memory",
        "`kubectl version --client`",
        ("completion of a flag", "peak MiB"),
        VERSION_MEMORY,
        AtMost(0.15),
    ),
    ratio(
        "`list` of 10 000, time",
        GET,
        ("daap list, 10000 databases", "ms"),
        ("kubectl get, 10000 databases", "ms"),
        AtMost(0.4),
    ),
    ratio(
        "`list` of 10 000, time, after compaction",
        GET,
        ("daap list, 10000 databases, after compaction", "ms"),
        ("kubectl get, 10000 databases, after compaction", "ms"),
        AtMost(0.4),
    ),
    ratio(
        "`list` of 10 000, memory",
        GET,
        ("daap list, 10000 databases", "peak MiB"),
        ("kubectl get, 10000 databases", "peak MiB"),
        AtMost(0.1),
    ),
    ratio(
        "`list` of 30 000, time",
        GET,
        ("daap list, 30000 databases", "ms"),
        ("kubectl get, 30000 databases", "ms"),
        AtMost(0.4),
    ),
    ratio(
        "`list` of 30 000, time, after compaction",
        GET,
        ("daap list, 30000 databases, after compaction", "ms"),
        ("kubectl get, 30000 databases, after compaction", "ms"),
        AtMost(0.4),
    ),
    ratio(
        "`list` of 30 000, memory",
        GET,
        ("daap list, 30000 databases", "peak MiB"),
        ("kubectl get, 30000 databases", "peak MiB"),
        AtMost(0.1),
    ),
    ratio(
        "`list` of one team of 10, time",
        GET,
        ("daap list of one team, 10000 databases", "ms"),
        ("kubectl get of one team, 10000 databases", "ms"),
        AtMost(0.4),
    ),
    ratio(
        "memory of `list`, 10 000 beside 1 000",
        "itself",
        ("daap list, 10000 databases", "peak MiB"),
        ("daap list, 1000 databases", "peak MiB"),
        AtMost(2.0),
    ),
    ratio(
        "completion of a name among 10 000, time",
        "`kubectl get clusters -o name`",
        ("daap completion of a name, 10000 databases", "ms"),
        ("kubectl get -o name, 10000 databases", "ms"),
        AtMost(0.3),
    ),
    ratio(
        "completion, after compaction",
        "`kubectl get clusters -o name`",
        (
            "daap completion of a name, 10000 databases, after compaction",
            "ms",
        ),
        (
            "kubectl get -o name, 10000 databases, after compaction",
            "ms",
        ),
        AtMost(0.3),
    ),
    Goal {
        what: "completion of a name among 1 000, ms",
        beside: "itself",
        figure: Figure::Value(("daap completion of a name, 1000 databases", "ms")),
        bound: AtMost(100.0),
    },
    ratio(
        "the 100th change, each with a reason, time",
        "the first",
        ("change 100 of one database", "ms"),
        ("change 1 of one database", "ms"),
        AtMost(1.5),
    ),
    ratio(
        "the 1 000th change, each with a reason, time",
        "the first",
        ("change 1000 of one database", "ms"),
        ("change 1 of one database", "ms"),
        AtMost(1.5),
    ),
    ratio(
        "the 1 000th change, none with a reason, time",
        "the first",
        ("change 1000 of one database, without reasons", "ms"),
        ("change 1 of one database, without reasons", "ms"),
        AtMost(1.5),
    ),
    Goal {
        what: "annotations after 1 000 changes, KiB",
        beside: "the limit of Kubernetes",
        figure: Figure::Value(("change 1000 of one database", "KiB of annotations")),
        bound: AtMost(256.0),
    },
    Goal {
        what: "sandbox ready, s",
        beside: "itself",
        figure: Figure::Value(("sandbox", "s until ready")),
        bound: AtMost(5.0),
    },
];

impl Goal {
    /// None where it was not measured.
    fn result(&self, table: &Table) -> Option<Result> {
        let values = |at: At| table.values(at.0, at.1);
        let median = |at: At| table.median(at.0, at.1).map(shown);
        let (figures, from, is_ratio): (Vec<f64>, _, _) = match self.figure {
            Figure::Ratio(ours, theirs) => {
                let pairs = values(ours)?.iter().zip(values(theirs)?);
                let from = format!("{} ÷ {}", median(ours)?, median(theirs)?);
                (
                    pairs.map(|(ours, theirs)| ours / theirs).collect(),
                    from,
                    true,
                )
            }
            Figure::Difference(ours, theirs) => {
                let pairs = values(ours)?.iter().zip(values(theirs)?);
                let from = format!("{} − {}", median(ours)?, median(theirs)?);
                (
                    pairs.map(|(ours, theirs)| ours - theirs).collect(),
                    from,
                    false,
                )
            }
            Figure::Value(at) => (values(at)?.to_vec(), String::new(), false),
        };
        Some(Result {
            what: self.what,
            beside: self.beside,
            spread: Spread::of(&figures)?,
            bound: self.bound,
            is_ratio,
            from,
        })
    }
}

impl Result {
    pub(super) fn is_reached(&self) -> bool {
        match self.bound {
            AtLeast(least) => self.spread.median >= least,
            AtMost(most) => self.spread.median <= most,
        }
    }
}

/// Every goal that was measured.
pub(super) fn results(table: &Table) -> Vec<Result> {
    { GOALS.iter() }
        .filter_map(|goal| goal.result(table))
        .collect()
}

/// As a table of Markdown.
pub(super) fn markdown(results: &[Result]) -> String {
    let mut text = "| what | beside | median | from – to | goal | reached | medians |\n|---|---|---:|---:|---:|---|---|\n".to_owned();
    for result in results {
        let Spread { median, min, max } = result.spread;
        let goal = match result.bound {
            AtLeast(least) => format!("≥ {}", shown(least)),
            AtMost(most) => format!("≤ {}", shown(most)),
        };
        let _ = writeln!(
            text,
            "| {} | {} | **{}** | {} – {} | {goal} | {} | {} |",
            result.what,
            result.beside,
            shown(median),
            shown(min),
            shown(max),
            if result.is_reached() { "yes" } else { "no" },
            result.from
        );
    }
    text
}
