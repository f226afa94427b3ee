//! What is to be changed, and the patch that does it.

use daap_crds::contract::{FIELD_MANAGER, annotation, label};
use daap_crds::desired::complete_cluster;
use daap_crds::names::{DatabaseName, Team};
use daap_crds::object::{View, map_at, set_annotation, set_label};
use daap_crds::policy::PoolMode;
use daap_crds::purpose::Purpose;
use daap_crds::size::Size;
use serde_json::{Value, json};

use crate::failure::Complaint;
use crate::operation::pair::team_of;

/// What is to be changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) team: Option<Team>,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) instances: Option<u32>,
    pub(crate) storage: Option<Size>,
    pub(crate) image: Option<String>,
    pub(crate) pool_mode: Option<PoolMode>,
    pub(crate) pool_instances: Option<u32>,
    pub(crate) reason: Option<String>,
}

/// Where each flag's field lies in `metadata.managedFields`.
const MANAGED: [(&str, &str); 5] = [
    (
        "--owner-team",
        "/f:metadata/f:labels/f:daap.dev~1owner-team",
    ),
    ("--purpose", "/f:metadata/f:annotations/f:daap.dev~1purpose"),
    ("--instances", "/f:spec/f:instances"),
    ("--storage", "/f:spec/f:storage/f:size"),
    ("--image", "/f:spec/f:imageName"),
];
/// Argo CD's manager where it does not apply on the server's side.
const ARGO_CD: &str = "argocd";

impl Changes {
    /// The merge patch, empty where there is nothing to change. The reason counts only beside a
    /// change: alone it would be one that nobody asked for.
    pub(in crate::operation) fn patch(&self, name: &DatabaseName, cluster: &Value) -> Value {
        let (view, changes) = (View(cluster), self);
        let mut patch = json!({});
        if let Some(team) = &changes.team
            && view.label(label::OWNER_TEAM) != Some(team.as_str())
        {
            set_label(&mut patch, label::OWNER_TEAM, team.as_str());
            let mut after = cluster.clone();
            set_label(&mut after, label::OWNER_TEAM, team.as_str());
            complete_cluster(&mut after, name, view.namespace());
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
        if let Some(image) = &changes.image
            && view.text("/spec/imageName") != Some(image)
        {
            map_at(&mut patch, &["spec"]).insert("imageName".into(), image.as_str().into());
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

    /// The merge patch of the Pooler, empty where there is nothing to change: it has the team of its
    /// Cluster, and of itself how it hands out connections.
    pub(in crate::operation) fn pooler_patch(&self, cluster: View<'_>, pooler: View<'_>) -> Value {
        let mut patch = json!({});
        if pooler.label(label::OWNER_TEAM) != cluster.label(label::OWNER_TEAM) {
            patch = team_of(cluster);
        }
        if let Some(mode) = self.pool_mode
            && pooler.text("/spec/pgbouncer/poolMode") != Some(mode.as_str())
        {
            map_at(&mut patch, &["spec", "pgbouncer"])
                .insert("poolMode".into(), mode.as_str().into());
        }
        if let Some(instances) = self.pool_instances
            && pooler.at("/spec/instances") != Some(&instances.into())
        {
            map_at(&mut patch, &["spec"]).insert("instances".into(), instances.into());
        }
        patch
    }

    /// Whether everything is so already.
    pub(crate) fn is_none(
        &self,
        name: &DatabaseName,
        cluster: &Value,
        pooler: Option<&Value>,
    ) -> bool {
        let of_pooler = pooler.map(|pooler| self.pooler_patch(View(cluster), View(pooler)));
        self.patch(name, cluster) == json!({}) && of_pooler.is_none_or(|patch| patch == json!({}))
    }

    /// Fields that a tool such as Flux or Argo CD holds: it would write its own value back.
    pub(in crate::operation) fn held_by_others(&self, cluster: View<'_>) -> Vec<Complaint> {
        let given = [
            self.team.is_some(),
            self.purpose.is_some(),
            self.instances.is_some(),
            self.storage.is_some(),
            self.image.is_some(),
        ];
        let entries = cluster
            .at("/metadata/managedFields")
            .and_then(Value::as_array);
        let applied = |entry: &View<'_>| {
            let manager = entry.text("/manager").unwrap_or_default();
            let applies = entry.text("/operation") == Some("Apply") && manager != FIELD_MANAGER;
            applies || manager.starts_with(ARGO_CD)
        };
        let holder = |pointer: &str| {
            let mut entries = entries.into_iter().flatten().map(View).filter(applied);
            entries
                .find(|entry| entry.at(&format!("/fieldsV1{pointer}")).is_some())?
                .text("/manager")
        };
        MANAGED
            .iter()
            .zip(given)
            .filter(|(_, given)| *given)
            .filter_map(|((flag, pointer), _)| {
                let manager = holder(pointer)?;
                Some(Complaint::new(
                    *flag,
                    format!(
                        "'{manager}' manages it and would write its own value back; change it there"
                    ),
                ))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> Value {
        json!({
            "metadata": {"name": "daap-orders", "namespace": "apps",
                "labels": {"daap.dev/name": "orders", "daap.dev/owner-team": "payments", "daap.dev/id": "x"},
                "annotations": {"daap.dev/purpose": "order intake", "daap.dev/change-reason": "start"}},
            "spec": {"instances": 1, "storage": {"size": "1Gi"}},
        })
    }

    fn patch(changes: &Changes) -> Value {
        changes.patch(&DatabaseName::parse("orders").unwrap(), &cluster())
    }

    #[test]
    fn patches_only_what_differs() {
        let same = Changes {
            purpose: Some(Purpose::parse("order intake").unwrap()),
            storage: Some(Size::parse("1024Mi").unwrap()),
            instances: Some(1),
            reason: Some("none".into()),
            ..Changes::default()
        };
        assert_eq!(patch(&same), json!({}));
        let team = Changes {
            team: Some(Team::parse("billing").unwrap()),
            reason: Some("moved".into()),
            ..Changes::default()
        };
        assert_eq!(
            patch(&team),
            json!({
                "metadata": {"labels": {"daap.dev/owner-team": "billing"}, "annotations": {"daap.dev/change-reason": "moved"}},
                "spec": {"inheritedMetadata": {"labels": {"daap.dev/name": "orders", "daap.dev/owner-team": "billing", "daap.dev/id": "x"}}}
            })
        );
    }

    #[test]
    fn an_earlier_reason_is_not_the_reason_of_this_change() {
        let changes = Changes {
            instances: Some(2),
            storage: Some(Size::parse("2Gi").unwrap()),
            ..Changes::default()
        };
        assert_eq!(
            patch(&changes),
            json!({"metadata": {"annotations": {"daap.dev/change-reason": null}}, "spec": {"instances": 2, "storage": {"size": "2Gi"}}})
        );
    }

    #[test]
    fn what_a_gitops_tool_holds_is_named() {
        let changes = Changes {
            instances: Some(2),
            purpose: Some(Purpose::parse("other").unwrap()),
            ..Changes::default()
        };
        let mut cluster = cluster();
        let fields = json!({"f:spec": {"f:instances": {}}});
        cluster["metadata"]["managedFields"] = json!([
            {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": fields},
            {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": fields},
        ]);
        assert_eq!(changes.held_by_others(View(&cluster)), []);
        for (manager, operation) in [
            ("kustomize-controller", "Apply"),
            ("argocd-controller", "Update"),
        ] {
            cluster["metadata"]["managedFields"] =
                json!([{"manager": manager, "operation": operation, "fieldsV1": fields}]);
            let held = changes.held_by_others(View(&cluster));
            let [complaint] = held.as_slice() else {
                panic!("{held:?}")
            };
            assert_eq!(complaint.field, "--instances");
            assert!(complaint.text.contains(manager));
        }
    }
}
