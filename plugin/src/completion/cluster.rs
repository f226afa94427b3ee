//! What the API server knows, asked once and briefly.

use std::collections::BTreeMap;
use std::time::Duration;

use daap_crds::contract::{annotation, label};
use daap_crds::history::{History, Version};
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use futures::future::join;
use jiff::Timestamp;

use super::answers::Candidate;
use super::kubeconfig;
use super::source::Source;
use super::words::Words;
use crate::database::{Restorable, tombstones};
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes, connect};
use crate::operation::policy;

/// How long a TAB may take: a cluster behind a VPN and a credential plugin answer in this time, and nobody
/// waits longer for a word that can be typed.
const LIMIT: Duration = Duration::from_secs(3);

/// Of so many databases it is said what they are for: that takes ten times as long as their names.
const DESCRIBED: usize = 200;

/// Values from the cluster; none where it does not answer in time.
pub(super) fn ask(words: &Words, source: Source) -> Vec<Candidate> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return Vec::new();
    };
    let answer = runtime.block_on(async { tokio::time::timeout(LIMIT, find(words, source)).await });
    match answer {
        Ok(Ok(found)) => found,
        _ if source == Source::Namespaces => kubeconfig::namespaces(&words.kubernetes),
        _ => Vec::new(),
    }
}

async fn find(words: &Words, source: Source) -> Result<Vec<Candidate>, Failure> {
    let k8s = connect(&words.kubernetes).await?;
    let namespace = (!words.all_namespaces).then(|| k8s.namespace());
    match source {
        Source::Live if words.before().iter().any(|word| word == "--deleted") => {
            deleted(&k8s, namespace).await
        }
        Source::Live => live(&k8s, namespace).await,
        Source::Deleted => deleted(&k8s, namespace).await,
        Source::LiveOrDeleted => {
            let (live, deleted) = join(live(&k8s, namespace), deleted(&k8s, namespace)).await;
            let mut found = live?;
            // A name that was used again is offered once.
            let more: Vec<_> = deleted?
                .into_iter()
                .filter(|old| found.iter().all(|new| new.value != old.value))
                .collect();
            found.extend(more);
            Ok(found)
        }
        Source::Ids => ids(&k8s, words).await,
        Source::Versions => versions(&k8s, words).await,
        Source::Teams => teams(&k8s, namespace).await,
        Source::StorageClasses => names(&k8s, Kind::StorageClass).await,
        Source::Namespaces => names(&k8s, Kind::Namespace).await,
        _ => Ok(Vec::new()),
    }
}

async fn live(k8s: &Kubernetes, namespace: Option<&str>) -> Result<Vec<Candidate>, Failure> {
    let clusters = k8s.names_cached(Kind::Cluster, namespace, label::NAME);
    let clusters = clusters.await?;
    let names = clusters.iter().map(|name| DatabaseName::of_cluster(name));
    match names.collect::<Option<Vec<_>>>() {
        Some(names) if names.len() > DESCRIBED => Ok(names
            .iter()
            .map(|name| Candidate::new(name.as_str(), ""))
            .collect()),
        // A shortened name stands in full in a label.
        _ => described(k8s, namespace).await,
    }
}

async fn described(k8s: &Kubernetes, namespace: Option<&str>) -> Result<Vec<Candidate>, Failure> {
    let found = k8s
        .list_cached(Kind::Cluster, namespace, label::NAME)
        .await?;
    Ok(found
        .iter()
        .filter_map(|cluster| named(View(cluster), purpose(View(cluster))))
        .collect())
}

async fn deleted(k8s: &Kubernetes, namespace: Option<&str>) -> Result<Vec<Candidate>, Failure> {
    let selector = format!("{}=true", label::DELETED);
    let mut found = k8s
        .list_cached(Kind::ConfigMap, namespace, &selector)
        .await?;
    found.sort_by_key(|map| {
        View(map)
            .annotation(annotation::UPDATED_AT)
            .map(str::to_owned)
    });
    let now = Timestamp::now();
    // Of several that had the name the last one counts.
    let mut by_name = BTreeMap::new();
    for map in &found {
        let restorable = Restorable::of(map, now);
        if restorable != Restorable::Never
            && let Some(candidate) = named(View(map), restorable_words(View(map), restorable))
        {
            by_name.insert(candidate.value.clone(), candidate);
        }
    }
    Ok(by_name.into_values().collect())
}

fn named(object: View<'_>, description: String) -> Option<Candidate> {
    Some(Candidate::new(object.label(label::NAME)?, description))
}

fn purpose(object: View<'_>) -> String {
    let team = object.label(label::OWNER_TEAM).unwrap_or_default();
    match object.annotation(annotation::PURPOSE) {
        Some(purpose) => format!("{team}: {purpose}"),
        None => team.to_owned(),
    }
}

fn restorable_words(object: View<'_>, restorable: Restorable) -> String {
    format!("{}; restorable: {}", purpose(object), restorable.cell())
}

/// The ids that the typed name has had, or every deleted one's.
async fn ids(k8s: &Kubernetes, words: &Words) -> Result<Vec<Candidate>, Failure> {
    let Some(name) = words.name().and_then(|name| DatabaseName::parse(name).ok()) else {
        return Ok(Vec::new());
    };
    let now = Timestamp::now();
    let found = tombstones(k8s, &name).await?;
    Ok(found
        .iter()
        .filter_map(|map| {
            let words = restorable_words(View(map), Restorable::of(map, now));
            Some(Candidate::new(View(map).label(label::ID)?, words))
        })
        .collect())
}

/// The versions of the typed database that can be gone back to.
async fn versions(k8s: &Kubernetes, words: &Words) -> Result<Vec<Candidate>, Failure> {
    let Some(name) = words.name().and_then(|name| DatabaseName::parse(name).ok()) else {
        return Ok(Vec::new());
    };
    let cluster = k8s.get_metadata(Kind::Cluster, &name.cluster()).await?;
    let history = cluster
        .as_ref()
        .and_then(|cluster| View(cluster).annotation(annotation::HISTORY))
        .and_then(|text| History::parse(text).ok());
    let versions = history
        .map(|history| history.versions())
        .unwrap_or_default();
    Ok(versions
        .iter()
        .filter(|version| !version.is_current && version.stands_for == 1)
        .map(|version| Candidate::new(version.version.to_string(), version_words(version)))
        .collect())
}

fn version_words(version: &Version) -> String {
    let record = &version.record;
    format!(
        "{}, {} instances, {}: {}",
        record.owner_team, record.instances, record.storage, record.purpose
    )
}

/// The teams that the policy lists, and those that own something. Who may read only one of both sees that.
/// Poolers carry their Clusters' teams, and are read in a third of the time.
async fn teams(k8s: &Kubernetes, namespace: Option<&str>) -> Result<Vec<Candidate>, Failure> {
    let (policy, poolers) = join(
        policy::read(k8s),
        k8s.list_cached(Kind::Pooler, namespace, label::NAME),
    )
    .await;
    let listed = policy
        .ok()
        .flatten()
        .and_then(|policy| policy.teams)
        .unwrap_or_default();
    let mut owns: BTreeMap<String, usize> =
        listed.iter().map(|team| (team.to_string(), 0)).collect();
    for pooler in poolers.unwrap_or_default() {
        if let Some(team) = View(&pooler).label(label::OWNER_TEAM) {
            *owns.entry(team.to_owned()).or_default() += 1;
        }
    }
    Ok(owns
        .into_iter()
        .map(|(team, number)| Candidate::new(team, number_words(number)))
        .collect())
}

fn number_words(number: usize) -> String {
    match number {
        0 => "no database here".to_owned(),
        1 => "1 database here".to_owned(),
        more => format!("{more} databases here"),
    }
}

/// By their metadata: what a row calls a class says also whether it is the default.
async fn names(k8s: &Kubernetes, kind: Kind) -> Result<Vec<Candidate>, Failure> {
    let found = k8s.list_cached(kind, None, "").await?;
    Ok(found
        .iter()
        .map(|object| Candidate::new(View(object).name(), ""))
        .collect())
}
