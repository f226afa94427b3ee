//! Whether there is something to restore, and whether what lives is an earlier run's work.

use daap_crds::contract::{annotation, cnpg, label};
use daap_crds::object::View;
use daap_crds::pending::{OperationName, Pending};
use daap_crds::tombstone::Tombstone;
use serde_json::Value;

use super::step::Step;
use super::{Restore, World, plan};
use crate::failure::{Class, Failure};
use crate::operation::Next;
use crate::output::stderr_line;

impl Restore {
    pub(super) fn before_cluster(&self, world: &World) -> Result<Next<Step>, Failure> {
        let (name, namespace) = (&self.name, self.k8s.namespace());
        if self.ours {
            return Err(Failure::new(format!(
                "cluster {} was removed while it was restored",
                name.cluster()
            ))
            .hint("run the same command again"));
        }
        let Some(config_map) = self.tombstone(world)?.map(View) else {
            return Err(Failure::new(format!(
                "no deleted database '{name}' in namespace {namespace}"
            ))
            .class(Class::NotFound)
            .hint(format!(
                "list what can be restored: kubectl daap list --restorable -n {namespace}"
            )));
        };
        plan::refuse_unrestorable(name, config_map)?;
        if let Some(tombstone) = Tombstone::read(config_map) {
            plan::refuse_other_major(self.wish.image.as_deref(), &tombstone)?;
        }
        let leaving = |volume: &&Value| View(volume).is_being_deleted();
        if let Some(volume) = world.kept.volumes.iter().find(leaving) {
            return Err(Failure::new(format!(
                "database/{name} cannot be restored: its volume {} is being destroyed",
                View(volume).name()
            )));
        }
        if world.kept.volumes.is_empty() {
            return Err(Failure::new(format!(
                "database/{name} cannot be restored: its volumes are gone: {}",
                world.kept.missing.join(", ")
            ))
            .hint(format!(
                "close its record: kubectl daap purge {name} -n {namespace}"
            )));
        }
        if let Some(pod) = world.pods.first().map(|pod| View(pod).name()) {
            return Ok(Next::Wait(format!("waiting until pod {pod} has stopped")));
        }
        if !world.kept.missing.is_empty() {
            stderr_line(&format!(
                "Warning: of its volumes, {} are gone; it comes back from the others",
                world.kept.missing.join(", ")
            ));
        }
        Ok(Next::Do(Step::ApplyCluster))
    }

    /// Whether the Cluster is what an earlier run of this restore left.
    pub(super) fn recognise(
        &mut self,
        cluster: View<'_>,
        tombstone: Option<View<'_>>,
    ) -> Result<(), Failure> {
        let (name, namespace) = (&self.name, self.k8s.namespace());
        let pending = cluster
            .annotation(annotation::PENDING)
            .and_then(Pending::parse);
        let refused = |text: String| Err(Failure::new(text));
        match &pending {
            Some(pending) if pending.operation == OperationName::Restore => {
                self.since = pending.since;
            }
            Some(pending) => {
                return refused(format!(
                    "database/{name} exists, and its {} is not finished",
                    pending.operation
                ))
                .map_err(|failure| {
                    failure.hint(format!(
                        "see: kubectl daap get {name} -n {namespace}; undo a deletion with: kubectl daap repair {name} --abort -n {namespace}"
                    ))
                });
            }
            None if tombstone.is_some() => {}
            None => {
                return refused(format!(
                    "database/{name} lives: there is nothing to restore under its name"
                ))
                .map_err(|failure| {
                    failure.hint(format!(
                        "a deleted one of the same name comes back once this one is gone: kubectl daap delete {name} -n {namespace}"
                    ))
                });
            }
        }
        let asked = self.wish.id.as_deref().unwrap_or_default();
        if !cluster
            .label(label::ID)
            .unwrap_or_default()
            .starts_with(asked)
        {
            return refused(format!(
                "database/{name} lives with another id, {}",
                cluster.label(label::ID).unwrap_or_default()
            ));
        }
        if let (Some(image), Some(kept)) = (&self.wish.image, tombstone.and_then(Tombstone::read)) {
            plan::refuse_other_major(Some(image), &kept)?;
        }
        self.ours = true;
        Ok(())
    }

    pub(super) fn needs_resume(&self, cluster: View<'_>) -> bool {
        let failed = cluster
            .annotation(annotation::PENDING)
            .and_then(Pending::parse)
            .is_some_and(|pending| pending.error.is_some());
        let other_image = self
            .wish
            .image
            .as_deref()
            .is_some_and(|image| cluster.text("/spec/imageName") != Some(image));
        failed || other_image || cluster.annotation(cnpg::HIBERNATION) == Some("on")
    }
}
