//! A model of the API server: one Cluster, the tombstones, and admission before every write.

use daap_crds::admission::{
    Access, Answer, Caller, Facts, Operation, Question, Resource, Unanswered, Write, judge, mutate,
};
use daap_crds::contract::{annotation, label};
use daap_crds::history::{History, Row, Tracked};
use daap_crds::names::{DatabaseId, DatabaseName};
use daap_crds::object::{View, map_at, remove_annotation, set_annotation, set_label};
use daap_crds::pending::{OperationName, Pending};
use daap_crds::policy::Policy;
use daap_crds::tombstone::{Deletion, Stage, Tombstone};
use daap_crds::violation::{Rule, Violation};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

use crate::deed::{Deed, Fields, What};

/// What there is.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) cluster: Option<Value>,
    pub(crate) tombstones: Vec<Value>,
    /// Earlier states of the Cluster that somebody may have read.
    read: Vec<Value>,
    /// Every version that was ever seen of a database.
    pub(crate) seen: BTreeMap<String, BTreeMap<u64, Row>>,
    /// What the invariants have held of.
    pub(crate) held: Vec<Value>,
    made: u128,
    /// Whether the volumes belong to no Cluster.
    detached: bool,
}

impl Default for World {
    fn default() -> Self {
        Self {
            now: "2026-11-21T08:00:00Z".parse().unwrap(),
            cluster: None,
            tombstones: Vec::new(),
            read: Vec::new(),
            seen: BTreeMap::new(),
            held: Vec::new(),
            made: 0,
            detached: false,
        }
    }
}

pub(crate) fn id(object: &Value) -> &str {
    View(object).label(label::ID).unwrap_or_default()
}

fn name() -> DatabaseName {
    DatabaseName::parse("orders").unwrap()
}

impl World {
    pub(crate) fn perform(&mut self, deed: &Deed) {
        // No two operations of the plugin begin at the same nanosecond.
        self.now += SignedDuration::from_millis(deed.pause) + SignedDuration::from_nanos(1);
        let before = self.cluster.clone();
        match &deed.what {
            What::BeginDelete
            | What::Change(_)
            | What::Touch
            | What::RollBack(_)
            | What::FinishRollback
            | What::Replace(..)
            | What::Forge(_) => {
                // What is sent was worked out once; that it is sent again changes nothing of it.
                let Some(wanted) = before.and_then(|cluster| self.edited(cluster, deed)) else {
                    return;
                };
                for _ in 0..deed.times {
                    self.admit(Operation::Update, Some(&wanted), deed);
                }
            }
            What::Create(fields) => {
                self.made += 1;
                let id = uuid(self.made);
                let mut new = json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
                    "metadata": {"name": "daap-orders", "namespace": "apps"},
                    "spec": {"instances": 1, "storage": {"size": "1Gi"}}});
                set_label(&mut new, label::NAME, "orders");
                set_label(&mut new, label::OWNER_TEAM, "payments");
                set_label(&mut new, label::ID, id);
                set_annotation(&mut new, annotation::PURPOSE, "order intake");
                write_fields(&mut new, fields);
                reason(&mut new, deed.reason.as_deref());
                // A name whose data is kept is not given away.
                if self
                    .tombstones
                    .iter()
                    .all(|map| stage(map) == Some(Stage::Purged))
                {
                    self.admit(Operation::Create, Some(&new), deed);
                }
            }
            What::Restore => self.restore(deed),
            What::Delete => {
                for what in [
                    What::BeginDelete,
                    What::WriteTombstone,
                    What::Detach,
                    What::RemoveCluster,
                ] {
                    self.perform(&Deed {
                        what,
                        ..deed.clone()
                    });
                }
            }
            What::WriteTombstone => self.write_tombstone(deed),
            What::Detach => self.move_on(Stage::Detached),
            What::RemoveCluster => self.admit(Operation::Delete, None, deed),
            What::AbortDelete => self.abort(deed),
            What::RemoveTombstone => {
                let lives = self.cluster.as_ref().map(id).map(str::to_owned);
                let restoring = self
                    .cluster
                    .as_ref()
                    .is_some_and(|cluster| !is_deleting(cluster));
                self.tombstones
                    .retain(|map| !(restoring && Some(id(map)) == lives.as_deref()));
            }
        }
    }

    /// The Cluster as the writer wants it.
    fn edited(&self, mut cluster: Value, deed: &Deed) -> Option<Value> {
        match &deed.what {
            What::Change(fields) => {
                write_fields(&mut cluster, fields);
                reason(&mut cluster, deed.reason.as_deref());
            }
            What::Touch => set_annotation(&mut cluster, "example.com/note", self.now.to_string()),
            What::RollBack(index) => {
                let history = history(&cluster)?;
                let versions = history.versions();
                let to = &versions.get(index.index(versions.len()))?.record;
                write_record(&mut cluster, to);
                reason(&mut cluster, deed.reason.as_deref());
                self.pend(&mut cluster, OperationName::Rollback);
            }
            What::FinishRollback if !is_deleting(&cluster) => {
                remove_annotation(&mut cluster, annotation::PENDING);
            }
            What::Replace(index, fields) => {
                cluster = self.read.get(index.index(self.read.len()))?.clone();
                write_fields(&mut cluster, fields);
            }
            What::Forge(shift) => forge(&mut cluster, *shift),
            What::BeginDelete => self.pend(&mut cluster, OperationName::Delete),
            _ => return None,
        }
        Some(cluster)
    }

    fn pend(&self, cluster: &mut Value, operation: OperationName) {
        let pending = Pending {
            operation,
            step: "next".into(),
            since: self.now,
            error: None,
        };
        set_annotation(cluster, annotation::PENDING, pending.to_annotation());
    }

    /// As `kubectl daap delete` does it: one of an earlier deletion, after which the database came
    /// back, is replaced.
    fn write_tombstone(&mut self, deed: &Deed) {
        let Some(cluster) = self.cluster.as_ref().filter(|cluster| is_deleting(cluster)) else {
            return;
        };
        let lives = version(cluster);
        self.tombstones
            .retain(|map| id(map) != id(cluster) || version(map) > lives);
        if self.tombstones.iter().any(|map| id(map) == id(cluster)) {
            return;
        }
        let deletion = Deletion {
            by: deed.user,
            reason: deed.reason.as_deref(),
            at: self.now,
            retention_days: 30,
        };
        let mut tombstone = Tombstone::of(View(cluster), None, deletion);
        tombstone.retained.volumes.push("daap-orders-1".into());
        let id = DatabaseId::parse(id(cluster)).unwrap();
        let map = tombstone.config_map(View(cluster), &name(), &id, deletion);
        self.tombstones.push(map);
    }

    fn move_on(&mut self, to: Stage) {
        self.detached |= self
            .cluster
            .as_ref()
            .is_some_and(|cluster| self.tombstones.iter().any(|map| id(map) == id(cluster)));
        for map in &mut self.tombstones {
            let mut tombstone = Tombstone::read(View(map)).unwrap();
            if tombstone.stage < to {
                tombstone.stage = to;
                set_annotation(map, annotation::TOMBSTONE, tombstone.to_annotation());
            }
        }
    }

    fn abort(&mut self, deed: &Deed) {
        let Some(mut cluster) = self.cluster.clone().filter(is_deleting) else {
            return;
        };
        self.detached = false;
        remove_annotation(&mut cluster, annotation::PENDING);
        self.admit(Operation::Update, Some(&cluster), deed);
        if self
            .cluster
            .as_ref()
            .is_some_and(|cluster| !is_deleting(cluster))
        {
            let lives = id(&cluster).to_owned();
            self.tombstones.retain(|map| id(map) != lives);
        }
    }

    fn restore(&mut self, deed: &Deed) {
        let Some(map) = self
            .tombstones
            .last()
            .filter(|map| stage(map) != Some(Stage::Purged))
        else {
            return;
        };
        let Some(mut cluster) = Tombstone::restored_cluster(View(map)) else {
            return;
        };
        self.pend(&mut cluster, OperationName::Restore);
        reason(&mut cluster, deed.reason.as_deref());
        self.admit(Operation::Create, Some(&cluster), deed);
        self.detached &= self.cluster.is_none();
    }

    /// Two passes of mutation, then the verdict, then the store.
    fn admit(&mut self, operation: Operation, wanted: Option<&Value>, deed: &Deed) {
        if (operation == Operation::Create) == self.cluster.is_some() {
            return;
        }
        let mut write = Write {
            resource: Resource::Cluster,
            operation,
            namespace: "apps".into(),
            request_name: "daap-orders".into(),
            object: wanted.cloned(),
            old: self.cluster.clone(),
            caller: Caller {
                user: deed.user.into(),
                ..Caller::default()
            },
            at: self.now,
        };
        if operation != Operation::Delete {
            write.object = Some(self.settle(&write, mutate).object);
            write.at = self.now + SignedDuration::from_millis(deed.passes[0]);
            let again = self.settle(&write, mutate).object;
            // An earlier pass of ours cannot be told from a forgery of it that is seconds old: such a
            // write may be refused. It may not be stored with another history.
            assert!(
                write.object.as_ref() == Some(&again) || brings_stamps(deed),
                "a second pass changes nothing: {again}"
            );
            write.object = Some(again);
            write.at = self.now + SignedDuration::from_millis(deed.passes[1]);
        }
        let violations: Vec<Violation> = self.settle(&write, judge);
        assert!(
            brings_stamps(deed)
                || violations
                    .iter()
                    .all(|violation| violation.rule != Rule::History),
            "what the webhook stamps it accepts: {violations:?}"
        );
        if violations.is_empty() {
            self.cluster = write.object;
            self.read.extend(self.cluster.clone());
        }
    }

    fn settle<T>(
        &self,
        write: &Write,
        decide: impl Fn(&Write, &Policy, &Facts) -> Result<T, Unanswered>,
    ) -> T {
        let mut facts = Facts::default();
        loop {
            match decide(write, &Policy::default(), &facts) {
                Ok(decision) => return decision,
                Err(Unanswered(questions)) => {
                    for question in questions {
                        let answer = self.answer(&question);
                        facts.learn(question, answer);
                    }
                }
            }
        }
    }

    fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::MayOwn { .. } | Question::MayAdminister { .. } => Answer::Access(Access {
                allowed: true,
                reason: String::new(),
            }),
            Question::Cluster { .. } => Answer::Object(self.cluster.clone()),
            Question::Tombstone { id: wanted, .. } => Answer::Object(
                self.tombstones
                    .iter()
                    .find(|map| id(map) == wanted)
                    .cloned(),
            ),
            Question::Pooler { .. } => Answer::Object(None),
            Question::VolumesOwnedBy { .. } if !self.detached => {
                Answer::Objects(vec![json!({"metadata": {"name": "daap-orders-1"}})])
            }
            _ => Answer::Objects(Vec::new()),
        }
    }
}

fn brings_stamps(deed: &Deed) -> bool {
    matches!(deed.what, What::Forge(_) | What::Replace(..))
}

fn uuid(number: u128) -> String {
    format!("67e55044-10b1-426f-9247-{number:012x}")
}

fn version(object: &Value) -> u64 {
    history(object).map_or(0, |history| history.version())
}

fn stage(map: &Value) -> Option<Stage> {
    Tombstone::read(View(map)).map(|tombstone| tombstone.stage)
}

fn history(object: &Value) -> Option<History> {
    History::parse(View(object).annotation(annotation::HISTORY)?).ok()
}

fn is_deleting(cluster: &Value) -> bool {
    View(cluster)
        .annotation(annotation::PENDING)
        .and_then(Pending::parse)
        .is_some_and(|pending| pending.operation == OperationName::Delete)
}

fn write_fields(cluster: &mut Value, fields: &Fields) {
    if let Some(team) = fields.team {
        set_label(cluster, label::OWNER_TEAM, team);
    }
    if let Some(purpose) = &fields.purpose {
        set_annotation(cluster, annotation::PURPOSE, purpose);
    }
    if let Some(instances) = fields.instances {
        map_at(cluster, &["spec"]).insert("instances".into(), instances.into());
    }
    if let Some(storage) = fields.storage {
        map_at(cluster, &["spec", "storage"]).insert("size".into(), format!("{storage}Gi").into());
    }
}

fn write_record(cluster: &mut Value, record: &Tracked) {
    set_label(cluster, label::OWNER_TEAM, &record.owner_team);
    set_annotation(cluster, annotation::PURPOSE, &record.purpose);
    map_at(cluster, &["spec"]).insert("instances".into(), record.instances.into());
}

fn reason(cluster: &mut Value, reason: Option<&str>) {
    match reason {
        Some(reason) => set_annotation(cluster, annotation::CHANGE_REASON, reason),
        None => remove_annotation(cluster, annotation::CHANGE_REASON),
    }
}

/// The next version as somebody would have it, and stamps to go with it.
fn forge(cluster: &mut Value, shift: i64) {
    let Some(mut history) = history(cluster) else {
        return;
    };
    if let Some(row) = history.rows.last().cloned() {
        history.rows.push(Row {
            version: row.version + 1,
            from: row.from + SignedDuration::from_millis(shift),
            ..row
        });
    }
    set_annotation(cluster, annotation::HISTORY, history.to_annotation());
    set_annotation(cluster, annotation::VERSION, "1000000");
    set_annotation(cluster, annotation::CREATED_BY, "mallory");
    remove_annotation(cluster, annotation::UPDATED_AT);
    map_at(cluster, &["spec"]).insert("instances".into(), 3.into());
}
