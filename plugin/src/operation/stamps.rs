//! Stamps and history where no webhook writes them: with the webhook's own code. Nothing vouches
//! for them then, and the user is told.

use daap_crds::admission::{Answer, Caller, Facts, Operation, Resource, Unanswered, Write, mutate};
use daap_crds::contract::annotation;
use daap_crds::history::Tracked;
use daap_crds::object::View;
use daap_crds::policy::Policy;
use serde_json::Value;

use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes, annotate};

/// More rounds of questions than any write needs.
const ROUNDS: usize = 8;

pub(super) const NO_WEBHOOK: &str = "Warning: no admission webhook stamped this change: the plugin wrote the history itself, and nothing vouches for it";

/// Whether a tracked field changed and nobody stamped it.
pub(super) fn are_missing(before: Option<View<'_>>, after: View<'_>) -> bool {
    let version = |view: View<'_>| view.annotation(annotation::VERSION).map(str::to_owned);
    match before {
        None => version(after).is_none(),
        Some(before) => {
            Tracked::of(before) != Tracked::of(after) && version(before) == version(after)
        }
    }
}

/// Writes the stamps that lead from `before` to `after`.
pub(super) async fn write(
    k8s: &Kubernetes,
    before: Option<&Value>,
    after: &Value,
) -> Result<(), Failure> {
    let user = k8s.user().await?;
    let stamps = stamps(k8s.namespace(), user, before, after)?;
    k8s.merge(Kind::Cluster, View(after).name(), &stamps, false)
        .await?;
    Ok(())
}

fn stamps(
    namespace: &str,
    user: String,
    before: Option<&Value>,
    after: &Value,
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
                    // The operation has made sure that the database is new: there is nothing else
                    // that its stamps could continue from.
                    facts.learn(question, Answer::Object(None));
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
        let mut first = cluster(1);
        assert!(are_missing(None, View(&first)));
        let patch = stamps("apps", "ada".into(), None, &first).unwrap();
        json_patch::merge(&mut first, &patch);
        assert!(!are_missing(None, View(&first)));
        let mut second = first.clone();
        second["spec"]["instances"] = 2.into();
        assert!(are_missing(Some(View(&first)), View(&second)));
        let patch = stamps("apps", "bob".into(), Some(&first), &second).unwrap();
        json_patch::merge(&mut second, &patch);
        assert_eq!(View(&second).annotation(annotation::VERSION), Some("2"));
        assert_eq!(
            View(&second).annotation(annotation::CREATED_BY),
            Some("ada")
        );
        assert_eq!(
            View(&second).annotation(annotation::UPDATED_BY),
            Some("bob")
        );
        assert!(!are_missing(Some(View(&second)), View(&second)));
    }
}
