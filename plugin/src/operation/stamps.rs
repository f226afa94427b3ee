//! Stamps and history where no webhook writes them: with the webhook's own code. Nothing vouches
//! for them then, and the user is told.

use daap_crds::admission::{
    Answer, Caller, Facts, Operation, Question, Resource, Unanswered, Write, mutate,
};
use daap_crds::contract::{annotation, label};
use daap_crds::history::{History, Tracked};
use daap_crds::object::{View, map_at, remove_annotation, set_annotation, set_label};
use daap_crds::policy::Policy;
use serde_json::Value;

use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes, annotate};
use crate::output::stderr_line;

/// More rounds of questions than any write needs.
const ROUNDS: usize = 8;

const NO_WEBHOOK: &str = "Warning: no admission webhook stamped this change: the plugin wrote the history itself, and nothing vouches for it";

/// Whether a tracked field changed and nobody stamped it: the last version is not the record.
pub(super) fn are_missing(cluster: View<'_>) -> bool {
    history(cluster).is_none_or(|history| history.current() != Tracked::of(cluster))
}

/// Writes the stamps that lead from the last version to what `cluster` is now. They follow from the
/// Cluster, and from the `tombstone` of a database that came back: a run that was killed before
/// this step is made good by the next. Gives back the stamped Cluster, and tells the user.
pub(super) async fn write(
    k8s: &Kubernetes,
    cluster: &Value,
    tombstone: Option<&Value>,
) -> Result<Value, Failure> {
    let user = k8s.user().await?;
    let before = before(cluster);
    let stamps = stamps(k8s.namespace(), user, before.as_ref(), cluster, tombstone)?;
    let name = View(cluster).name();
    let stamped = k8s.merge(Kind::Cluster, name, &stamps).await?;
    if !k8s.is_dry_run() {
        stderr_line(NO_WEBHOOK);
    }
    Ok(stamped)
}

fn history(cluster: View<'_>) -> Option<History> {
    History::parse(cluster.annotation(annotation::HISTORY)?).ok()
}

/// The Cluster as the last version of its history has it; none where it has no version.
fn before(cluster: &Value) -> Option<Value> {
    let last = history(View(cluster))
        .filter(|history| history.version() > 0)?
        .current();
    let mut before = cluster.clone();
    set_label(&mut before, label::OWNER_TEAM, last.owner_team);
    set_annotation(&mut before, annotation::PURPOSE, last.purpose);
    map_at(&mut before, &["spec"]).insert("instances".into(), last.instances.into());
    map_at(&mut before, &["spec", "storage"]).insert("size".into(), last.storage.into());
    // It came with the change that is to be stamped.
    remove_annotation(&mut before, annotation::PENDING);
    Some(before)
}

fn stamps(
    namespace: &str,
    user: String,
    before: Option<&Value>,
    after: &Value,
    tombstone: Option<&Value>,
) -> Result<Value, Failure> {
    let write = Write {
        resource: Resource::Cluster,
        operation: if before.is_some() {
            Operation::Update
        } else {
            Operation::Create
        },
        namespace: namespace.to_owned(),
        request_name: View(after).name().to_owned(),
        object: Some(after.clone()),
        old: before.cloned(),
        caller: Caller {
            user,
            ..Caller::default()
        },
        at: jiff::Timestamp::now(),
    };
    let mut facts = Facts::default();
    for _ in 0..ROUNDS {
        match mutate(&write, &Policy::default(), &facts) {
            Ok(mutation) => {
                let stamped = View(&mutation.object);
                let pairs: Vec<(&str, Value)> = annotation::STAMPS
                    .iter()
                    .filter_map(|key| Some((*key, stamped.annotation(key)?.into())))
                    .collect();
                return Ok(annotate(&pairs));
            }
            Err(Unanswered(questions)) => {
                for question in questions {
                    // The operation knows what the stamps continue from: a tombstone, or nothing.
                    let known = match &question {
                        Question::Tombstone { .. } => tombstone.cloned(),
                        _ => None,
                    };
                    facts.learn(question, Answer::Object(known));
                }
            }
        }
    }
    Err(Failure::new(
        "failed to work out the history of the database",
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cluster(instances: i64) -> Value {
        json!({
            "metadata": {"name": "daap-orders", "namespace": "apps",
                "labels": {"daap.dev/name": "orders", "daap.dev/owner-team": "payments", "daap.dev/id": "67e55044-10b1-426f-9247-bb680e5fe0c8"},
                "annotations": {"daap.dev/purpose": "order intake"}},
            "spec": {"instances": instances, "storage": {"size": "1Gi"}},
        })
    }

    #[test]
    fn a_new_database_gets_version_1_and_a_change_version_2() {
        let mut cluster = cluster(1);
        assert!(are_missing(View(&cluster)));
        assert_eq!(before(&cluster), None);
        let patch = stamps("apps", "ada".into(), None, &cluster, None).unwrap();
        json_patch::merge(&mut cluster, &patch);
        assert!(!are_missing(View(&cluster)));
        cluster["spec"]["instances"] = 2.into();
        assert!(are_missing(View(&cluster)));
        let patch = stamps(
            "apps",
            "bob".into(),
            before(&cluster).as_ref(),
            &cluster,
            None,
        )
        .unwrap();
        json_patch::merge(&mut cluster, &patch);
        let view = View(&cluster);
        assert_eq!(view.annotation(annotation::VERSION), Some("2"));
        assert_eq!(view.annotation(annotation::CREATED_BY), Some("ada"));
        assert_eq!(view.annotation(annotation::UPDATED_BY), Some("bob"));
        assert!(!are_missing(view));
    }
}
