//! `kubectl daap purge --expired`: what a `CronJob` runs.

use daap_crds::contract::label;
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use daap_crds::tombstone::{Stage, Tombstone};
use jiff::Timestamp;
use serde_json::Value;

use super::PurgeArgs;
use crate::cli::DryRun;
use crate::commands::each::each;
use crate::confirm::confirm;
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes};
use crate::output::stderr_line;

/// What has to be typed.
const WORD: &str = "expired";

/// A deleted database whose time is over.
struct Expired {
    name: DatabaseName,
    id: String,
    namespace: String,
    until: Timestamp,
}

/// One after the other.
pub(super) async fn run(k8s: &Kubernetes, args: &PurgeArgs) -> Result<(), Failure> {
    let namespace = (!args.all_namespaces).then(|| k8s.namespace());
    let selector = format!("{}=true,{}", label::DELETED, label::NAME);
    let tombstones = k8s.list_in(Kind::ConfigMap, namespace, &selector).await?;
    let expired = select(&tombstones, Timestamp::now());
    if expired.is_empty() {
        stderr_line("No deleted database has outlived its time.");
        return Ok(());
    }
    for one in &expired {
        stderr_line(&format!(
            "database/{} in namespace {}: kept until {}",
            one.name,
            one.namespace,
            one.until.strftime("%Y-%m-%d")
        ));
    }
    if !args.yes && args.dry_run == DryRun::None {
        let what = format!("destroying the data of {} deleted databases", expired.len());
        confirm(&what, "it cannot be brought back", WORD).await?;
    }
    let known = |one: Expired| (format!("{}/{}", one.namespace, one.name), one);
    let expired = expired.into_iter().map(known).collect();
    each(expired, "not purged", async |one: Expired| {
        let there = k8s.in_namespace(&one.namespace);
        super::finish(&there, &one.name, Some(one.id), args).await
    })
    .await
}

/// Those whose deletion is finished, whose data is kept, and whose time is over.
fn select(tombstones: &[Value], now: Timestamp) -> Vec<Expired> {
    tombstones
        .iter()
        .map(View)
        .filter_map(|view| {
            let tombstone = Tombstone::read(view)?;
            let kept = tombstone.stage == Stage::Complete && tombstone.keeps_data();
            let over = kept && tombstone.until <= now;
            // What a purge began and did not finish is nobody's any more.
            (over || tombstone.is_being_purged()).then_some(Expired {
                name: DatabaseName::parse(view.label(label::NAME)?).ok()?,
                id: view.label(label::ID)?.to_owned(),
                namespace: view.namespace().to_owned(),
                until: tombstone.until,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::fixtures;

    #[test]
    fn only_what_has_outlived_its_time() {
        let tombstones = [fixtures::tombstone("orders")];
        let at = |time: &str| select(&tombstones, time.parse().unwrap()).len();
        assert_eq!(at("2026-12-20T00:00:00Z"), 0);
        assert_eq!(at("2026-12-22T00:00:00Z"), 1);
    }
}
