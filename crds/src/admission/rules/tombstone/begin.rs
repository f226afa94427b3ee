//! A tombstone comes into being while its Cluster lives, with all of its record.

use jiff::SignedDuration;
use serde_json::{Map, Value};

use super::super::super::{Question, Unanswered};
use super::super::ownership::must_own;
use super::super::{Context, Verdict};
use super::{Identity, differences, nothing_else, refusal};
use crate::contract::{annotation, label};
use crate::history::{History, Row};
use crate::names::DatabaseName;
use crate::object::View;
use crate::purpose::check_text;
use crate::record::{annotation_field, label_field};
use crate::tombstone::{Deletion, Kept, Stage, Tombstone};
use crate::violation::Violation;

/// The last version is dated by the clock of whoever deletes.
const CLOCKS: SignedDuration = SignedDuration::from_mins(10);

const HINT: &str = "let `kubectl daap delete` write it";

pub(super) fn judge(context: Context<'_>, new: View<'_>) -> Verdict {
    let Some(identity) = Identity::of(new) else {
        return Ok(vec![refusal(
            label_field(label::DELETED),
            "it does not say of which database it is the tombstone",
            HINT,
        )]);
    };
    let Some(cluster) = identity.live(context)? else {
        return Ok(vec![refusal(
            label_field(label::ID),
            format!(
                "no cluster '{}' with this id lives, whose record it could keep",
                identity.name.cluster()
            ),
            HINT,
        )]);
    };
    let mut violations: Vec<Violation> = must_own(context, cluster.label(label::OWNER_TEAM))?
        .into_iter()
        .collect();
    violations.extend(nothing_else(new, None));
    let row = new
        .annotation(annotation::HISTORY)
        .and_then(|text| History::parse(text).ok())
        .and_then(|history| history.rows.last().cloned());
    let (Some(row), Some(tombstone)) = (row, Tombstone::read(new)) else {
        violations.push(refusal(
            annotation_field(annotation::TOMBSTONE),
            "its history or its contents cannot be read",
            HINT,
        ));
        return Ok(violations);
    };
    violations.extend(record(context, new, cluster, &identity, &tombstone, &row));
    violations.extend(contents(context, cluster, &identity.name, &tombstone)?);
    Ok(violations)
}

/// The record of the Cluster, with every version and one more, which deletes.
fn record(
    context: Context<'_>,
    new: View<'_>,
    cluster: View<'_>,
    identity: &Identity,
    tombstone: &Tombstone,
    row: &Row,
) -> Vec<Violation> {
    let deletion = Deletion {
        by: &context.write.caller.user,
        reason: row.reason.as_deref(),
        at: row.from,
        retention_days: 0,
    };
    let expected = tombstone.config_map(cluster, &identity.name, &identity.id, deletion);
    let mut violations = differences(View(&expected), new, HINT);
    if View(&expected).name() != new.name() {
        violations.push(refusal(
            "metadata.name",
            format!("it is called '{}'", View(&expected).name()),
            HINT,
        ));
    }
    let age = context.write.at.duration_since(row.from);
    if age > CLOCKS || age < -CLOCKS {
        violations.push(refusal(
            annotation_field(annotation::HISTORY),
            format!(
                "its last version says {}, more than 10 minutes from now",
                row.from
            ),
            "set the clock of your machine",
        ));
    }
    if row
        .reason
        .as_deref()
        .is_some_and(|reason| check_text(reason).is_err())
    {
        violations.push(refusal(
            annotation_field(annotation::CHANGE_REASON),
            "the reason is no plain text of up to 256 characters",
            "correct the value",
        ));
    }
    violations
}

/// A restore applies what is kept here, past limits and lists: it is what is there now.
fn contents(
    context: Context<'_>,
    cluster: View<'_>,
    name: &DatabaseName,
    tombstone: &Tombstone,
) -> Result<Vec<Violation>, Unanswered> {
    let deletion = Deletion {
        by: "",
        reason: None,
        at: context.write.at,
        retention_days: 0,
    };
    let now = Tombstone::of(cluster, None, deletion);
    let pooler = match &tombstone.pooler {
        None => true,
        Some(kept) => {
            let pooler = context.facts.object(Question::Pooler {
                namespace: context.namespace().to_owned(),
                name: name.pooler(),
            })?;
            pooler.is_some_and(|pooler| is_kept(kept, &Kept::of(View(pooler))))
        }
    };
    let wrong = [
        (is_kept(&tombstone.cluster, &now.cluster), "cluster"),
        (pooler, "pooler"),
        (tombstone.image == now.image, "image"),
        (
            tombstone.postgres_major == now.postgres_major,
            "postgresMajor",
        ),
    ];
    let mut violations: Vec<Violation> = wrong
        .into_iter()
        .filter(|(same, _)| !same)
        .map(|(_, what)| {
            refusal(
                annotation_field(annotation::TOMBSTONE),
                format!("what it keeps as '{what}' is not what is there"),
                "run the deletion again: somebody may have changed the database meanwhile",
            )
        })
        .collect();
    if !matches!(tombstone.stage, Stage::Written | Stage::Purged) {
        violations.push(refusal(
            annotation_field(annotation::TOMBSTONE),
            "a tombstone begins at stage 'written'",
            HINT,
        ));
    }
    violations.extend(super::go_on::foreign(name, &tombstone.retained));
    Ok(violations)
}

/// Labels and annotations of others come and go; none that is kept may be made up.
fn is_kept(kept: &Kept, now: &Kept) -> bool {
    let within = |kept: &Map<String, Value>, now: &Map<String, Value>| {
        let mut entries = kept.iter();
        entries.all(|(key, value)| now.get(key) == Some(value))
    };
    kept.spec == now.spec
        && within(&kept.labels, &now.labels)
        && within(&kept.annotations, &now.annotations)
}
