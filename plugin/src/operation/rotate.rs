//! A new password: in the Secret, from where the operator takes it over to `PostgreSQL`, and proven by
//! logging in.
//!
//! The Secret itself says what is unfinished, by the same write that changes the password: so whoever
//! finishes it knows that there is a new one already, and needs no right beside those on the Secret.

mod password;
mod readers;
mod secret;

use std::fmt;

use daap_crds::contract::annotation;
use daap_crds::names::DatabaseName;
use daap_crds::object::{View, map_at, set_annotation};
use daap_crds::pending::{OperationName, Pending};
use futures::future::try_join;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::{Next, Operation};
use crate::database::decode;
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes, Right, annotate};
use crate::login::Answer;
pub(crate) use readers::{Reader, readers};

/// What a rotation does; a proof needs a port-forward.
pub(crate) const RIGHTS: [Right; 7] = [
    Right::to("get", Kind::Cluster),
    Right::to("get", Kind::Pooler),
    Right::to("get", Kind::Secret),
    Right::to("patch", Kind::Secret),
    Right::to("list", Kind::Pod),
    Right::to("get", Kind::PortForward),
    // Which a newer API server asks for a WebSocket, too.
    Right::to("create", Kind::PortForward),
];

/// Where passwords are tried.
pub(crate) trait Door {
    /// Logs in with this password.
    async fn knock(&self, password: &SecretString) -> Result<Answer, Failure>;
}

/// The steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    SetPassword,
    Prove,
    TryOld,
    Finish,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::SetPassword => "writing a new password into the Secret",
            Self::Prove => "logging in with the new password",
            Self::TryOld => "making sure that the old password is refused",
            Self::Finish => "finishing the Secret",
        })
    }
}

/// What is known before each step.
pub(crate) struct World {
    cluster: Option<Value>,
    secret: Option<Value>,
}

/// The operation.
pub(crate) struct Rotate<D> {
    k8s: Kubernetes,
    name: DatabaseName,
    door: D,
    /// The password before ours; not known where an earlier run has changed it.
    old: Option<SecretString>,
    /// The one that a login succeeded with.
    proven: Option<SecretString>,
    /// Whether the old one was refused.
    pub(crate) old_refused: bool,
    /// When the rotation was begun that an earlier run left.
    pub(crate) resumed: Option<Timestamp>,
    begun: bool,
}

impl<D: Door> Rotate<D> {
    pub(crate) fn new(k8s: Kubernetes, name: DatabaseName, door: D) -> Self {
        Self {
            k8s,
            name,
            door,
            old: None,
            proven: None,
            old_refused: false,
            resumed: None,
            begun: false,
        }
    }

    fn refuse(&self, cluster: View<'_>) -> Result<(), Failure> {
        let pending = cluster
            .annotation(annotation::PENDING)
            .and_then(Pending::parse);
        let deleted = pending.is_some_and(|pending| pending.operation == OperationName::Delete);
        if cluster.is_being_deleted() || deleted {
            return Err(Failure::new(format!(
                "database/{} is being deleted",
                self.name
            )));
        }
        Ok(())
    }

    async fn set(&mut self, secret: &Value) -> Result<Value, Failure> {
        self.old = Some(password(secret)?);
        let patch = new_password(secret)?;
        self.begun = true;
        let name = self.name.app_secret();
        self.k8s.merge(Kind::Secret, &name, &patch).await
    }

    async fn knock(&self, password: &SecretString) -> Result<Answer, Failure> {
        self.door.knock(password).await
    }
}

/// The patch that gives the Secret a new password. Somebody else's change since our look makes it a
/// conflict, and we look again.
pub(crate) fn new_password(secret: &Value) -> Result<Value, Failure> {
    let mut patch = json!({"data": secret::with_password(View(secret), &password::new()?)?});
    let pending = Pending {
        operation: OperationName::Rotate,
        step: "prove".into(),
        since: Timestamp::now(),
        error: None,
    };
    set_annotation(&mut patch, annotation::PENDING, pending.to_annotation());
    let version = View(secret).at("/metadata/resourceVersion").cloned();
    map_at(&mut patch, &["metadata"])
        .insert("resourceVersion".into(), version.unwrap_or(Value::Null));
    Ok(patch)
}

/// Since when a rotation of this Secret is unfinished.
pub(crate) fn unfinished_since(secret: View<'_>) -> Option<Timestamp> {
    secret
        .annotation(annotation::PENDING)
        .and_then(Pending::parse)
        .filter(|pending| pending.operation == OperationName::Rotate)
        .map(|pending| pending.since)
}

fn password(secret: &Value) -> Result<SecretString, Failure> {
    decode(secret, View(secret).name(), "password").map(SecretString::from)
}

fn same(one: Option<&SecretString>, other: &SecretString) -> bool {
    one.is_some_and(|one| one.expose_secret() == other.expose_secret())
}

impl<D: Door> Operation for Rotate<D> {
    type World = World;
    type Step = Step;

    async fn observe(&self) -> Result<World, Failure> {
        let (cluster_name, secret_name) = (self.name.cluster(), self.name.app_secret());
        let (cluster, secret) = try_join(
            self.k8s.get(Kind::Cluster, &cluster_name),
            self.k8s.get(Kind::Secret, &secret_name),
        )
        .await?;
        Ok(World { cluster, secret })
    }

    fn next(&mut self, world: &World) -> Result<Next<Step>, Failure> {
        let Some(cluster) = world.cluster.as_ref().map(View) else {
            return Err(crate::commands::not_found(&self.name, &self.k8s));
        };
        self.refuse(cluster)?;
        let Some(secret) = &world.secret else {
            return Err(Failure::new(format!(
                "Secret {} does not exist in namespace {}",
                self.name.app_secret(),
                self.k8s.namespace()
            ))
            .hint("the operator makes it; see whether it runs"));
        };
        let is_proven = same(self.proven.as_ref(), &password(secret)?);
        let since = unfinished_since(View(secret));
        let Some(since) = since else {
            return Ok(if is_proven {
                Next::Done
            } else {
                Next::Do(Step::SetPassword)
            });
        };
        if !self.begun && self.resumed.is_none() {
            self.resumed = Some(since);
        }
        Ok(Next::Do(if !is_proven {
            Step::Prove
        } else if self.old.is_some() && !self.old_refused {
            Step::TryOld
        } else {
            Step::Finish
        }))
    }

    async fn perform(&mut self, step: Step, mut world: World) -> Result<Option<World>, Failure> {
        let Some(secret) = &world.secret else {
            return Ok(None);
        };
        match step {
            Step::SetPassword => world.secret = Some(self.set(secret).await?),
            Step::Prove => {
                let new = password(secret)?;
                match self.knock(&new).await? {
                    Answer::Accepted => self.proven = Some(new),
                    Answer::Refused => {
                        return Err(
                            Failure::new("PostgreSQL has yet to take the new password").transient()
                        );
                    }
                }
                // Logging in takes its time: somebody else may have set another meanwhile.
                return Ok(None);
            }
            Step::TryOld => {
                let Some(old) = &self.old else {
                    return Ok(None);
                };
                match self.knock(old).await? {
                    Answer::Refused => self.old_refused = true,
                    Answer::Accepted => {
                        return Err(Failure::new("the old password is still accepted").transient());
                    }
                }
                return Ok(None);
            }
            Step::Finish => {
                let mut patch = annotate(&[(annotation::PENDING, Value::Null)]);
                let version = View(secret).at("/metadata/resourceVersion").cloned();
                map_at(&mut patch, &["metadata"])
                    .insert("resourceVersion".into(), version.unwrap_or(Value::Null));
                let name = self.name.app_secret();
                let finished = self.k8s.merge(Kind::Secret, &name, &patch).await?;
                world.secret = Some(finished);
            }
        }
        Ok(Some(world))
    }

    async fn stop(&mut self, failure: Failure) -> Failure {
        failure.context(format!("the password of database/{}", self.name))
    }

    fn not_yet(&self) -> String {
        format!("the new password of database/{} is not in force", self.name)
    }

    fn unfinished(&self) -> String {
        format!(
            "a Secret that has the new password keeps it, and PostgreSQL takes it over as soon as the operator works; the same command finishes it: kubectl daap credentials rotate {} -n {}",
            self.name,
            self.k8s.namespace()
        )
    }
}
