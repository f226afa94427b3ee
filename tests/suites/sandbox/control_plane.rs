//! What suites rely on: who there is, what each may do, and the controllers that daap depends on.

use std::time::{Duration, Instant};

use daap_reference::Reference;
use daap_tests::sandbox::{Component, Sandbox, SandboxOptions, User, wait_for};
use k8s_openapi::api::{
    authentication::v1::SelfSubjectReview,
    authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec},
    core::v1::{ConfigMap, Namespace, Pod},
};
use kube::{
    Api, Client, Resource,
    api::{DeleteParams, DynamicObject, PostParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::json;

use crate::leftovers::expect_nothing_left;

const LIMIT: Duration = Duration::from_mins(1);

async fn may(client: &Client, verb: &str, resource: &str, name: &str, namespace: &str) -> bool {
    let (resource, group) = resource.split_once('.').unwrap();
    let text = |text: &str| Some(text.to_owned());
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                verb: text(verb),
                group: text(group),
                resource: text(resource),
                name: text(name),
                namespace: text(namespace),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let reviewed = api.create(&PostParams::default(), &review).await.unwrap();
    reviewed.status.unwrap().allowed
}

async fn each_is_who_the_context_says(sandbox: &Sandbox) {
    for user in User::ALL {
        let client = sandbox.client(user).await;
        let api: Api<SelfSubjectReview> = Api::all(client);
        let asked = SelfSubjectReview::default();
        let review = api.create(&PostParams::default(), &asked).await.unwrap();
        let found = review.status.unwrap().user_info.unwrap();
        assert_eq!(found.username.as_deref(), Some(user.name()));
        let mut wanted: Vec<&str> = user.groups().to_vec();
        wanted.push("system:authenticated");
        assert_eq!(found.groups.unwrap(), wanted);
    }
}

async fn each_may_act_for_their_team_only(sandbox: &Sandbox, namespace: &str) {
    for (user, payments, billing, writes) in [
        (User::PaymentsDev, true, false, true),
        (User::BillingDev, false, true, true),
        (User::Outsider, false, false, true),
        (User::Admin, true, true, true),
        (User::Webhook, false, false, false),
    ] {
        let client = sandbox.client(user).await;
        let own = async |team| may(&client, "own", "teams.daap.dev", team, namespace).await;
        assert_eq!(own("payments").await, payments, "{user} payments");
        assert_eq!(own("billing").await, billing, "{user} billing");
        let clusters = "clusters.postgresql.cnpg.io";
        let may_write = may(&client, "create", clusters, "daap-x", namespace).await;
        assert_eq!(may_write, writes, "{user} in {namespace}");
        let administers = may(&client, "administer", "policies.daap.dev", "", namespace).await;
        assert_eq!(administers, user == User::Admin, "{user}");
    }
}

fn poolers(client: Client, namespace: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("postgresql.cnpg.io", "v1", "Pooler");
    Api::namespaced_with(client, namespace, &ApiResource::from_gvk(&kind))
}

async fn dependents_are_collected(sandbox: &Sandbox, namespace: &str) {
    let client = sandbox.client(User::Admin).await;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let map = json!({ "metadata": { "name": "owner" } });
    let map: ConfigMap = serde_json::from_value(map).unwrap();
    let owner = maps.create(&PostParams::default(), &map).await.unwrap();
    let pooler: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Pooler",
        "metadata": { "name": "owned", "ownerReferences": [owner.owner_ref(&()).unwrap()] },
        "spec": { "cluster": { "name": "nobody" } },
    }))
    .unwrap();
    let poolers = poolers(client, namespace);
    poolers
        .create(&PostParams::default(), &pooler)
        .await
        .unwrap();
    maps.delete("owner", &DeleteParams::default())
        .await
        .unwrap();
    wait_for("the Pooler is collected", LIMIT, async || {
        Ok(poolers.get_opt("owned").await?.is_none().then_some(()))
    })
    .await
    .unwrap();
}

async fn pods_need_no_service_account(sandbox: &Sandbox, namespace: &str) {
    let client = sandbox.client(User::Operator).await;
    let pods: Api<Pod> = Api::namespaced(client, namespace);
    let pod: Pod = serde_json::from_value(json!({
        "metadata": { "name": "bare" },
        "spec": { "containers": [{ "name": "postgres", "image": "postgres" }] },
    }))
    .unwrap();
    pods.create(&PostParams::default(), &pod).await.unwrap();
}

async fn a_namespace_goes_with_what_is_in_it(sandbox: &Sandbox, namespace: &str) {
    let client = sandbox.client(User::Admin).await;
    let namespaces: Api<Namespace> = Api::all(client);
    namespaces
        .delete(namespace, &DeleteParams::default())
        .await
        .unwrap();
    wait_for("the namespace is gone", LIMIT, async || {
        Ok(namespaces.get_opt(namespace).await?.is_none().then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn users_rights_and_controllers_are_those_of_a_cluster() {
    let sandbox = Sandbox::start_with(SandboxOptions::bare()).await.unwrap();
    eprintln!("bare, ready after {:?}", sandbox.raised_in());
    each_is_who_the_context_says(&sandbox).await;
    each_may_act_for_their_team_only(&sandbox, "apps").await;
    sandbox.fresh_namespace("fresh").await;
    each_may_act_for_their_team_only(&sandbox, "fresh").await;
    dependents_are_collected(&sandbox, "fresh").await;
    pods_need_no_service_account(&sandbox, "fresh").await;
    a_namespace_goes_with_what_is_in_it(&sandbox, "fresh").await;
    let folder = sandbox.folder().to_owned();
    sandbox.stop().await.unwrap();
    expect_nothing_left(&folder);
}

#[tokio::test]
async fn an_api_server_that_crashes_comes_back_with_what_it_held() {
    let sandbox = Sandbox::start_with(SandboxOptions::bare()).await.unwrap();
    sandbox.fresh_namespace("kept").await;
    let namespaces: Api<Namespace> = Api::all(sandbox.client(User::Admin).await);
    sandbox.kill(Component::ApiServer).await.unwrap();
    assert!(namespaces.get("kept").await.is_err());
    let began = Instant::now();
    sandbox.restart(Component::ApiServer).await.unwrap();
    eprintln!("the API server was back after {:?}", began.elapsed());
    namespaces.get("kept").await.unwrap();
    // The controllers find it again. Not the garbage collector's: it forgets kinds that are not
    // served yet, and looks for them every 30 s only.
    a_namespace_goes_with_what_is_in_it(&sandbox, "kept").await;
}

#[tokio::test]
async fn cnpgs_own_crds_are_used_where_they_are_at_hand() {
    if Reference::Manifest.at_hand().is_none() {
        return;
    }
    let options = SandboxOptions {
        real_crds: true,
        ..SandboxOptions::bare()
    };
    let sandbox = Sandbox::start_with(options).await.unwrap();
    eprintln!("with CNPG's CRDs, ready after {:?}", sandbox.raised_in());
    assert_eq!(sandbox.warnings(), &[] as &[String]);
    let kubectl = sandbox
        .kubectl(User::Admin)
        // A field that the project's CRD does not know.
        .args(["explain", "cluster.spec.walStorage.size"])
        .output()
        .unwrap();
    assert!(kubectl.status.success(), "{kubectl:?}");
}
