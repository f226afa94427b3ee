//! Giving a database to another team: offered by its owner, accepted by the team that receives it.

use std::fmt;

use daap_crds::contract::{annotation, label};
use daap_crds::names::{DatabaseName, Team};
use daap_crds::object::{View, map_at, set_annotation};
use daap_crds::pending::{OperationName, Pending};
use jiff::Timestamp;
use serde_json::Value;

use super::pair::{self, Pair};
use super::{Changes, Next, Operation, stamps};
use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes, annotate};

/// Which half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    /// By the owner, for a team that the caller need not own.
    Offer(Team),
    /// By who owns both teams: nobody has to accept.
    Move(Team),
    /// By the team that it was offered to.
    Accept,
    /// By the owner: nobody may accept any more.
    Cancel,
}

/// The steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Offer,
    Withdraw,
    ChangeTeam,
    Stamp,
    LabelPooler,
    Finish,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Offer => "offering it",
            Self::Withdraw => "withdrawing the offer",
            Self::ChangeTeam => "changing the owner team",
            Self::Stamp => "writing the history",
            Self::LabelPooler => "labelling the pooler",
            Self::Finish => "finishing the record",
        })
    }
}

/// The operation.
pub(crate) struct Transfer {
    k8s: Kubernetes,
    name: DatabaseName,
    half: Half,
    reason: Option<String>,
    /// Whether anything was written.
    pub(crate) changed: bool,
    stamped: bool,
}

impl Transfer {
    pub(crate) fn new(
        k8s: Kubernetes,
        name: DatabaseName,
        half: Half,
        reason: Option<String>,
    ) -> Self {
        Self {
            k8s,
            name,
            half,
            reason,
            changed: false,
            stamped: false,
        }
    }

    /// What a step patches; none where it is not ours to write but the webhook's.
    fn write(
        &self,
        step: Step,
        cluster: View<'_>,
    ) -> Result<Option<(Kind, String, Value)>, Failure> {
        let patch = match step {
            Step::Stamp => return Ok(None),
            Step::Offer | Step::Withdraw => {
                let to = match &self.half {
                    Half::Offer(team) => team.as_str().into(),
                    _ => Value::Null,
                };
                annotate(&[(annotation::OFFERED_TO, to)])
            }
            Step::ChangeTeam => self.change_team(cluster)?,
            Step::LabelPooler => {
                let patch = pair::team_of(cluster);
                return Ok(Some((Kind::Pooler, self.name.pooler(), patch)));
            }
            Step::Finish => annotate(&[(annotation::PENDING, Value::Null)]),
        };
        Ok(Some((Kind::Cluster, cluster.name().to_owned(), patch)))
    }

    fn begin(&self, cluster: View<'_>) -> Result<Next<Step>, Failure> {
        let (name, namespace) = (&self.name, self.k8s.namespace());
        let owner = cluster.label(label::OWNER_TEAM).unwrap_or_default();
        let offered = cluster.annotation(annotation::OFFERED_TO);
        match &self.half {
            Half::Offer(team) | Half::Move(team) if team.as_str() == owner && !self.changed => Err(
                Failure::new(format!("team '{owner}' owns database/{name} already")),
            ),
            Half::Offer(team) if offered == Some(team.as_str()) => Ok(Next::Done),
            Half::Offer(_) => Ok(Next::Do(Step::Offer)),
            Half::Move(team) if team.as_str() != owner => Ok(Next::Do(Step::ChangeTeam)),
            Half::Accept if offered.is_some() => Ok(Next::Do(Step::ChangeTeam)),
            Half::Cancel if offered.is_some() => Ok(Next::Do(Step::Withdraw)),
            Half::Accept | Half::Cancel if !self.changed => Err(Failure::new(format!(
                "database/{name} of team '{owner}' is offered to nobody"
            ))
            .hint(format!(
                "its owner offers it with `kubectl daap transfer {name} --to TEAM -n {namespace}`"
            ))),
            Half::Move(_) | Half::Accept | Half::Cancel => Ok(Next::Done),
        }
    }

    fn change_team(&self, cluster: View<'_>) -> Result<Value, Failure> {
        let offered = cluster.annotation(annotation::OFFERED_TO);
        let team = match &self.half {
            Half::Move(team) => team.clone(),
            _ => Team::parse(offered.unwrap_or_default()).map_err(|error| {
                Failure::new(format!("{}: {error}", annotation::OFFERED_TO))
                    .hint("let its owner withdraw the offer and make another")
            })?,
        };
        let changes = Changes {
            team: Some(team),
            reason: self.reason.clone(),
            ..Changes::default()
        };
        let mut patch = changes.patch(&self.name, cluster.0);
        let pending = Pending {
            operation: OperationName::Transfer,
            step: "finish".into(),
            since: Timestamp::now(),
            error: None,
        };
        set_annotation(&mut patch, annotation::PENDING, pending.to_annotation());
        if offered.is_some() {
            map_at(&mut patch, &["metadata", "annotations"])
                .insert(annotation::OFFERED_TO.into(), Value::Null);
        }
        // Somebody else's change since our look makes this a conflict, and we look again: a
        // withdrawn offer is not accepted.
        map_at(&mut patch, &["metadata"]).insert(
            "resourceVersion".into(),
            cluster
                .text("/metadata/resourceVersion")
                .unwrap_or_default()
                .into(),
        );
        Ok(patch)
    }

    fn refuse(&self, cluster: View<'_>, pending: Option<&Pending>) -> Result<(), Failure> {
        let name = &self.name;
        if cluster.is_being_deleted() {
            return Err(Failure::new(format!("database/{name} is being deleted")));
        }
        match pending {
            Some(pending) if pending.operation != OperationName::Transfer => {
                Err(Failure::new(format!(
                    "the {} of database/{name} is not finished",
                    pending.operation
                ))
                .hint(format!(
                    "finish it first: kubectl daap {} {name} -n {}",
                    super::finishes(pending.operation),
                    self.k8s.namespace()
                )))
            }
            _ => Ok(()),
        }
    }
}

impl Operation for Transfer {
    type World = Pair;
    type Step = Step;

    async fn observe(&self) -> Result<Pair, Failure> {
        Pair::read(&self.k8s, &self.name).await
    }

    fn next(&mut self, world: &Pair) -> Result<Next<Step>, Failure> {
        let Some(cluster) = world.cluster.as_ref().map(View) else {
            return Err(crate::commands::not_found(&self.name, &self.k8s));
        };
        let pending = cluster
            .annotation(annotation::PENDING)
            .and_then(Pending::parse);
        self.refuse(cluster, pending.as_ref())?;
        if pending.is_none() {
            return self.begin(cluster);
        }
        if !self.stamped && stamps::are_missing(cluster) {
            return Ok(Next::Do(Step::Stamp));
        }
        Ok(Next::Do(if world.is_pooler_behind() {
            Step::LabelPooler
        } else {
            Step::Finish
        }))
    }

    async fn perform(&mut self, step: Step, mut world: Pair) -> Result<Option<Pair>, Failure> {
        let Some(cluster) = world.cluster.as_ref().map(View) else {
            return Ok(None);
        };
        let Some((kind, name, patch)) = self.write(step, cluster)? else {
            world.cluster = Some(stamps::write(&self.k8s, cluster.0, None).await?);
            self.stamped = true;
            return Ok(Some(world));
        };
        let written = self.k8s.merge(kind, &name, &patch).await?;
        match kind {
            Kind::Pooler => world.pooler = Some(written),
            _ => world.cluster = Some(written),
        }
        self.changed = true;
        Ok(Some(world))
    }

    async fn stop(&mut self, failure: Failure) -> Failure {
        let class = failure.classification();
        let failure = failure.context(format!("database/{} not transferred", self.name));
        if class == Class::Hard && matches!(self.half, Half::Accept) {
            return failure.hint("only who may act for the team that it is offered to accepts it");
        }
        failure
    }

    fn not_yet(&self) -> String {
        format!("database/{} is not transferred", self.name)
    }

    fn unfinished(&self) -> String {
        format!(
            "the same command again finishes it; look at it with: kubectl daap get {} -n {}",
            self.name,
            self.k8s.namespace()
        )
    }
}
