use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Something that a rule has to know of the world.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// May the caller `own` the team in the namespace? Answered by [`Answer::Access`].
    MayOwn {
        /// Namespace of the database.
        namespace: String,
        /// Name of the team, as it stands in the label.
        team: String,
    },
    /// May the caller `administer` daap's policies? Answered by [`Answer::Access`].
    MayAdminister {
        /// Namespace of the database.
        namespace: String,
    },
    /// The Cluster of that name. Answered by [`Answer::Object`].
    Cluster {
        /// Namespace.
        namespace: String,
        /// Name of the Cluster.
        name: String,
    },
    /// The Pooler of that name. Answered by [`Answer::Object`].
    Pooler {
        /// Namespace.
        namespace: String,
        /// Name of the Pooler.
        name: String,
    },
    /// The tombstone (a `ConfigMap` with `daap.dev/deleted=true`) of that id. Answered by
    /// [`Answer::Object`].
    Tombstone {
        /// Namespace.
        namespace: String,
        /// Value of its label `daap.dev/id`.
        id: String,
    },
    /// Every tombstone of the databases whose Cluster has, or had, that name. Answered by
    /// [`Answer::Objects`]; metadata is enough.
    TombstonesOfCluster {
        /// Namespace.
        namespace: String,
        /// Name of the Cluster.
        cluster: String,
    },
    /// Every Cluster with that `daap.dev/id`: an id belongs to one database. Answered by
    /// [`Answer::Objects`]; metadata is enough.
    ClustersWithId {
        /// Namespace.
        namespace: String,
        /// Value of the label `daap.dev/id`.
        id: String,
    },
    /// `PersistentVolumeClaims` with an owner reference of that uid. Answered by
    /// [`Answer::Objects`]; metadata is enough.
    VolumesOwnedBy {
        /// Namespace.
        namespace: String,
        /// `metadata.uid` of the owner.
        uid: String,
    },
    /// What CNPG would adopt or trust under the names of a Cluster: `PersistentVolumeClaims`
    /// `{cluster}-N` (also `{cluster}-N-wal` and the like) and the Secrets `{cluster}-app`, `-ca`,
    /// `-server`, `-replication`, `-superuser`, `-pooler`. Answered by [`Answer::Objects`] with
    /// `kind` and metadata.
    UnderNames {
        /// Namespace.
        namespace: String,
        /// Name of the Cluster.
        cluster: String,
    },
    /// What names a Cluster in `spec.cluster.name`: Poolers, by any name, and dependents
    /// ([`super::Resource::DEPENDENTS`]). Answered by [`Answer::Objects`] with `kind` and metadata.
    Naming {
        /// Namespace.
        namespace: String,
        /// Name of the Cluster.
        cluster: String,
    },
}

/// What the authorizer said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whether it is allowed. An error counts as no.
    pub allowed: bool,
    /// The authorizer's reason: which binding decides.
    pub reason: String,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To a question about rights.
    Access(Access),
    /// To a question about one object: none where it does not exist.
    Object(Option<Value>),
    /// To a question about several.
    Objects(Vec<Value>),
}

/// Questions that have to be answered before there can be a verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unanswered(pub BTreeSet<Question>);

impl From<Question> for Unanswered {
    fn from(question: Question) -> Self {
        Self(BTreeSet::from([question]))
    }
}

/// What is known of the world so far.
#[derive(Clone, Debug, Default)]
pub struct Facts(BTreeMap<Question, Answer>);

impl Facts {
    /// Takes down an answer.
    pub fn learn(&mut self, question: Question, answer: Answer) {
        self.0.insert(question, answer);
    }

    /// Whether the caller may act for `team` in `namespace`.
    pub(crate) fn may_own(&self, namespace: &str, team: &str) -> Result<bool, Unanswered> {
        let question = Question::MayOwn {
            namespace: namespace.to_owned(),
            team: team.to_owned(),
        };
        self.access(question)
    }

    /// Whether the caller is an administrator.
    pub(crate) fn may_administer(&self, namespace: &str) -> Result<bool, Unanswered> {
        self.access(Question::MayAdminister {
            namespace: namespace.to_owned(),
        })
    }

    fn access(&self, question: Question) -> Result<bool, Unanswered> {
        match self.0.get(&question) {
            Some(Answer::Access(access)) => Ok(access.allowed),
            // An answer of another shape is no answer to rely on.
            Some(_) => Ok(false),
            None => Err(question.into()),
        }
    }

    /// One object, by the question that asks for it.
    pub(crate) fn object(&self, question: Question) -> Result<Option<&Value>, Unanswered> {
        match self.0.get(&question) {
            Some(Answer::Object(object)) => Ok(object.as_ref()),
            Some(_) => Ok(None),
            None => Err(question.into()),
        }
    }

    /// Several objects, by the question that asks for them.
    pub(crate) fn objects(&self, question: Question) -> Result<&[Value], Unanswered> {
        match self.0.get(&question) {
            Some(Answer::Objects(objects)) => Ok(objects),
            Some(_) => Ok(&[]),
            None => Err(question.into()),
        }
    }
}
