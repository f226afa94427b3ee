//! A sandbox with everything in it: the webhook's rules in force, and databases that run.

use std::{fs, path::PathBuf, time::Duration};

use daap_tests::sandbox::{Component, NAMESPACE, Sandbox, SandboxOptions, User, wait_for};
use kube::{
    Api, Client,
    api::{DynamicObject, PostParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

use crate::leftovers::{expect_nothing_left, kill, processes_of};

const LIMIT: Duration = Duration::from_mins(2);

fn api(client: Client, kind: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("postgresql.cnpg.io", "v1", kind);
    Api::namespaced_with(client, NAMESPACE, &ApiResource::from_gvk(&kind))
}

fn object(value: Value) -> DynamicObject {
    serde_json::from_value(value).unwrap()
}

fn cluster(name: &str, team: &str) -> DynamicObject {
    object(json!({
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": {
            "name": format!("daap-{name}"),
            "labels": { "daap.dev/name": name, "daap.dev/owner-team": team },
            "annotations": { "daap.dev/purpose": "to see whether it is there" },
        },
        "spec": { "instances": 1, "storage": { "size": "1Gi" } },
    }))
}

async fn try_to_create(sandbox: &Sandbox, cluster: &DynamicObject) -> Result<(), String> {
    let clusters = api(sandbox.client(User::PaymentsDev).await, "Cluster");
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let created = clusters.create(&dry_run, cluster).await;
    created.map(|_| ()).map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_webhook_decides_and_without_it_nothing_is_written() {
    let options = SandboxOptions {
        operator: false,
        ..SandboxOptions::default()
    };
    let sandbox = Sandbox::start_with(options).await.unwrap();
    eprintln!("with the webhook, ready after {:?}", sandbox.raised_in());
    let own = cluster("orders", "payments");
    try_to_create(&sandbox, &own).await.unwrap();
    // What no policy of the API server refuses before the webhook is asked.
    let mut large = own.clone();
    large.data["spec"]["instances"] = 99.into();
    let refused = try_to_create(&sandbox, &large).await.unwrap_err();
    assert!(refused.contains("denied the request"), "{refused}");

    sandbox.kill(Component::Webhook).await.unwrap();
    let refused = try_to_create(&sandbox, &own).await.unwrap_err();
    assert!(refused.contains("failed calling webhook"), "{refused}");
    sandbox.restart(Component::Webhook).await.unwrap();
    try_to_create(&sandbox, &own).await.unwrap();
}

#[tokio::test]
async fn the_policy_is_the_one_that_the_options_give() {
    let options = SandboxOptions {
        operator: false,
        policy: Some("teams: [billing]\n".to_owned()),
        ..SandboxOptions::default()
    };
    let sandbox = Sandbox::start_with(options).await.unwrap();
    let refused = try_to_create(&sandbox, &cluster("orders", "payments")).await;
    let refused = refused.unwrap_err();
    assert!(refused.contains("denied the request"), "{refused}");
}

/// Files of shared memory that processes of the sandbox use: they lie outside of its folder.
fn shared_memory(sandbox: &Sandbox) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for process in processes_of(sandbox.folder()) {
        let (process, _) = process.split_once(':').unwrap();
        let maps = fs::read_to_string(format!("{process}/maps")).unwrap_or_default();
        let names = maps
            .lines()
            .filter_map(|line| Some(&line[line.find("/dev/shm/")?..]));
        files.extend(names.map(PathBuf::from));
    }
    files
}

#[tokio::test]
async fn a_database_runs_and_goes_with_a_supervisor_that_is_killed() {
    let sandbox = Sandbox::start().await.unwrap();
    eprintln!("with everything, ready after {:?}", sandbox.raised_in());
    assert!(sandbox.raised_in() < Duration::from_secs(30));
    let client = sandbox.client(User::PaymentsDev).await;
    let clusters = api(client.clone(), "Cluster");
    let create = PostParams::default();
    clusters
        .create(&create, &cluster("orders", "payments"))
        .await
        .unwrap();
    let pooler = object(json!({
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Pooler",
        "metadata": { "name": "daap-orders-pooler" },
        "spec": {
            "cluster": { "name": "daap-orders" },
            "instances": 1,
            "type": "rw",
            "pgbouncer": { "poolMode": "transaction" },
        },
    }));
    api(client, "Pooler")
        .create(&create, &pooler)
        .await
        .unwrap();
    wait_for("the database is healthy", LIMIT, async || {
        let found = clusters.get("daap-orders").await?;
        let phase = found.data.pointer("/status/phase").and_then(Value::as_str);
        Ok((phase == Some("Cluster in healthy state")).then_some(()))
    })
    .await
    .unwrap();
    let memory = shared_memory(&sandbox);
    kill(sandbox.supervisor_pid());
    expect_nothing_left(sandbox.folder());
    let left: Vec<_> = memory.iter().filter(|file| file.exists()).collect();
    assert!(left.is_empty(), "{left:?}");
}
