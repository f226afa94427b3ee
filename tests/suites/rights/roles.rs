//! Somebody with exactly these rights.

use std::time::Duration;

use daap_tests::place::{Place, run, text};
use daap_tests::sandbox::{User, wait_for};
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::{Api, Client, api::PostParams};
use kubectl_daap::{NeededIn, NeededRight};
use serde_json::{Value, json};

/// How long the authorizer may be behind.
const LIMIT: Duration = Duration::from_mins(1);
/// Namespace of the platform team.
const SYSTEM: &str = "daap-system";

/// Makes roles with these rights, and with the right to own these teams, for `user` alone; returns
/// once the authorizer knows them.
pub(crate) async fn give(place: &Place<'_>, user: &str, rights: &[NeededRight], teams: &[&str]) {
    let rule = |right: &NeededRight| json!({"apiGroups": [right.group], "resources": [right.resource], "verbs": [right.verb]});
    let rules = |wanted: NeededIn| -> Vec<Value> {
        { rights.iter() }
            .filter(|right| right.place == wanted)
            .map(rule)
            .collect()
    };
    let mut here = rules(NeededIn::Namespace);
    here.extend(own(teams));
    let mut objects = Vec::new();
    objects.extend(role(user, Some(place.namespace), &here));
    objects.extend(role(user, Some(SYSTEM), &rules(NeededIn::System)));
    objects.extend(role(user, None, &rules(NeededIn::Cluster)));
    if objects.is_empty() {
        return;
    }
    make(place, user, &objects);
    let client = place.sandbox.client(User::Harness).await;
    for right in rights {
        until_in_force(&client, place, user, right).await;
    }
}

/// Gives `user` the roles that are shipped, and the right to own these teams; returns once the
/// authorizer knows them.
pub(crate) async fn bind_shipped(place: &Place<'_>, user: &str, everywhere: bool, teams: &[&str]) {
    let own: Vec<Value> = own(teams).into_iter().collect();
    let mut objects = role(user, Some(place.namespace), &own);
    let here = (!everywhere).then_some(place.namespace);
    for (kind, name, namespace) in [
        ("ClusterRole", "daap-user", here),
        ("ClusterRole", "daap-discovery", None),
        ("Role", "daap-policy", Some(SYSTEM)),
    ] {
        let metadata = json!({"name": format!("{user}-{name}"), "namespace": namespace});
        objects.push(binding(user, &metadata, kind, name));
    }
    make(place, user, &objects);
    let client = place.sandbox.client(User::Harness).await;
    let rights = kubectl_daap::needs().into_iter().flat_map(|row| row.rights);
    let mut required = rights.filter(|right| right.otherwise.is_none());
    until_in_force(&client, place, user, &required.next().unwrap()).await;
}

/// The rule that makes somebody an owner of these teams.
fn own(teams: &[&str]) -> Option<Value> {
    let rule = || {
        json!({
            "apiGroups": ["daap.dev"], "resources": ["teams"],
            "verbs": ["own"], "resourceNames": teams,
        })
    };
    (!teams.is_empty()).then(rule)
}

fn make(place: &Place<'_>, user: &str, objects: &[Value]) {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let words = ["create", "--validate=false", "-f", "-"];
    let mut kubectl = place.sandbox.kubectl(User::Harness);
    let output = run(kubectl.args(words), Some(&list));
    assert!(output.status.success(), "{user}: {}", text(&output));
}

/// A role and its binding, where it would have any rule.
fn role(user: &str, namespace: Option<&str>, rules: &[Value]) -> Vec<Value> {
    if rules.is_empty() {
        return Vec::new();
    }
    let kind = namespace.map_or("ClusterRole", |_| "Role");
    let metadata = json!({"name": user, "namespace": namespace});
    vec![
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind,
            "metadata": metadata, "rules": rules,
        }),
        binding(user, &metadata, kind, user),
    ]
}

fn binding(user: &str, metadata: &Value, kind: &str, role: &str) -> Value {
    let binding = match metadata["namespace"] {
        Value::Null => "ClusterRoleBinding",
        _ => "RoleBinding",
    };
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": binding, "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    })
}

async fn until_in_force(client: &Client, place: &Place<'_>, user: &str, right: &NeededRight) {
    let (resource, subresource) = right
        .resource
        .split_once('/')
        .unwrap_or((&right.resource, ""));
    let namespace = match right.place {
        NeededIn::Namespace => place.namespace,
        NeededIn::System => SYSTEM,
        NeededIn::Cluster => "",
    };
    let review: SubjectAccessReview = serde_json::from_value(json!({
        "spec": {
            "user": user,
            "resourceAttributes": {
                "verb": right.verb, "group": right.group, "namespace": namespace,
                "resource": resource, "subresource": subresource, "name": right.name,
            },
        },
    }))
    .unwrap();
    let api: Api<SubjectAccessReview> = Api::all(client.clone());
    let what = format!("{user} may {} {}", right.verb, right.resource);
    wait_for(&what, LIMIT, async || {
        let answer = api.create(&PostParams::default(), &review).await?;
        let allowed = answer.status.is_some_and(|status| status.allowed);
        Ok(allowed.then_some(()))
    })
    .await
    .unwrap();
}
