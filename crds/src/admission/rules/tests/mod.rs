//! One table for each rule: who writes what, and which rules refuse it.
//!
//! The world is a [`World`]: it answers the questions as an API server would, so that each test
//! runs mutate and judge as the webhook does.

mod dependents;
mod metadata;
mod retained;
mod spec_fields;
mod tombstone_rule;
mod tombstones;

use rstest::rstest;
use serde_json::{Value, json};

use super::super::{
    Access, Answer, Caller, Facts, Operation, Question, Resource, Unanswered, Write, judge, mutate,
};
use crate::contract::{annotation, label};
use crate::desired::Desired;
use crate::desired::tests::orders;
use crate::history::{Action, History};
use crate::object::{View, set_annotation, set_label};
use crate::policy::Policy;
use crate::violation::Violation;

/// The id of `orders`.
const ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

/// What lies in the cluster, and who may do what.
#[derive(Clone, Default)]
struct World {
    clusters: Vec<Value>,
    poolers: Vec<Value>,
    tombstones: Vec<Value>,
    owned_volumes: Vec<Value>,
    under_names: Vec<Value>,
    policy: Policy,
}

fn answer(world: &World, user: &str, question: &Question) -> Answer {
    let access = |allowed: bool| {
        Answer::Access(Access {
            allowed,
            reason: String::new(),
        })
    };
    let named = |objects: &[Value], name: &str| {
        Answer::Object(
            objects
                .iter()
                .find(|object| View(object).name() == name)
                .cloned(),
        )
    };
    match question {
        Question::MayOwn { team, .. } => access(user == "admin" || user == format!("{team}-dev")),
        Question::MayAdminister { .. } => access(user == "admin"),
        Question::Cluster { name, .. } => named(&world.clusters, name),
        Question::Pooler { name, .. } => named(&world.poolers, name),
        Question::Tombstone { id, .. } => Answer::Object(
            world
                .tombstones
                .iter()
                .find(|object| View(object).label(label::ID) == Some(id))
                .cloned(),
        ),
        Question::TombstonesOfCluster { cluster, .. } => Answer::Objects(
            world
                .tombstones
                .iter()
                .filter(|object| View(object).name().starts_with(cluster.as_str()))
                .cloned()
                .collect(),
        ),
        Question::ClustersWithId { id, .. } => Answer::Objects(
            world
                .clusters
                .iter()
                .filter(|object| View(object).label(label::ID) == Some(id))
                .cloned()
                .collect(),
        ),
        Question::VolumesOwnedBy { .. } => Answer::Objects(world.owned_volumes.clone()),
        Question::UnderNames { .. } => Answer::Objects(world.under_names.clone()),
    }
}

impl World {
    fn settle<T>(
        &self,
        write: &Write,
        decide: impl Fn(&Write, &Policy, &Facts) -> Result<T, Unanswered>,
    ) -> T {
        let mut facts = Facts::default();
        for _ in 0..8 {
            match decide(write, &self.policy, &facts) {
                Ok(decision) => return decision,
                Err(Unanswered(questions)) => {
                    for question in questions {
                        let known = answer(self, &write.caller.user, &question);
                        facts.learn(question, known);
                    }
                }
            }
        }
        panic!("the rules never stopped asking");
    }

    /// Mutates and judges as the webhook does; the object as it would be stored, and the denial.
    fn admit(&self, write: &Write) -> (Value, Vec<Violation>) {
        if write.operation == Operation::Delete {
            return (Value::Null, self.settle(write, judge));
        }
        let once = self.settle(write, mutate).object;
        let mut stored = write.clone();
        stored.object = Some(once.clone());
        let twice = self.settle(&stored, mutate).object;
        assert_eq!(once, twice, "a second pass changes nothing");
        let violations = self.settle(&stored, judge);
        (once, violations)
    }

    fn refusals(&self, write: &Write) -> Vec<String> {
        self.admit(write)
            .1
            .iter()
            .map(|violation| format!("{} {}", violation.rule, violation.field))
            .collect()
    }
}

fn write(
    resource: Resource,
    operation: Operation,
    user: &str,
    old: Option<&Value>,
    object: Option<&Value>,
) -> Write {
    Write {
        resource,
        operation,
        namespace: "apps".into(),
        request_name: "daap-orders".into(),
        object: object.cloned(),
        old: old.cloned(),
        caller: Caller {
            user: user.into(),
            ..Caller::default()
        },
        at: "2026-11-21T10:00:00.250Z".parse().unwrap(),
    }
}

fn create(user: &str, object: &Value) -> Write {
    write(
        Resource::Cluster,
        Operation::Create,
        user,
        None,
        Some(object),
    )
}

fn update(user: &str, old: &Value, change: &Value) -> Write {
    let mut new = old.clone();
    json_patch::merge(&mut new, change);
    write(
        Resource::Cluster,
        Operation::Update,
        user,
        Some(old),
        Some(&new),
    )
}

/// The stored Cluster of `orders`, as payments-dev created it an hour ago.
fn stored() -> Value {
    let mut request = create("payments-dev", &orders().cluster());
    request.at = "2026-11-21T09:00:00Z".parse().unwrap();
    let (mut cluster, violations) = World::default().admit(&request);
    assert_eq!(violations, Vec::new());
    cluster["metadata"]["uid"] = "uid-of-orders".into();
    cluster
}

fn labels(change: &Value) -> Value {
    json!({"metadata": {"labels": change}})
}

fn annotations(change: &Value) -> Value {
    json!({"metadata": {"annotations": change}})
}

fn history_of(object: &Value) -> History {
    History::parse(View(object).annotation(annotation::HISTORY).unwrap()).unwrap()
}

#[rstest]
#[case("payments-dev", &[])]
#[case("admin", &[])]
#[case("billing-dev", &["ownership metadata.labels[daap.dev/owner-team]"])]
#[case("outsider", &["ownership metadata.labels[daap.dev/owner-team]"])]
fn create_needs_the_team(#[case] user: &str, #[case] expected: &[&str]) {
    assert_eq!(
        World::default().refusals(&create(user, &orders().cluster())),
        expected
    );
}

#[test]
fn create_stamps_who_and_when_and_ignores_what_was_brought_along() {
    let mut cluster = orders().cluster();
    set_annotation(&mut cluster, annotation::CREATED_BY, "somebody-else");
    set_annotation(&mut cluster, annotation::VERSION, "41");
    set_annotation(
        &mut cluster,
        annotation::HISTORY,
        history_of(&stored()).to_annotation(),
    );
    let (stored, violations) = World::default().admit(&create("payments-dev", &cluster));
    assert_eq!(violations, Vec::new());
    let view = View(&stored);
    assert_eq!(
        view.annotation(annotation::CREATED_BY),
        Some("payments-dev")
    );
    assert_eq!(
        view.annotation(annotation::CREATED_AT),
        Some("2026-11-21T10:00:00.25Z")
    );
    assert_eq!(view.annotation(annotation::VERSION), Some("1"));
    let versions = history_of(&stored).versions();
    assert_eq!(versions[0].action, Action::Created);
    assert_eq!(versions[0].reason.as_deref(), Some("new shop"));
}

#[test]
fn a_bare_cluster_is_completed_where_that_is_possible() {
    let bare = json!({
        "metadata": {"name": "daap-shop", "namespace": "apps",
            "labels": {label::OWNER_TEAM: "payments"},
            "annotations": {annotation::PURPOSE: "a shop"}},
        "spec": {"instances": 1},
    });
    let (stored, violations) = World::default().admit(&create("payments-dev", &bare));
    assert_eq!(violations, Vec::new());
    assert_eq!(View(&stored).label(label::NAME), Some("shop"));
    assert!(View(&stored).label(label::ID).is_some());
    assert_eq!(stored["spec"]["storage"]["size"], "10Gi");
    assert_eq!(
        stored["spec"]["inheritedMetadata"]["labels"][label::NAME],
        "shop"
    );
}

#[test]
fn a_bare_cluster_is_refused_with_everything_that_is_missing() {
    let bare = json!({"metadata": {"name": "daap-x", "namespace": "apps"}, "spec": {"instances": 9, "storage": {"size": "1X"}}});
    assert_eq!(
        World::default().refusals(&create("payments-dev", &bare)),
        [
            "naming metadata.name",
            "required metadata.labels[daap.dev/owner-team]",
            "required metadata.annotations[daap.dev/purpose]",
            "limits spec.instances",
            "format spec.storage.size",
        ]
    );
}

#[test]
fn clusters_of_others_are_left_alone() {
    let other =
        json!({"metadata": {"name": "legacy", "namespace": "apps"}, "spec": {"instances": 40}});
    let (stored, violations) = World::default().admit(&create("outsider", &other));
    assert_eq!((stored, violations), (other.clone(), Vec::new()));
    // A label does not make it ours.
    let claim = labels(&json!({"daap.dev/owner-team": "payments"}));
    let refusals = World::default().refusals(&update("admin", &other, &claim));
    assert!(
        refusals.contains(&"naming metadata.name".to_owned()),
        "{refusals:?}"
    );
}

#[rstest]
#[case(labels(&json!({"daap.dev/name": "Orders"})), &["naming metadata.labels[daap.dev/name]"])]
#[case(labels(&json!({"daap.dev/name": "other"})), &["naming metadata.name"])]
#[case(json!({"metadata": {"name": "orders"}}), &["naming metadata.name"])]
#[case(json!({"metadata": {"name": null, "generateName": "daap-orders-"}}), &["naming metadata.generateName"])]
#[case(labels(&json!({"daap.dev/id": "42"})), &["format metadata.labels[daap.dev/id]"])]
#[case(labels(&json!({"daap.dev/owner-team": ""})), &["format metadata.labels[daap.dev/owner-team]"])]
#[case(annotations(&json!({"daap.dev/purpose": ""})), &["format metadata.annotations[daap.dev/purpose]"])]
#[case(annotations(&json!({"daap.dev/change-reason": "a\nb"})), &["format metadata.annotations[daap.dev/change-reason]"])]
#[case(annotations(&json!({"daap.dev/offered-to": "No"})), &["format metadata.annotations[daap.dev/offered-to]"])]
#[case(annotations(&json!({"cnpg.io/validation": "disabled"})), &["administrator metadata.annotations[cnpg.io/validation]"])]
#[case(annotations(&json!({"cnpg.io/hibernation": "on"})), &[])]
#[case(json!({"spec": {"instances": 0}}), &["limits spec.instances"])]
#[case(json!({"spec": {"instances": 6}}), &["limits spec.instances"])]
#[case(json!({"spec": {"storage": {"size": "0"}}}), &["format spec.storage.size"])]
#[case(json!({"spec": {"storage": {"size": "2Ti"}}}), &["limits spec.storage.size"])]
#[case(json!({"metadata": {"ownerReferences": [{"kind": "ConfigMap", "name": "x", "uid": "1"}]}}), &["owner-references metadata.ownerReferences"])]
fn a_new_cluster_is_judged_by_its_fields(#[case] change: Value, #[case] expected: &[&str]) {
    let mut cluster = orders().cluster();
    json_patch::merge(&mut cluster, &change);
    assert_eq!(
        World::default().refusals(&create("payments-dev", &cluster)),
        expected
    );
}

#[test]
fn the_policy_is_heeded() {
    let world = World {
        policy: Policy::from_yaml(
            "teams: [billing]\nnames: {pattern: '[a-z]+-prod', reserved: [orders]}\nlimits: {images: ['good/.*']}\ndefaults: {image: 'good/postgresql:17'}",
        )
        .unwrap(),
        ..World::default()
    };
    assert_eq!(
        world.refusals(&create("payments-dev", &orders().cluster())),
        [
            "naming metadata.labels[daap.dev/name]",
            "naming metadata.labels[daap.dev/name]",
            "teams metadata.labels[daap.dev/owner-team]",
            "limits spec.imageName",
        ]
    );
}

#[rstest]
#[case(json!({"metadata": {"labels": {"tier": "gold"}}}))]
#[case(annotations(&json!({"daap.dev/change-reason": "another reason alone"})))]
#[case(annotations(&json!({"daap.dev/pending": "{}"})))]
#[case(labels(&json!({"daap.dev/name": null, "daap.dev/id": null, "daap.dev/owner-team": null})))]
#[case(annotations(&json!({"daap.dev/purpose": null, "daap.dev/history": null, "daap.dev/version": "9"})))]
fn a_write_that_changes_no_tracked_field_leaves_no_row(#[case] change: Value) {
    let old = stored();
    let (new, violations) = World::default().admit(&update("payments-dev", &old, &change));
    assert_eq!(violations, Vec::new());
    for key in annotation::STAMPS {
        assert_eq!(
            View(&new).annotation(key),
            View(&old).annotation(key),
            "{key}"
        );
    }
    for key in label::RECORD {
        assert_eq!(View(&new).label(key), View(&old).label(key), "{key}");
    }
}

#[test]
fn applying_the_same_manifest_again_changes_no_byte() {
    let old = stored();
    let (new, _) = World::default().admit(&update("payments-dev", &old, &json!({})));
    assert_eq!(new.to_string(), old.to_string());
}

#[test]
fn a_tracked_change_appends_a_row_computed_from_the_old_object() {
    let old = stored();
    let change = json!({
        "metadata": {"annotations": {
            "daap.dev/history": r#"{"rows":[]}"#,
            "daap.dev/created-by": "mallory",
            "daap.dev/change-reason": "sale",
        }},
        "spec": {"instances": 2},
    });
    let (new, violations) = World::default().admit(&update("payments-dev", &old, &change));
    assert_eq!(violations, Vec::new());
    let history = history_of(&new);
    assert_eq!(history.rows[0], history_of(&old).rows[0]);
    assert_eq!(history.rows[1].set.instances, Some(2));
    assert_eq!(history.rows[1].reason.as_deref(), Some("sale"));
    assert_eq!(
        View(&new).annotation(annotation::CREATED_BY),
        Some("payments-dev")
    );
    assert_eq!(
        View(&new).annotation(annotation::UPDATED_AT),
        Some("2026-11-21T10:00:00.25Z")
    );
}

#[test]
fn stamps_hold_when_the_mutating_half_was_skipped() {
    let old = stored();
    let mut request = update("payments-dev", &old, &json!({"spec": {"instances": 2}}));
    let refused = World::default().settle(&request, judge);
    assert!(
        refused
            .iter()
            .all(|violation| violation.rule == crate::violation::Rule::History)
    );
    assert!(!refused.is_empty());
    // A row that claims another time than about now is not the webhook's.
    let mut forged = history_of(&old);
    let record = crate::history::Tracked {
        instances: 2,
        ..forged.current()
    };
    forged = forged.with(
        Action::Updated,
        "2026-11-21T09:30:00Z".parse().unwrap(),
        "payments-dev",
        Some("new shop"),
        &record,
    );
    set_annotation(
        request.object.as_mut().unwrap(),
        annotation::HISTORY,
        forged.to_annotation(),
    );
    assert!(!World::default().settle(&request, judge).is_empty());
}

#[rstest]
#[case(labels(&json!({"daap.dev/name": "other"})), &["naming metadata.name", "immutable metadata.labels[daap.dev/name]"])]
#[case(labels(&json!({"daap.dev/id": "67e55044-10b1-426f-9247-bb680e5fe0c9"})), &["immutable metadata.labels[daap.dev/id]"])]
#[case(json!({"spec": {"storage": {"storageClass": "fast"}}}), &["immutable spec.storage.storageClass"])]
#[case(json!({"spec": {"storage": {"size": "512Mi"}}}), &["limits spec.storage.size"])]
#[case(json!({"spec": {"bootstrap": {"recovery": {"source": "other"}}}}), &["immutable spec.bootstrap", "spec-fields spec.bootstrap.recovery"])]
#[case(json!({"spec": {"bootstrap": {"initdb": {"database": "app", "owner": "app"}}}}), &[])]
#[case(json!({"spec": {"imageName": "registry.example/postgresql:17.7"}}), &[])]
fn some_fields_never_change(#[case] change: Value, #[case] expected: &[&str]) {
    assert_eq!(
        World::default().refusals(&update("payments-dev", &stored(), &change)),
        expected
    );
}

#[rstest]
#[case("billing-dev", json!({"metadata": {"labels": {"tier": "gold"}}}))]
#[case("billing-dev", labels(&json!({"daap.dev/owner-team": null})))]
#[case("billing-dev", labels(&json!({"daap.dev/owner-team": "billing"})))]
#[case("outsider", annotations(&json!({"daap.dev/purpose": "mine"})))]
#[case("outsider", json!({"metadata": {"labels": null, "annotations": null}}))]
fn an_update_needs_the_team(#[case] user: &str, #[case] change: Value) {
    let refusals = World::default().refusals(&update(user, &stored(), &change));
    assert!(
        refusals.contains(&"ownership metadata.labels[daap.dev/owner-team]".to_owned()),
        "{refusals:?}"
    );
}

#[test]
fn a_repair_takes_into_the_record_what_cannot_be_written_back() {
    let world = World::default();
    let mut drifted = stored();
    drifted["spec"]["storage"]["size"] = "2Gi".into();
    let touched = labels(&json!({"tier": "gold"}));
    let (stored, _) = world.admit(&update("payments-dev", &drifted, &touched));
    assert_eq!(
        history_of(&stored).version(),
        1,
        "not by whoever touches it next"
    );
    let pending = r#"{"operation":"repair","step":"finish","since":"2026-11-21T09:59:00Z"}"#;
    let repair = annotations(&json!({"daap.dev/pending": pending}));
    let (repaired, violations) = world.admit(&update("payments-dev", &drifted, &repair));
    assert_eq!(violations, Vec::new());
    let rows = history_of(&repaired).rows;
    assert_eq!(rows[1].action, Action::Repaired);
    assert_eq!(rows[1].set.storage.as_deref(), Some("2Gi"));
    let done = annotations(&json!({"daap.dev/pending": null}));
    let (finished, _) = world.admit(&update("payments-dev", &repaired, &done));
    assert_eq!(history_of(&finished).version(), 2);
}

#[test]
fn an_offer_ends_with_the_owner_who_made_it_and_names_a_team_that_exists() {
    let mut world = World::default();
    let offer = annotations(&json!({"daap.dev/offered-to": "billing"}));
    let (offered, _) = world.admit(&update("payments-dev", &stored(), &offer));
    let give = labels(&json!({"daap.dev/owner-team": "shop"}));
    let (given, violations) = world.admit(&update("admin", &offered, &give));
    assert_eq!(violations, Vec::new());
    assert_eq!(View(&given).annotation(annotation::OFFERED_TO), None);
    world.policy = Policy::from_yaml("teams: [payments]").unwrap();
    assert_eq!(
        world.refusals(&update("payments-dev", &stored(), &offer)),
        ["teams metadata.annotations[daap.dev/offered-to]"]
    );
}

#[test]
fn a_transfer_needs_both_teams_or_an_offer() {
    let world = World::default();
    let give = labels(&json!({"daap.dev/owner-team": "billing"}));
    assert_eq!(
        world.refusals(&update("payments-dev", &stored(), &give)),
        ["ownership metadata.labels[daap.dev/owner-team]"]
    );
    let (given, violations) = world.admit(&update("admin", &stored(), &give));
    assert_eq!(violations, Vec::new());
    assert_eq!(history_of(&given).rows[1].action, Action::Transferred);

    let offer = annotations(&json!({"daap.dev/offered-to": "billing"}));
    let (offered, violations) = world.admit(&update("payments-dev", &stored(), &offer));
    assert_eq!(violations, Vec::new());
    let accept = json!({"metadata": {"labels": {"daap.dev/owner-team": "billing"}, "annotations": {"daap.dev/offered-to": null}}});
    assert_eq!(
        world.refusals(&update("billing-dev", &offered, &accept)),
        [""; 0]
    );
    assert_eq!(
        world.refusals(&update("outsider", &offered, &accept)).len(),
        1
    );
    // The acceptance may be marked as unfinished, but not turned into something else.
    let pending = |operation: &str| {
        let mut accept = accept.clone();
        accept["metadata"]["annotations"]["daap.dev/pending"] = format!(
            r#"{{"operation":"{operation}","step":"finish","since":"2026-11-21T09:59:00Z"}}"#
        )
        .into();
        world.refusals(&update("billing-dev", &offered, &accept))
    };
    assert_eq!(pending("transfer"), [""; 0]);
    assert!(!pending("delete").is_empty());
    let mut more = accept;
    more["spec"] = json!({"instances": 3});
    assert!(
        !world
            .refusals(&update("billing-dev", &offered, &more))
            .is_empty()
    );
}

#[test]
fn an_old_object_that_broke_a_rule_may_change_as_long_as_it_gets_no_worse() {
    let mut desired = orders();
    desired.instances = 9;
    let mut old = desired.cluster();
    set_label(&mut old, label::OWNER_TEAM, "payments");
    old["spec"]["imageName"] = "old/postgresql:12".into();
    let world = World {
        policy: Policy::from_yaml("limits: {images: ['good/.*']}").unwrap(),
        ..World::default()
    };
    let instances = |count: i64| json!({"spec": {"instances": count}});
    assert_eq!(
        world.refusals(&update(
            "payments-dev",
            &old,
            &json!({"metadata": {"labels": {"a": "b"}}})
        )),
        [""; 0]
    );
    assert_eq!(
        world.refusals(&update("payments-dev", &old, &instances(7))),
        [""; 0]
    );
    assert_eq!(
        world.refusals(&update("payments-dev", &old, &instances(10))),
        ["limits spec.instances"]
    );
}

#[test]
fn while_an_object_is_being_deleted_only_finalizers_change() {
    let mut old = stored();
    old["metadata"]["deletionTimestamp"] = "2026-11-21T09:59:00Z".into();
    old["metadata"]["finalizers"] = json!(["example.com/hold"]);
    let world = World::default();
    let release = json!({"metadata": {"finalizers": null}});
    assert_eq!(
        world.refusals(&update("payments-dev", &old, &release)),
        [""; 0]
    );
    assert_eq!(world.refusals(&update("outsider", &old, &release)).len(), 1);
    assert_eq!(
        world.refusals(&update(
            "payments-dev",
            &old,
            &json!({"spec": {"instances": 2}})
        )),
        ["deleting metadata"]
    );
}

#[test]
fn an_id_belongs_to_one_database() {
    let world = World {
        clusters: vec![stored()],
        ..World::default()
    };
    let mut twin = orders();
    twin.name = crate::names::DatabaseName::parse("twin").unwrap();
    assert_eq!(
        world.refusals(&create("payments-dev", &twin.cluster())),
        ["name-gate metadata.labels[daap.dev/id]"]
    );
}

fn pooler_write(
    operation: Operation,
    user: &str,
    old: Option<&Value>,
    new: Option<&Value>,
) -> Write {
    write(Resource::Pooler, operation, user, old, new)
}

#[rstest]
#[case("payments-dev", json!({}), &[])]
#[case("billing-dev", json!({}), &["ownership metadata.labels[daap.dev/owner-team]"])]
#[case("billing-dev", json!({"metadata": {"name": "mine", "labels": null, "ownerReferences": null}}), &["ownership metadata.labels[daap.dev/owner-team]"])]
#[case("payments-dev", json!({"metadata": {"name": "readers", "labels": null, "ownerReferences": null}, "spec": {"type": "ro"}}), &[])]
#[case("payments-dev", json!({"metadata": {"name": "daap-other-pooler"}}), &["naming metadata.name"])]
#[case("payments-dev", json!({"metadata": {"name": null, "generateName": "daap-"}}), &["naming metadata.generateName"])]
#[case("payments-dev", json!({"metadata": {"ownerReferences": [{"kind": "Cluster", "name": "daap-orders", "uid": "stale"}]}}), &["owner-references metadata.ownerReferences"])]
#[case("payments-dev", json!({"metadata": {"name": "mine", "labels": {"daap.dev/id": "1", "daap.dev/name": null, "daap.dev/owner-team": null}}}), &["immutable metadata.labels[daap.dev/id]"])]
#[case("payments-dev", json!({"spec": {"instances": 6}}), &["limits spec.instances"])]
#[case("payments-dev", json!({"spec": {"pgbouncer": {"poolMode": "statement"}}}), &["limits spec.pgbouncer.poolMode"])]
#[case("payments-dev", json!({"spec": {"cluster": {"name": "daap-nowhere"}}, "metadata": {"name": "x", "ownerReferences": null, "labels": null}}), &["dependents spec.cluster.name"])]
fn a_pooler_is_its_clusters(#[case] user: &str, #[case] change: Value, #[case] expected: &[&str]) {
    let world = World {
        clusters: vec![stored()],
        ..World::default()
    };
    let mut pooler = orders().pooler("uid-of-orders");
    json_patch::merge(&mut pooler, &change);
    assert_eq!(
        world.refusals(&pooler_write(Operation::Create, user, None, Some(&pooler))),
        expected
    );
}

#[test]
fn a_pooler_is_completed_from_its_cluster() {
    let world = World {
        clusters: vec![stored()],
        ..World::default()
    };
    let bare = json!({
        "metadata": {"name": "daap-orders-pooler", "namespace": "apps"},
        "spec": {"cluster": {"name": "daap-orders"}, "instances": 1, "pgbouncer": {"poolMode": "session"}},
    });
    let request = pooler_write(Operation::Create, "payments-dev", None, Some(&bare));
    let mutation = world.settle(&request, mutate);
    let view = View(&mutation.object);
    assert_eq!(view.label(label::OWNER_TEAM), Some("payments"));
    assert!(view.is_owned_by("uid-of-orders"));
    assert_eq!(view.text("/spec/pgbouncer/poolMode"), Some("transaction"));
    assert_eq!(mutation.warnings.len(), 1);
    let moved = json!({"spec": {"cluster": {"name": "daap-other"}}});
    let mut new = mutation.object.clone();
    json_patch::merge(&mut new, &moved);
    let refusals = world.refusals(&pooler_write(
        Operation::Update,
        "payments-dev",
        Some(&mutation.object),
        Some(&new),
    ));
    assert!(
        refusals.contains(&"immutable spec.cluster.name".to_owned()),
        "{refusals:?}"
    );
    let delete = |user| pooler_write(Operation::Delete, user, Some(&mutation.object), None);
    assert_eq!(world.refusals(&delete("payments-dev")), [""; 0]);
    assert_eq!(world.refusals(&delete("billing-dev")).len(), 1);
    assert_eq!(
        World::default().refusals(&delete("billing-dev")).len(),
        1,
        "also once its cluster is gone"
    );
}

#[test]
fn scale_does_not_skip_the_rules() {
    let mut world = World {
        clusters: vec![stored()],
        poolers: vec![orders().pooler("uid-of-orders")],
        ..World::default()
    };
    let scale = |replicas: i64| json!({"kind": "Scale", "spec": {"replicas": replicas}});
    let scaled = |resource, user: &str, name: &str, replicas| {
        let mut request = write(
            resource,
            Operation::Update,
            user,
            Some(&scale(1)),
            Some(&scale(replicas)),
        );
        request.request_name = name.into();
        request
    };
    let cluster = scaled(Resource::ClusterScale, "payments-dev", "daap-orders", 2);
    let violations = world.admit(&cluster).1;
    assert_eq!(
        violations[0].hint,
        "type: kubectl daap update orders -n apps --instances 2"
    );
    let pooler =
        |user: &str, replicas| scaled(Resource::PoolerScale, user, "daap-orders-pooler", replicas);
    assert_eq!(world.refusals(&pooler("payments-dev", 2)), [""; 0]);
    assert_eq!(
        world.refusals(&pooler("payments-dev", 6)),
        ["limits spec.replicas"]
    );
    assert_eq!(
        world.refusals(&pooler("billing-dev", 2)),
        ["ownership metadata.labels[daap.dev/owner-team]"]
    );
    world.clusters = vec![json!({"metadata": {"name": "legacy"}})];
    let foreign = scaled(Resource::ClusterScale, "outsider", "legacy", 2);
    assert_eq!(world.refusals(&foreign), [""; 0]);
}

#[test]
fn an_object_without_an_owner_is_an_administrators() {
    let bare = json!({"metadata": {"name": "daap-old", "namespace": "apps"}, "spec": {"instances": 1, "storage": {"size": "1Gi"}}});
    let adopt = json!({"metadata": {"labels": {"daap.dev/name": "old", "daap.dev/owner-team": "payments", "daap.dev/id": ID}, "annotations": {"daap.dev/purpose": "old"}}});
    let world = World::default();
    assert_eq!(world.refusals(&update("admin", &bare, &adopt)), [""; 0]);
    assert_eq!(
        world.refusals(&update("payments-dev", &bare, &adopt)),
        ["administrator metadata.labels[daap.dev/owner-team]"]
    );
    let delete = write(
        Resource::Cluster,
        Operation::Delete,
        "admin",
        Some(&bare),
        None,
    );
    assert_eq!(world.refusals(&delete), [""; 0]);
}
