//! One table for each rule: who writes what, and which rules refuse it.
//!
//! The world is a [`World`]: it answers the questions as an API server would, so that each test
//! runs mutate and judge as the webhook does.

mod dependents;
mod fields;
mod metadata;
mod ownership;
mod poolers;
mod record;
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
    naming: Vec<Value>,
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
        Question::Naming { .. } => Answer::Objects(world.naming.clone()),
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

fn pooler_write(
    operation: Operation,
    user: &str,
    old: Option<&Value>,
    new: Option<&Value>,
) -> Write {
    write(Resource::Pooler, operation, user, old, new)
}
