//! What belongs to the databases of a list: Poolers, their Deployments, the Secrets of their clients. Each
//! kind is read once, and joined to the Clusters as they come in.

mod held;

use std::collections::{HashMap, HashSet};

use daap_crds::contract::{cnpg, label};
use daap_crds::object::View;
use futures::future::try_join3;
use held::{APP, DEPLOYMENT, Deployment, Key, POOLER, Pooler};
use serde_json::Value;

use super::Database;
use super::listing::Listing;
use super::read::{operator_saw_secret, unless_forbidden};
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes};

/// Everything that belongs to databases.
pub(super) struct Parts {
    /// Whether only the Poolers (and Secrets) that carry the asked record were read.
    selected: bool,
    poolers: HashMap<Key, Pooler>,
    /// None where the caller may not see them.
    deployments: Option<HashMap<Key, Deployment>>,
    /// Absent where the caller may not see Secrets.
    secrets: Option<HashSet<Key>>,
}

impl Parts {
    pub(super) async fn read(k8s: &Kubernetes, listing: &Listing) -> Result<Self, Failure> {
        let of_record = of_record(&listing.selector);
        let (poolers, deployments, secrets) = try_join3(
            poolers(k8s, listing, &of_record),
            deployments(k8s, listing),
            secrets(k8s, listing, &of_record),
        )
        .await?;
        Ok(Self {
            selected: !of_record.is_empty(),
            poolers,
            deployments,
            secrets,
        })
    }

    /// A Pooler, or a Secret, carries another record than its Cluster for a while: when the team changes.
    pub(super) fn may_have_overlooked(&self, cluster: &Value) -> bool {
        self.lacks_pooler(cluster) || self.lacks_secret(cluster)
    }

    fn lacks_pooler(&self, cluster: &Value) -> bool {
        self.selected && !self.poolers.contains_key(&Key::of_pooler(cluster))
    }

    /// What carries no such label may be there all the same: the operator says whether it is.
    fn lacks_secret(&self, cluster: &Value) -> bool {
        let known = |secrets: &HashSet<Key>| secrets.contains(&Key::of_secret(cluster));
        !self.secrets.as_ref().is_none_or(known) && operator_saw_secret(View(cluster))
    }

    /// Among all of them: who may list, may do no more than that.
    pub(super) async fn look_again<'a>(
        &mut self,
        k8s: &Kubernetes,
        listing: &Listing,
        clusters: impl Iterator<Item = &'a Value> + Clone,
    ) -> Result<(), Failure> {
        let lacking = clusters
            .clone()
            .filter(|cluster| self.lacks_pooler(cluster));
        let lacking: HashSet<Key> = lacking.map(Key::of_pooler).collect();
        if !lacking.is_empty() {
            let incoming = k8s.objects(listing.all(Kind::Pooler, "")).await?;
            let read = incoming.each(POOLER, |pooler| {
                let key = Key::of(&pooler);
                if lacking.contains(&key) {
                    self.poolers.insert(key, Pooler::of(&pooler));
                }
            });
            read.await?;
        }
        let lacking = clusters.filter(|cluster| self.lacks_secret(cluster));
        let lacking: HashSet<Key> = lacking.map(Key::of_secret).collect();
        if let Some(secrets) = self.secrets.as_mut().filter(|_| !lacking.is_empty()) {
            let incoming = k8s.rows(listing.all(Kind::Secret, cnpg::CLUSTER)).await?;
            let read = incoming.each_row("", "", |row| {
                secrets
                    .extend(Some(Key::of_row(listing, &row)).filter(|key| lacking.contains(key)));
            });
            read.await?;
        }
        Ok(())
    }

    pub(super) fn join(&mut self, cluster: Value) -> Database {
        let pooler = Key::of_pooler(&cluster);
        let app_secret = self.secrets.as_ref().map_or_else(
            || operator_saw_secret(View(&cluster)),
            |secrets| secrets.contains(&Key::of_secret(&cluster)),
        );
        Database {
            cluster,
            pooler: { self.poolers.remove(&pooler) }.map(Pooler::object),
            deployment_hidden: self.deployments.is_none(),
            deployment: { self.deployments.as_mut() }
                .and_then(|deployments| deployments.remove(&pooler))
                .map(Deployment::object),
            app_secret,
            lost: false,
        }
    }

    /// Databases of which only the Pooler is left, once every Cluster has been joined.
    pub(super) fn lost(self, selector: &str) -> impl Iterator<Item = Database> {
        let poolers = self.poolers.into_values();
        poolers
            .map(Pooler::object)
            .filter(move |pooler| selects(selector, View(pooler)))
            .filter_map(Database::lost)
    }
}

async fn poolers(
    k8s: &Kubernetes,
    listing: &Listing,
    of_record: &str,
) -> Result<HashMap<Key, Pooler>, Failure> {
    let mut poolers = HashMap::new();
    let incoming = k8s.objects(listing.all(Kind::Pooler, of_record)).await?;
    let read = incoming.each(POOLER, |pooler| {
        poolers.insert(Key::of(&pooler), Pooler::of(&pooler));
    });
    read.await.map(|_| poolers)
}

async fn deployments(
    k8s: &Kubernetes,
    listing: &Listing,
) -> Result<Option<HashMap<Key, Deployment>>, Failure> {
    let ask = listing.all(Kind::Deployment, cnpg::POOLER_NAME);
    let incoming = if listing.watched {
        k8s.objects(ask).await
    } else {
        k8s.rows(ask).await
    };
    let Some(incoming) = unless_forbidden(incoming.map(Some), Kind::Deployment)? else {
        return Ok(None);
    };
    let mut deployments = HashMap::new();
    if listing.watched {
        let read = incoming.each(DEPLOYMENT, |deployment| {
            deployments.insert(Key::of(&deployment), Deployment::trimmed(&deployment));
        });
        read.await?;
    } else {
        let read = incoming.each_row("Available", "/status/availableReplicas", |row| {
            let key = Key::of_row(listing, &row);
            deployments.insert(key, Deployment::Available(row.value));
        });
        read.await?;
    }
    Ok(Some(deployments))
}

async fn secrets(
    k8s: &Kubernetes,
    listing: &Listing,
    of_record: &str,
) -> Result<Option<HashSet<Key>>, Failure> {
    let of_clients = selected(&[cnpg::APP_SECRETS, of_record]);
    let incoming = k8s.rows(listing.all(Kind::Secret, &of_clients)).await;
    let Some(incoming) = unless_forbidden(incoming.map(Some), Kind::Secret)? else {
        return Ok(None);
    };
    let mut secrets = HashSet::new();
    let read = incoming.each_row("", "", |row| {
        // The others are nobody's business here.
        if row.name.ends_with(APP) {
            secrets.insert(Key::of_row(listing, &row));
        }
    });
    read.await.map(|()| Some(secrets))
}

/// What of a selector is said of the record, which a Pooler carries, too; empty where that selects
/// nothing but databases.
fn of_record(selector: &str) -> String {
    let values = selector.split(',').filter(|part| {
        let key = part.split_once('=').map(|(key, _)| key);
        key.is_some_and(|key| label::RECORD.contains(&key))
    });
    values.collect::<Vec<_>>().join(",")
}

/// What all of these select.
fn selected(selectors: &[&str]) -> String {
    let said = selectors.iter().filter(|selector| !selector.is_empty());
    said.copied().collect::<Vec<_>>().join(",")
}

/// Whether a selector made of `key` and `key=value` selects the object; any other selects nothing.
fn selects(selector: &str, object: View<'_>) -> bool {
    selector.split(',').all(|part| match part.split_once('=') {
        Some((key, value)) => object.label(key) == Some(value),
        None => object.label(part).is_some(),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("daap.dev/name", "")]
    #[case(
        "daap.dev/name,daap.dev/owner-team=payments",
        "daap.dev/owner-team=payments"
    )]
    #[case("daap.dev/name,tier=gold,daap.dev/id=x", "daap.dev/id=x")]
    #[case("daap.dev/name,daap.dev/owner-team!=payments", "")]
    #[case("daap.dev/name,daap.dev/owner-team in (a,b)", "")]
    fn poolers_are_selected_by_the_record(#[case] selector: &str, #[case] expected: &str) {
        assert_eq!(of_record(selector), expected);
    }

    #[test]
    fn a_pooler_alone_is_a_database_that_has_lost_its_cluster() {
        let database = super::super::fixtures::ready("orders");
        let pooler = database.pooler.unwrap();
        assert!(Database::lost(pooler.clone()).is_none(), "it is collected");
        let mut left = pooler;
        left["metadata"]["ownerReferences"] = serde_json::json!([]);
        let lost = Database::lost(left.clone()).unwrap();
        assert_eq!(lost.name(), "orders");
        assert_eq!(lost.status().reason.as_deref(), Some("cluster missing"));
        assert!(lost.connection().is_none());
        assert!(selects(
            "daap.dev/name,daap.dev/owner-team=payments",
            View(&left)
        ));
        assert!(!selects(
            "daap.dev/name,daap.dev/owner-team=billing",
            View(&left)
        ));
    }
}
