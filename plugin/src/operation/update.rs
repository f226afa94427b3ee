//! Changing a database.

use std::fmt;

use daap_crds::contract::{annotation, label};
use daap_crds::desired::complete_cluster;
use daap_crds::names::{DatabaseName, Team};
use daap_crds::object::{View, map_at, set_annotation, set_label};
use daap_crds::purpose::Purpose;
use daap_crds::size::Size;
use futures::future::try_join;
use serde_json::{Value, json};

use super::{Next, Operation, stamps};
use crate::failure::{Class, Complaint, Failure};
use crate::kubernetes::{Kind, Kubernetes};
use crate::output::stderr_line;

/// What is to be changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) team: Option<Team>,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) instances: Option<u32>,
    pub(crate) storage: Option<Size>,
    pub(crate) reason: Option<String>,
}

/// The steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    PatchCluster,
    LabelPooler,
    Stamp,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::PatchCluster => "changing the cluster",
            Self::LabelPooler => "labelling the pooler",
            Self::Stamp => "writing the history",
        })
    }
}

/// What is read before each step.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) cluster: Option<Value>,
    pooler: Option<Value>,
}

/// The operation.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says that one step was taken in this run"
)]
pub(crate) struct Update {
    k8s: Kubernetes,
    name: DatabaseName,
    changes: Changes,
    dry_run: bool,
    /// The Cluster before our patch.
    before: Option<Value>,
    /// Whether anything was written.
    pub(crate) changed: bool,
    stamped: bool,
    dry_run_done: bool,
}

impl Update {
    pub(crate) fn new(
        k8s: Kubernetes,
        name: DatabaseName,
        changes: Changes,
        dry_run: bool,
    ) -> Self {
        Self {
            k8s,
            name,
            changes,
            dry_run,
            before: None,
            changed: false,
            stamped: false,
            dry_run_done: false,
        }
    }

    /// Growing a volume that cannot grow is accepted by CNPG, and the database never starts again.
    async fn refuse_impossible_storage(&self, cluster: View<'_>) -> Result<(), Failure> {
        let Some(wanted) = &self.changes.storage else {
            return Ok(());
        };
        let Some(is) = cluster
            .text("/spec/storage/size")
            .and_then(|size| Size::parse(size).ok())
        else {
            return Ok(());
        };
        let complain = |text: String| {
            Err(Failure::fields(
                "its storage cannot change like that",
                vec![Complaint::new("--storage", text)],
            ))
        };
        if *wanted < is {
            return complain(format!(
                "{wanted} is less than its {is}; volumes never shrink"
            ));
        }
        if *wanted == is {
            return Ok(());
        }
        let Some(class) = self.storage_class(cluster).await? else {
            return Ok(());
        };
        match self.k8s.get(Kind::StorageClass, &class).await {
            Ok(Some(found))
                if View(&found).at("/allowVolumeExpansion") != Some(&Value::Bool(true)) =>
            {
                complain(format!(
                    "volumes of storage class {class} cannot grow; the database would not start again"
                ))
            }
            Ok(_) => Ok(()),
            Err(failure) if failure.classification() == Class::Forbidden => {
                stderr_line(&format!(
                    "Warning: {failure}; whether its volumes can grow is not known"
                ));
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    /// The class that the volumes have; the Cluster need not name it.
    async fn storage_class(&self, cluster: View<'_>) -> Result<Option<String>, Failure> {
        if let Some(class) = cluster.text("/spec/storage/storageClass") {
            return Ok(Some(class.to_owned()));
        }
        let selector = format!("{}={}", daap_crds::contract::cnpg::CLUSTER, cluster.name());
        let volumes = self.k8s.list(Kind::Volume, &selector).await?;
        Ok(volumes
            .first()
            .and_then(|volume| View(volume).text("/spec/storageClassName"))
            .map(str::to_owned))
    }

    /// The merge patch, empty where there is nothing to change. The reason counts only beside a
    /// change: alone it would be one that nobody asked for.
    fn patch(&self, cluster: &Value) -> Value {
        let (view, changes) = (View(cluster), &self.changes);
        let mut patch = json!({});
        if let Some(team) = &changes.team
            && view.label(label::OWNER_TEAM) != Some(team.as_str())
        {
            set_label(&mut patch, label::OWNER_TEAM, team.as_str());
            let mut after = cluster.clone();
            set_label(&mut after, label::OWNER_TEAM, team.as_str());
            complete_cluster(&mut after, &self.name, view.namespace());
            if let Some(labels) = View(&after).at("/spec/inheritedMetadata/labels") {
                map_at(&mut patch, &["spec", "inheritedMetadata"])
                    .insert("labels".into(), labels.clone());
            }
        }
        if let Some(purpose) = &changes.purpose
            && view.annotation(annotation::PURPOSE) != Some(purpose.as_str())
        {
            set_annotation(&mut patch, annotation::PURPOSE, purpose.as_str());
        }
        if let Some(instances) = changes.instances
            && view.at("/spec/instances") != Some(&instances.into())
        {
            map_at(&mut patch, &["spec"]).insert("instances".into(), instances.into());
        }
        if let Some(size) = &changes.storage
            && view
                .text("/spec/storage/size")
                .and_then(|is| Size::parse(is).ok())
                .as_ref()
                != Some(size)
        {
            map_at(&mut patch, &["spec", "storage"]).insert("size".into(), size.as_str().into());
        }
        if patch != json!({}) {
            // Without a reason the last one goes: the history would record it for this change.
            match &changes.reason {
                Some(reason) => set_annotation(&mut patch, annotation::CHANGE_REASON, reason),
                None if view.annotation(annotation::CHANGE_REASON).is_some() => {
                    map_at(&mut patch, &["metadata", "annotations"])
                        .insert(annotation::CHANGE_REASON.into(), Value::Null);
                }
                None => {}
            }
        }
        patch
    }
}

impl Operation for Update {
    type World = World;
    type Step = Step;

    async fn observe(&self) -> Result<World, Failure> {
        let (cluster_name, pooler_name) = (self.name.cluster(), self.name.pooler());
        let (cluster, pooler) = try_join(
            self.k8s.get(Kind::Cluster, &cluster_name),
            self.k8s.get(Kind::Pooler, &pooler_name),
        )
        .await?;
        Ok(World { cluster, pooler })
    }

    fn next(&mut self, world: &World) -> Result<Next<Step>, Failure> {
        let Some(cluster) = &world.cluster else {
            return Err(crate::commands::not_found(&self.name, &self.k8s));
        };
        if View(cluster).is_being_deleted() {
            return Err(Failure::new(format!(
                "database/{} is being deleted",
                self.name
            )));
        }
        if self.dry_run_done {
            return Ok(Next::Done);
        }
        if self.patch(cluster) != json!({}) {
            if let Some(before) = &self.before
                && View(before).text("/metadata/resourceVersion")
                    == View(cluster).text("/metadata/resourceVersion")
            {
                return Err(Failure::new(format!(
                    "database/{} was accepted but not changed as asked",
                    self.name
                ))
                .hint("another controller or webhook may own these fields"));
            }
            return Ok(Next::Do(Step::PatchCluster));
        }
        if !self.dry_run && !self.stamped && stamps::are_missing(View(cluster)) {
            return Ok(Next::Do(Step::Stamp));
        }
        let team = View(cluster).label(label::OWNER_TEAM);
        match world.pooler.as_ref().map(View) {
            Some(pooler) if pooler.label(label::OWNER_TEAM) != team => {
                Ok(Next::Do(Step::LabelPooler))
            }
            _ => Ok(Next::Done),
        }
    }

    async fn perform(&mut self, step: Step, world: &World) -> Result<(), Failure> {
        let Some(cluster) = &world.cluster else {
            return Ok(());
        };
        let view = View(cluster);
        match step {
            Step::PatchCluster => {
                self.refuse_impossible_storage(view).await?;
                let mut patch = self.patch(cluster);
                // Somebody else's change since our look makes this a conflict, and we look again.
                map_at(&mut patch, &["metadata"]).insert(
                    "resourceVersion".into(),
                    view.text("/metadata/resourceVersion")
                        .unwrap_or_default()
                        .into(),
                );
                self.k8s
                    .merge(Kind::Cluster, view.name(), &patch, self.dry_run)
                    .await?;
                self.before = Some(cluster.clone());
                self.changed = true;
                self.dry_run_done = self.dry_run;
            }
            Step::LabelPooler => {
                let mut patch = json!({});
                set_label(
                    &mut patch,
                    label::OWNER_TEAM,
                    view.label(label::OWNER_TEAM).unwrap_or_default(),
                );
                self.k8s
                    .merge(Kind::Pooler, &self.name.pooler(), &patch, self.dry_run)
                    .await?;
                self.changed = true;
                self.dry_run_done = self.dry_run;
            }
            Step::Stamp => {
                stderr_line(stamps::NO_WEBHOOK);
                stamps::write(&self.k8s, cluster).await?;
                self.stamped = true;
            }
        }
        Ok(())
    }

    async fn stop(&mut self, failure: Failure) -> Failure {
        failure.context(format!("database/{} not changed", self.name))
    }

    fn not_yet(&self) -> String {
        format!("database/{} is not changed", self.name)
    }

    fn unfinished(&self) -> String {
        format!(
            "the same command again finishes it; look at it with: kubectl daap get {} -n {}",
            self.name,
            self.k8s.namespace()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(changes: Changes) -> Update {
        let service = tower::service_fn(|_: http::Request<kube::client::Body>| async {
            Err::<http::Response<kube::client::Body>, _>(std::io::Error::other("no server"))
        });
        let k8s = Kubernetes::new(
            kube::Client::new(service, "apps"),
            "apps".into(),
            "https://x".into(),
            None,
        );
        Update::new(k8s, DatabaseName::parse("orders").unwrap(), changes, false)
    }

    fn cluster() -> Value {
        json!({
            "metadata": {"name": "daap-orders", "namespace": "apps",
                "labels": {"daap.dev/name": "orders", "daap.dev/owner-team": "payments", "daap.dev/id": "x"},
                "annotations": {"daap.dev/purpose": "order intake"}},
            "spec": {"instances": 1, "storage": {"size": "1Gi"}},
        })
    }

    #[tokio::test]
    async fn patches_only_what_differs() {
        let same = update(Changes {
            purpose: Some(Purpose::parse("order intake").unwrap()),
            storage: Some(Size::parse("1024Mi").unwrap()),
            instances: Some(1),
            reason: Some("none".into()),
            ..Changes::default()
        });
        assert_eq!(same.patch(&cluster()), json!({}));
        let team = update(Changes {
            team: Some(Team::parse("billing").unwrap()),
            reason: Some("moved".into()),
            ..Changes::default()
        });
        assert_eq!(
            team.patch(&cluster()),
            json!({
                "metadata": {"labels": {"daap.dev/owner-team": "billing"}, "annotations": {"daap.dev/change-reason": "moved"}},
                "spec": {"inheritedMetadata": {"labels": {"daap.dev/name": "orders", "daap.dev/owner-team": "billing", "daap.dev/id": "x"}}}
            })
        );
    }

    #[tokio::test]
    async fn volumes_never_shrink() {
        let shrink = update(Changes {
            storage: Some(Size::parse("512Mi").unwrap()),
            ..Changes::default()
        });
        let failure = shrink
            .refuse_impossible_storage(View(&cluster()))
            .await
            .unwrap_err();
        assert!(
            failure
                .render()
                .contains("--storage: 512Mi is less than its 1Gi"),
            "{failure}"
        );
    }
}
