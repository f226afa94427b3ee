//! The tree of a database that lives.

use std::collections::BTreeSet;

use daap_crds::contract::cnpg;
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use serde_json::Value;

use super::read::{Parts, Seen};
use super::{Node, pod};
use crate::database::Database;
use crate::database::pod::{has_succeeded, is_instance};

const MISSING: &str = "missing";

/// Whether only events can say what is wrong.
pub(super) fn is_stuck(parts: &Parts) -> bool {
    let pending = |volume: &Value| View(volume).text("/status/phase") != Some("Bound");
    let waits = parts
        .volumes
        .as_ref()
        .is_ok_and(|volumes| volumes.iter().any(pending));
    let no_instance = parts
        .pods
        .as_ref()
        .is_ok_and(|pods| !pods.iter().any(|pod| is_instance(View(pod))));
    waits || no_instance
}

pub(super) fn tree(
    database: &Database,
    name: &DatabaseName,
    parts: &Parts,
    events: &[Value],
) -> Node {
    let status = database.status();
    let text = match status.reason {
        Some(reason) => format!("{}: {reason}", status.state),
        None => status.state.to_string(),
    };
    Node::new("Database", name.as_str(), text)
        .with(cluster(database, name, parts, events))
        .with(pooler(database, name, parts))
}

fn cluster(database: &Database, name: &DatabaseName, parts: &Parts, events: &[Value]) -> Node {
    if database.lost {
        return Node::new("Cluster", &name.cluster(), MISSING)
            .with_all(instances(parts, events))
            .with_all(secrets(name, parts));
    }
    let cluster = database.view();
    let count = |pointer| {
        cluster
            .at(pointer)
            .and_then(Value::as_i64)
            .unwrap_or_default()
    };
    let phase = cluster
        .text("/status/phase")
        .unwrap_or("no phase: the operator has not seen it yet");
    let mut text = match cluster
        .text("/status/phaseReason")
        .filter(|why| !why.is_empty())
    {
        Some(why) => format!("{phase}: {why}"),
        None => phase.to_owned(),
    };
    if cluster.annotation(cnpg::HIBERNATION) == Some("on") {
        text = format!("docked; {text}");
    }
    Node::new("Cluster", cluster.name(), text)
        .ready(count("/status/readyInstances"), count("/spec/instances"))
        .with_all(instances(parts, events))
        .with_all(jobs(cluster.name(), events, parts))
        .with_all(secrets(name, parts))
        .with_all(services(parts, |service| {
            service.label(cnpg::POOLER_NAME).is_none() && service.name() != name.pooler()
        }))
}

/// Pods with their volumes; volumes that no pod uses stand alone.
fn instances(parts: &Parts, events: &[Value]) -> Vec<Node> {
    let mut nodes = Vec::new();
    let volumes = listed(&parts.volumes, "PersistentVolumeClaims", &mut nodes);
    let pods = listed(&parts.pods, "Pods", &mut nodes);
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    let of_instance = |instance: &str| {
        volumes
            .iter()
            .map(View)
            .filter(|volume| volume.label(cnpg::INSTANCE_NAME) == Some(instance))
            .map(|claim| volume(claim, events))
            .collect::<Vec<_>>()
    };
    let mut made = Vec::new();
    for pod in pods.iter().map(View) {
        if !is_instance(pod) || has_succeeded(pod) {
            continue;
        }
        let node = pod::node(pod);
        // Several pods of one Job share the volume.
        let instance = pod.label(cnpg::INSTANCE_NAME).unwrap_or(pod.name());
        made.push(if shown.insert(instance) {
            node.with_all(of_instance(instance))
        } else {
            node
        });
    }
    let alone = volumes.iter().map(View).filter(|volume| {
        !volume
            .label(cnpg::INSTANCE_NAME)
            .is_some_and(|instance| shown.contains(instance))
    });
    made.extend(alone.map(|claim| volume(claim, events)));
    made.extend(nodes);
    made
}

fn volume(claim: View<'_>, events: &[Value]) -> Node {
    let phase = if claim.is_being_deleted() {
        "Terminating"
    } else {
        claim.text("/status/phase").unwrap_or("Pending")
    };
    let size = claim
        .text("/status/capacity/storage")
        .or_else(|| claim.text("/spec/resources/requests/storage"))
        .unwrap_or_default();
    let mut text = format!("{phase} {size}").trim_end().to_owned();
    // `ready` is whole; one that is `initializing` holds no database yet.
    if let Some(status) = claim.annotation(cnpg::PVC_STATUS) {
        text = format!("{text}, {status}");
    }
    if phase == "Pending"
        && let Some(why) = warning("PersistentVolumeClaim", claim.name(), events)
    {
        text = format!("{text}: {why}");
    }
    Node::new("PersistentVolumeClaim", claim.name(), text)
}

/// Jobs that could make no pod: with a quota, say.
fn jobs(cluster: &str, events: &[Value], parts: &Parts) -> Vec<Node> {
    if parts
        .pods
        .as_ref()
        .is_ok_and(|pods| pods.iter().any(|pod| is_instance(View(pod))))
    {
        return Vec::new();
    }
    let prefix = format!("{cluster}-");
    let names: BTreeSet<&str> = events
        .iter()
        .map(View)
        .filter(|event| event.text("/involvedObject/kind") == Some("Job"))
        .filter_map(|event| event.text("/involvedObject/name"))
        .filter(|name| name.starts_with(&prefix))
        .collect();
    names
        .into_iter()
        .filter_map(|name| Some(Node::new("Job", name, warning("Job", name, events)?)))
        .collect()
}

fn warning(kind: &str, name: &str, events: &[Value]) -> Option<String> {
    let event = events.iter().map(View).rev().find(|event| {
        event.text("/involvedObject/kind") == Some(kind)
            && event.text("/involvedObject/name") == Some(name)
    })?;
    Some(format!(
        "{}: {}",
        event.text("/reason").unwrap_or("Warning"),
        event.text("/message").unwrap_or_default()
    ))
}

/// That they are there, never what is in them.
fn secrets(name: &DatabaseName, parts: &Parts) -> Vec<Node> {
    let names = [name.app_secret(), name.ca_secret()];
    match &parts.secrets {
        Err(why) => vec![unseen("Secrets", why)],
        Ok(found) => names
            .iter()
            .zip(found)
            .map(|(name, found)| {
                let status = if found.is_some() { "present" } else { MISSING };
                Node::new("Secret", name, status)
            })
            .collect(),
    }
}

fn services(parts: &Parts, ours: impl Fn(View<'_>) -> bool) -> Vec<Node> {
    let mut nodes = Vec::new();
    let found = listed(&parts.services, "Services", &mut nodes);
    let services = found.iter().map(View).filter(|service| ours(*service));
    services.map(service).chain(nodes.clone()).collect()
}

fn service(service: View<'_>) -> Node {
    let kind = service.text("/spec/type").unwrap_or("ClusterIP");
    let address = service
        .text("/status/loadBalancer/ingress/0/ip")
        .or_else(|| service.text("/status/loadBalancer/ingress/0/hostname"))
        .or_else(|| service.text("/spec/clusterIP"))
        .unwrap_or("no address yet");
    let port = service
        .at("/spec/ports/0/port")
        .and_then(Value::as_i64)
        .map_or_else(String::new, |port| format!(":{port}"));
    Node::new("Service", service.name(), format!("{kind} {address}{port}"))
}

fn pooler(database: &Database, name: &DatabaseName, parts: &Parts) -> Node {
    let Some(pooler) = database.pooler.as_ref().map(View) else {
        return Node::new("Pooler", &name.pooler(), MISSING);
    };
    let count =
        |view: View<'_>, pointer| view.at(pointer).and_then(Value::as_i64).unwrap_or_default();
    let mode = pooler.text("/spec/pgbouncer/poolMode").unwrap_or("session");
    let wanted = count(pooler, "/spec/instances");
    let deployment = match database.deployment.as_ref().map(View) {
        None => Node::new("Deployment", &name.pooler(), MISSING),
        Some(deployment) => {
            let available = count(deployment, "/status/availableReplicas");
            // One, where the field is left out.
            let of = deployment
                .at("/spec/replicas")
                .and_then(Value::as_i64)
                .unwrap_or(1);
            let status = if available >= of {
                "available"
            } else {
                "not available"
            };
            Node::new("Deployment", &name.pooler(), status).ready(available, of)
        }
    };
    let pods = parts
        .pods
        .iter()
        .flatten()
        .map(View)
        .filter(|pod| pod.label(cnpg::POOLER_NAME) == Some(pooler.name()));
    let service = match &parts.pooler_service {
        Ok(Some(found)) => service(View(found)),
        Ok(None) => Node::new("Service", &name.pooler(), MISSING),
        Err(why) => unseen("Services", why),
    };
    let ready = database.deployment.as_ref().map_or(0, |deployment| {
        count(View(deployment), "/status/availableReplicas")
    });
    Node::new("Pooler", pooler.name(), format!("{mode} mode"))
        .ready(ready, wanted)
        .with(deployment.with_all(pods.map(pod::node)))
        .with(service)
}

fn listed<'a>(seen: &'a Seen<Vec<Value>>, what: &str, nodes: &mut Vec<Node>) -> &'a [Value] {
    match seen {
        Ok(found) => found,
        Err(why) => {
            nodes.push(unseen(what, why));
            &[]
        }
    }
}

/// One line for what the caller may not see.
fn unseen(what: &str, why: &str) -> Node {
    Node::new(what, "?", format!("not shown: {why}"))
}

#[cfg(test)]
mod tests;
