use super::super::Question;
use super::{Context, Verdict};
use crate::contract::label;
use crate::history::keeps_every_version;
use crate::object::View;
use crate::tombstone::{Stage, Tombstone};
use crate::violation::{Rule, Violation};

/// CNPG destroys the volumes of a Cluster that is deleted, at once. So it goes only when its
/// record is safe, and its data either belongs to it no longer or is given up.
pub(super) fn of_cluster(context: Context<'_>) -> Verdict {
    let Some(old) = context.old_view() else {
        return Ok(Vec::new());
    };
    let Some(id) = old.label(label::ID) else {
        // From before the webhook: there is no record to keep. Ownership has judged who may.
        return Ok(Vec::new());
    };
    let tombstone = context.facts.object(Question::Tombstone {
        namespace: context.namespace().to_owned(),
        id: id.to_owned(),
    })?;
    if let Some(map) = tombstone
        && !keeps_every_version(View(map), old)
    {
        // As it is where a restore was not finished: the versions since then would be lost.
        return Ok(vec![Violation::new(
            Rule::DeleteGate,
            "metadata.name",
            format!(
                "its tombstone '{}' does not have every version of its record",
                View(map).name()
            ),
            format!(
                "finish what left the tombstone: kubectl daap repair {} -n {}",
                old.label(label::NAME).unwrap_or("NAME"),
                old.namespace()
            ),
        )]);
    }
    let stage = tombstone
        .and_then(|map| Tombstone::read(View(map)))
        .map(|tombstone| tombstone.stage);
    match stage {
        None | Some(Stage::Written) => Ok(vec![refusal(
            old,
            "deleting the cluster would destroy its data and its record at once",
        )]),
        Some(Stage::Purged) => Ok(Vec::new()),
        Some(Stage::Detached | Stage::Complete) => {
            let owned = context.facts.objects(Question::VolumesOwnedBy {
                namespace: context.namespace().to_owned(),
                uid: old.uid().to_owned(),
            })?;
            if owned.is_empty() {
                return Ok(Vec::new());
            }
            let names: Vec<&str> = owned.iter().map(|volume| View(volume).name()).collect();
            Ok(vec![refusal(
                old,
                &format!(
                    "volumes still belong to it and would be destroyed with it: {}",
                    names.join(", ")
                ),
            )])
        }
    }
}

fn refusal(cluster: View<'_>, message: &str) -> Violation {
    let name = cluster.label(label::NAME).unwrap_or("NAME");
    Violation::new(
        Rule::DeleteGate,
        "metadata.name",
        message,
        format!(
            "type: kubectl daap delete {name} -n {} (add --purge to give up the data)",
            cluster.namespace()
        ),
    )
}
