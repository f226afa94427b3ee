//! Reads what an explanation is made from.

use std::collections::BTreeMap;

use daap_crds::contract::cnpg;
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use futures::future::{join_all, try_join3};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Facts, Probe};
use crate::database::events::{self, Which};
use crate::database::tree::{Parts, seen};
use crate::database::{find_or_lost, pod};
use crate::failure::{Away, Class, Failure};
use crate::kubernetes::{Kind, Kubernetes};

/// Lines of a log that are read: what ends a program stands last.
const LOG_LINES: u32 = 60;
/// Logs that are read at most; those of one Job say the same.
const LOGS: usize = 3;

/// The facts about the database of that name, if it lives.
pub(super) async fn read(k8s: &Kubernetes, name: &DatabaseName) -> Result<Option<Facts>, Failure> {
    // On the heap: so many requests at once are much for a stack.
    let (database, parts, warnings) = Box::pin(try_join3(
        find_or_lost(k8s, name),
        Parts::read(k8s, name),
        async { seen(events::read(k8s, Some(name), Which::Warnings).await) },
    ))
    .await?;
    let Some(database) = database else {
        return Ok(None);
    };
    let pods = parts.pods.as_deref().unwrap_or_default();
    let (logs, operator, probe) = Box::pin(futures::future::join3(
        logs(k8s, pods),
        operator(k8s),
        async {
            if database.lost {
                Probe::Unknown
            } else {
                probe(k8s, name).await
            }
        },
    ))
    .await;
    Ok(Some(Facts {
        name: name.clone(),
        namespace: k8s.namespace().to_owned(),
        database,
        pods: parts.pods,
        volumes: parts.volumes,
        warnings,
        logs,
        operator,
        probe,
        now: Timestamp::now(),
    }))
}

/// The logs of containers that ended badly. They explain; whoever may not see them is told where to
/// look.
async fn logs(k8s: &Kubernetes, pods: &[Value]) -> BTreeMap<String, String> {
    let failed = pods.iter().map(View).filter_map(|pod| {
        let container = pod::containers(pod).find(|container| has_failed(*container))?;
        let previous = container.at("/state/waiting").is_some();
        Some((
            pod.name(),
            container.text("/name").unwrap_or_default(),
            previous,
        ))
    });
    let read = failed.take(LOGS).map(async |(pod, container, previous)| {
        let log = k8s.log(pod, container, previous, LOG_LINES).await.ok()?;
        Some((pod.to_owned(), log))
    });
    join_all(read).await.into_iter().flatten().collect()
}

fn has_failed(container: View<'_>) -> bool {
    ["/state/terminated", "/lastState/terminated"]
        .into_iter()
        .filter_map(|pointer| container.at(pointer).map(View))
        .any(|terminated| pod::exit_code(terminated) != 0)
}

/// The operator's Deployment, wherever it is; most callers may not see it.
async fn operator(k8s: &Kubernetes) -> Option<Value> {
    let found = k8s.list_in(Kind::Deployment, None, cnpg::OPERATOR).await;
    found.ok()?.into_iter().next()
}

/// Has a write that changes nothing go through admission, and be forgotten: only that tells everybody
/// who may write whether the webhooks answer.
async fn probe(k8s: &Kubernetes, name: &DatabaseName) -> Probe {
    let nothing = json!({"metadata": {"annotations": {}}});
    let answer = k8s
        .dry_run()
        .merge(Kind::Cluster, &name.cluster(), &nothing)
        .await;
    match answer {
        Ok(_) => Probe::Answered,
        Err(failure) => match (failure.away(), failure.classification()) {
            (Some(Away::Operator), _) => Probe::OperatorAway(failure.to_string()),
            (Some(Away::Webhook), _) => Probe::WebhookAway(failure.to_string()),
            // What is refused was looked at.
            (None, Class::Hard) => Probe::Answered,
            (None, _) => Probe::Unknown,
        },
    }
}
