//! Only the stage of a tombstone moves on.

use super::super::{Context, Verdict};
use super::{Identity, differences, nothing_else, owned, refusal, unreadable};
use crate::admission::write::is_tombstone;
use crate::contract::{annotation, label};
use crate::names::DatabaseName;
use crate::object::View;
use crate::record::{annotation_field, label_field};
use crate::tombstone::{Retained, Stage, Tombstone};
use crate::violation::Violation;

const HINT: &str = "leave it as it is: record, history and contents of a tombstone never change";

pub(super) fn judge(context: Context<'_>, old: View<'_>, new: View<'_>) -> Verdict {
    let (Some(identity), Some(before)) = (Identity::of(old), Tombstone::read(old)) else {
        return unreadable(context);
    };
    let mut violations = owned(context, old)?;
    if !is_tombstone(new) {
        violations.push(refusal(
            label_field(label::DELETED),
            "a tombstone does not become something else",
            HINT,
        ));
        return Ok(violations);
    }
    violations.extend(differences(old, new, HINT));
    violations.extend(nothing_else(new, Some(old)));
    let Some(after) = Tombstone::read(new) else {
        violations.push(contents("it is not readable any more"));
        return Ok(violations);
    };
    let lives = identity.live(context)?.is_some();
    violations.extend(moves_on(&before, &after, lives));
    violations.extend(keeps(&identity.name, &before, &after));
    // An owner may destroy the data now, and so before its time; to keep it for longer than the
    // policy says is the platform team's.
    if after.until > before.until && !context.facts.may_administer(context.namespace())? {
        violations.push(contents("only an administrator keeps it for longer"));
    }
    Ok(violations)
}

fn moves_on(before: &Tombstone, after: &Tombstone, lives: bool) -> Option<Violation> {
    // A purge that finds a restore was faster takes its mark back: the data is in use.
    let taken_back = lives && before.stage == Stage::Purged && after.stage == Stage::Complete;
    (after.stage < before.stage && !taken_back).then(|| contents("its stage does not go back"))
}

fn keeps(name: &DatabaseName, before: &Tombstone, after: &Tombstone) -> Vec<Violation> {
    let same = before.cluster == after.cluster
        && before.pooler == after.pooler
        && before.image == after.image
        && before.postgres_major == after.postgres_major;
    let mut violations = Vec::new();
    if !same {
        violations.push(contents("what it keeps of the database does not change"));
    }
    if before.stage == Stage::Written {
        if before.retained != after.retained {
            violations.extend(foreign(name, &after.retained));
        }
    } else if !is_within(&after.retained, &before.retained) {
        violations.push(contents(
            "what is retained is decided while its stage is 'written'; afterwards it only goes",
        ));
    }
    violations
}

fn is_within(after: &Retained, before: &Retained) -> bool {
    let within = |after: &[String], before: &[String]| after.iter().all(|one| before.contains(one));
    within(&after.volumes, &before.volumes)
        && within(&after.secrets, &before.secrets)
        && within(&after.backups, &before.backups)
        && within(&after.snapshots, &before.snapshots)
}

/// A purge destroys what is listed, and the name gate trusts it: it lies under the names of the
/// database. Backups and snapshots are called as one likes, and are never destroyed.
pub(super) fn foreign(name: &DatabaseName, retained: &Retained) -> Option<Violation> {
    let secrets = [name.app_secret(), name.ca_secret()];
    let cluster = name.cluster();
    let foreign: Vec<&str> = retained
        .volumes
        .iter()
        .filter(|volume| !is_volume_of(volume, &cluster))
        .chain(
            retained
                .secrets
                .iter()
                .filter(|secret| !secrets.contains(secret)),
        )
        .map(String::as_str)
        .collect();
    (!foreign.is_empty()).then(|| {
        contents(&format!(
            "what it retains is not the database's: {}",
            foreign.join(", ")
        ))
    })
}

/// `{cluster}-N`, `{cluster}-N-wal`, `{cluster}-N-tbs-…`: CNPG names volumes after instances.
fn is_volume_of(volume: &str, cluster: &str) -> bool {
    let rest = volume
        .strip_prefix(cluster)
        .and_then(|rest| rest.strip_prefix('-'));
    let Some(rest) = rest else {
        return false;
    };
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (serial, role) = rest.split_at(end);
    !serial.is_empty() && (role.is_empty() || role == "-wal" || role.starts_with("-tbs-"))
}

fn contents(message: &str) -> Violation {
    refusal(annotation_field(annotation::TOMBSTONE), message, HINT)
}
