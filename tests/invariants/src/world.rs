//! The namespace `apps` as the entry points know it: a live database `orders` of team payments, and
//! a deleted one, `archive`.

use std::sync::LazyLock;

use daap_crds::admission::{Access, Answer, Caller, Facts, Operation, Question, Resource, Write};
use daap_crds::admission::{Unanswered, mutate};
use daap_crds::contract::label;
use daap_crds::desired::Desired;
use daap_crds::names::{DatabaseId, DatabaseName, Team};
use daap_crds::object::View;
use daap_crds::policy::Policy;
use daap_crds::purpose::Purpose;
use daap_crds::tombstone::{Deletion, Retained, Stage, Tombstone};
use daap_webhook::{Lookup, LookupError};
use futures::future::{BoxFuture, FutureExt};
use serde_json::{Value, json};

pub(crate) const NAMESPACE: &str = "apps";
const ORDERS_ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";
const ARCHIVE_ID: &str = "1b4e28ba-2fa1-4d2a-8f3c-b9a1f0f5c0de";
const ORDERS_UID: &str = "0b3b1c7a-5f0e-4a86-9d53-2e4c8a3b7d11";

/// Answers from [`World`]. `payments-dev` owns payments, `admin` administers, and for `nobody` there
/// is no answer at all.
pub(crate) struct Table;

/// What is there.
pub(crate) struct World {
    pub(crate) cluster: Value,
    pub(crate) pooler: Value,
    pub(crate) tombstone: Value,
    pub(crate) volume: Value,
    pub(crate) secret: Value,
}

/// The one world.
pub(crate) static WORLD: LazyLock<World> = LazyLock::new(World::make);

fn desired(name: &str, id: &str) -> Desired {
    Desired::smallest(
        DatabaseName::parse(name).unwrap(),
        NAMESPACE,
        Team::parse("payments").unwrap(),
        Purpose::parse("for a test").unwrap(),
        DatabaseId::parse(id).unwrap(),
    )
}

/// A Cluster as the webhook stores it.
fn stored(desired: &Desired) -> Value {
    let write = Write {
        resource: Resource::Cluster,
        operation: Operation::Create,
        namespace: NAMESPACE.into(),
        request_name: String::new(),
        object: Some(desired.cluster()),
        old: None,
        caller: Caller {
            user: "payments-dev".into(),
            ..Caller::default()
        },
        at: "2026-01-01T00:00:00Z".parse().unwrap(),
    };
    let mut facts = Facts::default();
    loop {
        match mutate(&write, &Policy::default(), &facts) {
            Ok(mutation) => {
                let mut cluster = mutation.object;
                cluster["metadata"]["uid"] = ORDERS_UID.into();
                return cluster;
            }
            Err(Unanswered(questions)) => {
                for question in questions {
                    facts.learn(question, Answer::Object(None));
                }
            }
        }
    }
}

impl World {
    fn make() -> Self {
        let orders = desired("orders", ORDERS_ID);
        let archive = desired("archive", ARCHIVE_ID);
        let metadata = |name: &str| {
            json!({"name": name, "namespace": NAMESPACE, "labels": {
                label::ID: ARCHIVE_ID, label::NAME: "archive", label::OWNER_TEAM: "payments"}})
        };
        Self {
            cluster: stored(&orders),
            pooler: orders.pooler(ORDERS_UID),
            tombstone: tombstone_of(&archive),
            volume: json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": metadata("daap-archive-1"), "spec": {"resources": {"requests": {"storage": "1Gi"}}}}),
            secret: json!({"apiVersion": "v1", "kind": "Secret",
                "metadata": metadata("daap-archive-app"), "data": {"password": "c2VjcmV0"}}),
        }
    }
}

fn tombstone_of(archive: &Desired) -> Value {
    let cluster = stored(archive);
    let deletion = Deletion {
        by: "payments-dev",
        reason: None,
        at: "2026-01-02T00:00:00Z".parse().unwrap(),
        retention_days: 30,
    };
    let mut tombstone = Tombstone::of(View(&cluster), None, deletion);
    tombstone.stage = Stage::Complete;
    tombstone.retained = Retained {
        volumes: vec!["daap-archive-1".into()],
        secrets: vec!["daap-archive-app".into()],
        ..Retained::default()
    };
    tombstone.config_map(View(&cluster), &archive.name, &archive.id, deletion)
}

fn one(found: bool, object: &Value) -> Answer {
    Answer::Object(found.then(|| object.clone()))
}

fn all(found: bool, objects: &[&Value]) -> Answer {
    let objects = objects.iter().filter(|_| found);
    Answer::Objects(objects.map(|object| (*object).clone()).collect())
}

fn access(allowed: bool) -> Answer {
    Answer::Access(Access {
        allowed,
        reason: String::new(),
    })
}

impl Lookup for Table {
    fn answer<'a>(
        &'a self,
        caller: &'a Caller,
        question: &'a Question,
    ) -> BoxFuture<'a, Result<Answer, LookupError>> {
        let world = &*WORLD;
        let user = &caller.user;
        let answer = match question {
            Question::MayOwn { team, .. } => access(*user == format!("{team}-dev")),
            Question::MayAdminister { .. } => access(user == "admin"),
            Question::Cluster { name, .. } => one(name == "daap-orders", &world.cluster),
            Question::Pooler { name, .. } => one(name == "daap-orders-pooler", &world.pooler),
            Question::Tombstone { id, .. } => one(id == ARCHIVE_ID, &world.tombstone),
            Question::TombstonesOfCluster { cluster, .. } => {
                all(cluster == "daap-archive", &[&world.tombstone])
            }
            Question::ClustersWithId { id, .. } => all(id == ORDERS_ID, &[&world.cluster]),
            Question::VolumesOwnedBy { .. } | Question::Naming { .. } => {
                Answer::Objects(Vec::new())
            }
            Question::UnderNames { cluster, .. } => {
                all(cluster == "daap-archive", &[&world.volume, &world.secret])
            }
        };
        let silent = user == "nobody";
        async move {
            if silent {
                return Err(LookupError::TimedOut("subjectaccessreviews"));
            }
            Ok(answer)
        }
        .boxed()
    }
}
