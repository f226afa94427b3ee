//! The users' rights, and what every cluster has before anybody works in it.

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::{Api, Client, api::PostParams};
use serde_json::{Value, json};

use super::{
    apply::{Document, apply_all},
    identity::{NAMESPACE, User},
    wait::wait_for,
};

/// How long the authorizer may be behind.
const LIMIT: Duration = Duration::from_secs(45);

/// Namespaces that are there from the start.
const NAMESPACES: [&str; 4] = [NAMESPACE, "daap-system", "daap-sandbox", "cnpg-system"];

/// Applies namespaces, storage classes, the node and the users' rights.
pub(super) async fn plant(client: &Client) -> Result<()> {
    let namespaces: Vec<Value> = NAMESPACES.iter().map(|name| namespace(name)).collect();
    apply_values(client, &namespaces).await?;
    let mut objects = vec![
        cluster_admin("daap-sandbox-admins", "Group", User::ADMINISTRATORS),
        storage_class("standard", true),
        storage_class("fixed", false),
        json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "sandbox" } }),
    ];
    objects.extend(operator_rights());
    objects.extend(rights_in(NAMESPACE));
    apply_values(client, &objects).await
}

/// As the real operator's role in one respect: nothing of `daap.dev`. It owns no team, and what it
/// does to databases passes because it is exempt.
fn operator_rights() -> [Value; 2] {
    let name = "daap-sandbox-operator";
    let groups = [
        "",
        "apps",
        "batch",
        "coordination.k8s.io",
        "events.k8s.io",
        "policy",
        "postgresql.cnpg.io",
        "rbac.authorization.k8s.io",
        "snapshot.storage.k8s.io",
        "storage.k8s.io",
    ];
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": { "name": name },
        "rules": [{ "apiGroups": groups, "resources": ["*"], "verbs": ["*"] }],
    });
    [
        role,
        cluster_binding(name, name, "User", User::Operator.name()),
    ]
}

/// Makes a namespace in which the users have the rights that they have in `apps`.
pub(super) async fn plant_namespace(client: &Client, name: &str) -> Result<()> {
    apply_values(client, &[namespace(name)]).await?;
    apply_values(client, &rights_in(name)).await?;
    until_in_force(client, name).await
}

/// Waits until the authorizer knows the users' rights: it watches them, and is a moment behind.
pub(super) async fn until_in_force(client: &Client, namespace: &str) -> Result<()> {
    let api: Api<SubjectAccessReview> = Api::all(client.clone());
    for user in User::DEVELOPERS {
        let team = user.team().map(|team| ("own", "daap.dev", "teams", team));
        let database = Some(("create", "postgresql.cnpg.io", "clusters", ""));
        for (verb, group, resource, name) in [team, database].into_iter().flatten() {
            let review: SubjectAccessReview = serde_json::from_value(json!({
                "spec": {
                    "user": user.name(),
                    "groups": user.groups(),
                    "resourceAttributes": {
                        "verb": verb, "group": group, "resource": resource, "name": name,
                        "namespace": namespace,
                    },
                },
            }))?;
            let what = format!("{user} may {verb} {resource} in {namespace}");
            wait_for(&what, LIMIT, async || {
                let answer = api.create(&PostParams::default(), &review).await?;
                let allowed = answer.status.is_some_and(|status| status.allowed);
                Ok(allowed.then_some(()))
            })
            .await?;
        }
    }
    Ok(())
}

async fn apply_values(client: &Client, values: &[Value]) -> Result<()> {
    let documents: Vec<Document> = values.iter().filter_map(Document::of).collect();
    apply_all(client, &documents).await
}

fn namespace(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })
}

fn storage_class(name: &str, expands: bool) -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": name,
            "annotations": { "storageclass.kubernetes.io/is-default-class": expands.to_string() },
        },
        "provisioner": "sandbox.daap.dev/local",
        "allowVolumeExpansion": expands,
    })
}

fn cluster_admin(name: &str, kind: &str, subject: &str) -> Value {
    cluster_binding(name, "cluster-admin", kind, subject)
}

fn cluster_binding(name: &str, role: &str, kind: &str, subject: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": { "name": name },
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": role,
        },
        "subjects": [subject_of(kind, subject)],
    })
}

/// `daap-user` for every developer, and each one's team as in `manifests/examples/team.yaml`.
fn rights_in(namespace: &str) -> Vec<Value> {
    let metadata = |name: &str| json!({ "name": name, "namespace": namespace });
    let binding = |name: &str, kind: &str, role: &str, subjects: Vec<Value>| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": metadata(name),
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role },
            "subjects": subjects,
        })
    };
    let developers = User::DEVELOPERS.map(|user| subject_of("User", user.name()));
    let mut objects = vec![binding(
        "daap-users",
        "ClusterRole",
        "daap-user",
        developers.to_vec(),
    )];
    for team in User::DEVELOPERS.iter().filter_map(|user| user.team()) {
        let name = format!("own-{team}");
        objects.push(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": metadata(&name),
            "rules": [{
                "apiGroups": ["daap.dev"],
                "resources": ["teams"],
                "resourceNames": [team],
                "verbs": ["own"],
            }],
        }));
        // The group of the developers of a team has the team's name.
        let group = vec![subject_of("Group", team)];
        objects.push(binding(&name, "Role", &name, group));
    }
    objects
}

fn subject_of(kind: &str, name: &str) -> Value {
    json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name })
}
