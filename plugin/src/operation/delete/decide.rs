//! Which step follows from the world.

use daap_crds::contract::cnpg;
use daap_crds::object::View;
use daap_crds::tombstone::Stage;
use std::time::Duration;
use tokio::time::Instant;

use super::step::Step;
use super::{Delete, World, world};
use crate::failure::Failure;
use crate::operation::Next;

/// Fencing stops PostgreSQL within a second; an instance that is unreachable never says so.
const FENCING: Duration = Duration::from_secs(30);
/// How long a Cluster may be too unwell to hibernate before waiting on makes no sense. An instance
/// that restarts is unwell for a while, too.
const UNWELL: Duration = Duration::from_secs(30);

impl Delete {
    pub(super) fn not_found(&self) -> Failure {
        crate::commands::not_found(&self.name, &self.k8s)
    }

    /// The end, once the Cluster is gone.
    pub(super) fn after_cluster(&self, world: &World) -> Result<Next<Step>, Failure> {
        let stage = world.tombstone().map(|tombstone| tombstone.stage);
        match stage {
            Some(Stage::Purged) if let Some(left) = world.left_of_purged() => {
                Ok(Next::Wait(format!("waiting until {left}")))
            }
            Some(Stage::Written | Stage::Detached) => {
                if let Some(pod) = world.pods_with_volumes.first() {
                    return Ok(Next::Wait(format!("waiting until pod {pod} has stopped")));
                }
                Ok(Next::Do(Step::Complete))
            }
            Some(Stage::Complete | Stage::Purged) if self.begun => Ok(Next::Done),
            None if self.begun => Err(Failure::new(format!(
                "cluster {} was removed by somebody else before its record was kept",
                self.name.cluster()
            ))),
            _ => Err(self.not_found()),
        }
    }

    /// From the stopped Cluster to its removal.
    pub(super) fn before_removal(
        &self,
        world: &World,
        cluster: View<'_>,
    ) -> Result<Next<Step>, Failure> {
        let Some(tombstone) = world.tombstone() else {
            return Ok(Next::Do(Step::WriteTombstone));
        };
        let nothing_planned = tombstone.retained.volumes.is_empty();
        let owned = world.retained_but_owned(&tombstone.retained, cluster.uid());
        match tombstone.stage {
            Stage::Purged => Ok(Next::Do(Step::DeleteCluster)),
            Stage::Written if self.manner.purge && !world.has_detached(&tombstone.retained) => {
                Ok(Next::Do(Step::MarkPurged))
            }
            // What is detached would outlive the Cluster, under a record that says that nothing does.
            Stage::Written | Stage::Detached | Stage::Complete if self.manner.purge => {
                Err(Failure::new(
                    "the data is detached already and cannot be given up in the same step",
                )
                .hint(format!(
                    "finish without --purge, then: kubectl daap purge {} -n {}",
                    self.name,
                    self.k8s.namespace()
                )))
            }
            Stage::Written if nothing_planned && world.keepable(cluster).volumes.is_empty() => {
                // Nothing that a restore could bring back, and the record says so.
                Ok(Next::Do(Step::MarkPurged))
            }
            Stage::Written if nothing_planned => Ok(Next::Do(Step::Retain)),
            _ if owned => Ok(Next::Do(Step::Detach)),
            Stage::Written => Ok(Next::Do(Step::MarkDetached)),
            Stage::Detached | Stage::Complete => match world.still_owned(cluster.uid()).next() {
                Some(_) => Ok(Next::Do(Step::Detach)),
                None => Ok(Next::Do(Step::DeleteCluster)),
            },
        }
    }

    /// Stops PostgreSQL where its data is to be kept; none where everything is as it should be.
    pub(super) fn stop_instances(
        &mut self,
        world: &World,
        cluster: View<'_>,
    ) -> Result<Option<Next<Step>>, Failure> {
        let given_up = self.manner.purge
            || world
                .tombstone()
                .is_some_and(|tombstone| tombstone.stage == Stage::Purged);
        // Volumes that were never ready hold no database: nothing has to be shut down cleanly.
        if given_up || world.keepable(cluster).volumes.is_empty() {
            return Ok(None);
        }
        if self.manner.force {
            if cluster.annotation(cnpg::FENCED_INSTANCES) != Some(world::ALL_INSTANCES) {
                return Ok(Some(Next::Do(Step::Fence)));
            }
            let since = *self.fenced_since.get_or_insert_with(Instant::now);
            if world::ready_instances(cluster) > 0 && since.elapsed() < FENCING {
                return Ok(Some(Next::Wait(
                    "waiting until PostgreSQL has stopped".into(),
                )));
            }
        }
        if cluster.annotation(cnpg::HIBERNATION) != Some("on") {
            return Ok(Some(Next::Do(Step::Hibernate)));
        }
        if self.manner.force || world::is_hibernated(cluster) {
            return Ok(None);
        }
        self.wait_for_hibernation(cluster).map(Some)
    }

    pub(super) fn wait_for_hibernation(
        &mut self,
        cluster: View<'_>,
    ) -> Result<Next<Step>, Failure> {
        if world::hibernation_reason(cluster) != Some("WaitingForHealthy") {
            self.unwell_since = None;
            return Ok(Next::Wait(
                "waiting until the instances have stopped".into(),
            ));
        }
        let phase = cluster.text("/status/phase").unwrap_or("no phase yet");
        let since = *self.unwell_since.get_or_insert_with(Instant::now);
        if since.elapsed() < UNWELL {
            return Ok(Next::Wait(format!(
                "waiting until the cluster is well enough to hibernate: {phase}"
            )));
        }
        Err(Failure::new(format!(
            "database/{} cannot hibernate, because its cluster is not healthy: {phase}",
            self.name
        ))
        .hint(format!(
            "stop PostgreSQL first: kubectl daap delete {0} --force -n {1}; or give up the data: kubectl daap delete {0} --purge -n {1}",
            self.name,
            self.k8s.namespace()
        )))
    }
}
