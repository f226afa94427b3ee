//! The questions of admission's rules, answered with the caller's own rights: the rules are the
//! webhook's, and so is the order of question and verdict.

use std::collections::BTreeSet;

use daap_crds::admission::{
    Access, Answer, Facts, Question, Resource, Unanswered, Write, judge, mutate,
};
use daap_crds::contract::{cnpg, label};
use daap_crds::names::{DatabaseId, DatabaseName, Team, is_instance_volume};
use daap_crds::object::{View, map_at};
use daap_crds::policy::Policy;
use daap_crds::violation::Violation;
use serde_json::Value;

use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes};

/// Rules ask what follows from earlier answers. More rounds mean that one never stops asking.
const ROUNDS: usize = 8;

/// What the authorizer said to a question about a team, or about administrators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ruling {
    /// As in `own teams.daap.dev/payments`.
    pub(super) right: String,
    pub(super) access: Access,
}

/// Judges writes before they are tried.
pub(super) struct Judge<'a> {
    k8s: &'a Kubernetes,
    policy: Policy,
    facts: Facts,
    /// Every answer about a team, in the order of the questions.
    pub(super) rulings: Vec<Ruling>,
    /// What the caller may not look at, so that a rule is not judged in full.
    pub(super) unseen: BTreeSet<String>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(k8s: &'a Kubernetes, policy: Policy) -> Self {
        Self {
            k8s,
            policy,
            facts: Facts::default(),
            rulings: Vec::new(),
            unseen: BTreeSet::new(),
        }
    }

    /// What the webhook would say against the write.
    pub(super) async fn judge(&mut self, mut write: Write) -> Result<Vec<Violation>, Failure> {
        for _ in 0..ROUNDS {
            let verdict = self.look(&mut write);
            match verdict {
                Ok(violations) => return Ok(violations),
                Err(Unanswered(questions)) => {
                    for question in questions {
                        let answer = self.answer(&question).await?;
                        self.facts.learn(question, answer);
                    }
                }
            }
        }
        Err(
            Failure::new("the rules of admission did not come to a verdict")
                .hint("this is an error of kubectl daap: report it"),
        )
    }

    /// First the half that completes a write, as the API server asks it first.
    fn look(&self, write: &mut Write) -> Result<Vec<Violation>, Unanswered> {
        if write.object.is_some() {
            let completed = mutate(write, &self.policy, &self.facts)?;
            write.object = Some(completed.object);
        }
        judge(write, &self.policy, &self.facts)
    }

    async fn answer(&mut self, question: &Question) -> Result<Answer, Failure> {
        let k8s = self.k8s;
        let found = match question {
            Question::MayOwn { team, .. } => return self.may_own(team).await,
            Question::MayAdminister { .. } => return self.may_administer().await,
            Question::Cluster { name, .. } => {
                k8s.get(Kind::Cluster, name).await.map(Answer::Object)
            }
            Question::Pooler { name, .. } => k8s.get(Kind::Pooler, name).await.map(Answer::Object),
            Question::Tombstone { id, .. } => self.tombstone(id).await,
            Question::TombstonesOfCluster { cluster, .. } => self.tombstones_of(cluster).await,
            Question::ClustersWithId { id, .. } => self.clusters_with(id).await,
            Question::VolumesOwnedBy { uid, .. } => {
                let owned = self.volumes(|volume| volume.is_owned_by(uid)).await;
                owned.map(Answer::Objects)
            }
            Question::UnderNames { cluster, .. } => self.under_names(cluster).await,
            Question::Naming { cluster, .. } => self.naming(cluster).await,
        };
        match found {
            Err(failure) if failure.classification() == Class::Forbidden => {
                self.unseen.insert(failure.to_string());
                Ok(nothing(question))
            }
            answer => answer,
        }
    }

    async fn may_own(&mut self, team: &str) -> Result<Answer, Failure> {
        // An empty name would ask for the right to every team.
        let Ok(team) = Team::parse(team) else {
            return Ok(refused());
        };
        let access = self.k8s.ownership(&team).await?;
        Ok(self.ruled(format!("own teams.daap.dev/{team}"), access))
    }

    async fn may_administer(&mut self) -> Result<Answer, Failure> {
        let access = self.k8s.administration().await?;
        Ok(self.ruled("administer policies.daap.dev".to_owned(), access))
    }

    fn ruled(&mut self, right: String, access: Access) -> Answer {
        self.rulings.push(Ruling {
            right,
            access: access.clone(),
        });
        Answer::Access(access)
    }

    async fn tombstone(&self, id: &str) -> Result<Answer, Failure> {
        // What is no id would be a selector of somebody's own making.
        let Ok(id) = DatabaseId::parse(id) else {
            return Ok(Answer::Object(None));
        };
        let selector = format!("{}={id},{}=true", label::ID, label::DELETED);
        let mut found = self.k8s.list(Kind::ConfigMap, &selector).await?;
        Ok(Answer::Object(found.pop()))
    }

    async fn tombstones_of(&self, cluster: &str) -> Result<Answer, Failure> {
        let selector = format!("{}=true", label::DELETED);
        let mut found = self.k8s.list(Kind::ConfigMap, &selector).await?;
        found.retain(|tombstone| {
            let name = View(tombstone).label(label::NAME).unwrap_or_default();
            DatabaseName::parse(name).is_ok_and(|name| name.cluster() == cluster)
        });
        Ok(Answer::Objects(found))
    }

    async fn clusters_with(&self, id: &str) -> Result<Answer, Failure> {
        let Ok(id) = DatabaseId::parse(id) else {
            return Ok(Answer::Objects(Vec::new()));
        };
        let selector = format!("{}={id}", label::ID);
        Ok(Answer::Objects(
            self.k8s.list(Kind::Cluster, &selector).await?,
        ))
    }

    async fn volumes(&self, wanted: impl Fn(View<'_>) -> bool) -> Result<Vec<Value>, Failure> {
        let mut found = self.k8s.list(Kind::Volume, "").await?;
        found.retain(|volume| wanted(View(volume)));
        Ok(of_kind("PersistentVolumeClaim", found))
    }

    async fn under_names(&self, cluster: &str) -> Result<Answer, Failure> {
        let mut found = self
            .volumes(|volume| is_instance_volume(volume.name(), cluster))
            .await?;
        for suffix in cnpg::TRUSTED_SECRETS {
            let name = format!("{cluster}-{suffix}");
            let secret = self.k8s.get_metadata(Kind::Secret, &name).await?;
            found.extend(of_kind("Secret", secret.into_iter().collect()));
        }
        Ok(Answer::Objects(found))
    }

    async fn naming(&self, cluster: &str) -> Result<Answer, Failure> {
        let mut naming = Vec::new();
        for kind in self.k8s.served(&Kind::NAMING).await? {
            let mut found = self.k8s.list(kind, "").await?;
            found.retain(|object| View(object).text("/spec/cluster/name") == Some(cluster));
            let resource = Resource::of(cnpg::GROUP, kind.plural());
            naming.extend(of_kind(resource.map_or("", Resource::kind), found));
        }
        Ok(Answer::Objects(naming))
    }
}

/// The items of a list name no kind.
fn of_kind(kind: &str, mut objects: Vec<Value>) -> Vec<Value> {
    for object in &mut objects {
        map_at(object, &[]).insert("kind".into(), kind.into());
    }
    objects
}

fn refused() -> Answer {
    Answer::Access(Access {
        allowed: false,
        reason: String::new(),
    })
}

/// The answer of an empty namespace: what cannot be seen is told, and not held against anybody.
fn nothing(question: &Question) -> Answer {
    match question {
        Question::MayOwn { .. } | Question::MayAdminister { .. } => refused(),
        Question::Cluster { .. } | Question::Pooler { .. } | Question::Tombstone { .. } => {
            Answer::Object(None)
        }
        Question::TombstonesOfCluster { .. }
        | Question::ClustersWithId { .. }
        | Question::VolumesOwnedBy { .. }
        | Question::UnderNames { .. }
        | Question::Naming { .. } => Answer::Objects(Vec::new()),
    }
}
