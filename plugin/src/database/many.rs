//! Reading many databases, in four lists rather than four requests a database. Nothing is held of an
//! object but what a database is shown by.

use std::collections::{HashMap, HashSet};

use daap_crds::contract::{cnpg, label};
use daap_crds::object::View;
use daap_crds::trimmed::{Fields, Kept};
use futures::future::try_join3;
use serde_json::{Value, json};

use super::Database;
use super::read::{operator_saw_secret, unless_forbidden};
use crate::failure::Failure;
use crate::kubernetes::{Ask, Kind, Kubernetes, Row};

/// Of a Cluster: its record, what that is compared with, and what tells its state.
const CLUSTER: Fields = &[
    ("apiVersion", Kept::Nothing),
    ("kind", Kept::Nothing),
    ("metadata", Kept::But(&["managedFields"])),
    (
        "spec",
        Kept::Only(&[
            "bootstrap",
            "certificates",
            "imageName",
            "inheritedMetadata",
            "instances",
            "storage",
        ]),
    ),
    (
        "status",
        Kept::Only(&[
            "conditions",
            "currentPrimary",
            "image",
            "pgDataImageInfo",
            "phase",
            "phaseReason",
            "readyInstances",
            "secretsResourceVersion",
            "targetPrimary",
        ]),
    ),
];
/// Of a Pooler: whose it is, and how it pools.
const POOLER: Fields = &[
    ("apiVersion", Kept::Nothing),
    ("kind", Kept::Nothing),
    ("metadata", Kept::But(&["managedFields"])),
    (
        "spec",
        Kept::Only(&["cluster", "instances", "pgbouncer", "type"]),
    ),
    ("status", Kept::Nothing),
];

/// Of a Deployment.
const DEPLOYMENT: Fields = &[
    (
        "metadata",
        Kept::Only(&["name", "namespace", "resourceVersion"]),
    ),
    ("spec", Kept::Nothing),
    ("status", Kept::Only(&["availableReplicas"])),
];
/// How the names of the Secrets end that clients log in with.
const APP: &str = "-app";

/// Which databases to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    /// Namespace; all where none is given.
    pub(crate) namespace: Option<String>,
    /// Label selector of the Clusters.
    pub(crate) selector: String,
    /// Objects to ask for at once; 0 for all.
    pub(crate) chunk: u32,
    /// At most so many that `keep` keeps; 0 for all.
    pub(crate) limit: usize,
    /// Where to go on.
    pub(crate) from: Option<String>,
    /// Whether changes are followed from there on: then the version of every part is read, too.
    pub(crate) watched: bool,
}

impl Listing {
    /// What asks for every object of this kind where this selector selects it.
    fn all<'a>(&'a self, kind: Kind, selector: &'a str) -> Ask<'a> {
        Ask {
            kind,
            namespace: self.namespace.as_deref(),
            selector,
            size: 0,
            from: None,
        }
    }

    /// What the row of an object says, where the namespace is not asked for.
    fn key(&self, row: Row) -> Key {
        (self.namespace.clone().unwrap_or(row.namespace), row.name)
    }
}

/// What `take` makes of the databases of a listing, where it makes something of them, and where the rest
/// begins. Each is handed over as it comes in.
pub(crate) async fn list<T>(
    k8s: &Kubernetes,
    listing: Listing,
    take: impl Fn(Database) -> Option<T>,
) -> Result<(Vec<T>, Option<String>), Failure> {
    let namespace = listing.namespace.as_deref();
    let page = |have: usize, from: Option<String>| {
        k8s.objects(Ask {
            kind: Kind::Cluster,
            namespace,
            selector: &listing.selector,
            size: page_size(listing.chunk, listing.limit, have),
            from,
        })
    };
    let mut incoming = page(0, listing.from.clone()).await?;
    // After the first answer has begun: who may not list databases is told that, and not of their parts.
    let mut parts = Parts::read(k8s, &listing).await?;
    let mut kept = Vec::new();
    loop {
        let mut unsure = Vec::new();
        let next = incoming.each(CLUSTER, |cluster| {
            if parts.may_have_overlooked(&cluster) {
                unsure.push((kept.len(), cluster));
            } else {
                kept.extend(take(parts.join(cluster)));
            }
        });
        let next = next.await?;
        let overlooked = unsure.iter().map(|(_, cluster)| cluster);
        parts.look_again(k8s, &listing, overlooked).await?;
        // From the last on, so that the places of the others stay what they are.
        for (place, cluster) in unsure.into_iter().rev() {
            if let Some(made) = take(parts.join(cluster)) {
                kept.insert(place, made);
            }
        }
        let enough = listing.limit > 0 && kept.len() >= listing.limit;
        match next {
            Some(next) if !enough => incoming = page(kept.len(), Some(next)).await?,
            // Only who has seen every Cluster knows which Pooler has none.
            None if listing.from.is_none() && !enough => {
                kept.extend(parts.lost(&listing.selector).filter_map(take));
                return Ok((kept, None));
            }
            next => return Ok((kept, next)),
        }
    }
}

/// As many as are still missing: so the continuation of the last page begins after the last one
/// that is shown.
fn page_size(chunk: u32, limit: usize, have: usize) -> u32 {
    match u32::try_from(limit.saturating_sub(have)) {
        Ok(missing) if limit > 0 && chunk == 0 => missing,
        Ok(missing) if limit > 0 => chunk.min(missing),
        _ => chunk,
    }
}

type Key = (String, String);

/// Everything that belongs to databases.
struct Parts {
    /// Whether only the Poolers (and Secrets) that carry the asked record were read.
    selected: bool,
    poolers: HashMap<Key, Packed>,
    /// With no more than how many replicas are available. None where the caller may not see them.
    deployments: Option<HashMap<Key, Packed>>,
    /// Absent where the caller may not see Secrets.
    secrets: Option<HashSet<Key>>,
}

impl Parts {
    async fn read(k8s: &Kubernetes, listing: &Listing) -> Result<Self, Failure> {
        let of_record = of_record(&listing.selector);
        let of_clients = selected(&[cnpg::APP_SECRETS, &of_record]);
        let (poolers, deployments, secrets) = try_join3(
            async {
                let mut poolers = HashMap::new();
                let incoming = k8s.objects(listing.all(Kind::Pooler, &of_record)).await?;
                let read = incoming.each(POOLER, |pooler| {
                    poolers.insert(key(&pooler), Packed::of(&pooler));
                });
                read.await.map(|_| poolers)
            },
            async {
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
                        deployments.insert(key(&deployment), Packed::of(&deployment));
                    });
                    return read.await.map(|_| Some(deployments));
                }
                let read = incoming.each_row("Available", "/status/availableReplicas", |row| {
                    let available = json!({"status": {"availableReplicas": row.value}});
                    deployments.insert(listing.key(row), Packed::of(&available));
                });
                read.await.map(|()| Some(deployments))
            },
            async {
                let incoming = k8s.rows(listing.all(Kind::Secret, &of_clients)).await;
                let Some(incoming) = unless_forbidden(incoming.map(Some), Kind::Secret)? else {
                    return Ok(None);
                };
                let mut secrets = HashSet::new();
                let read = incoming.each_row("", "", |row| {
                    // The others are nobody's business here.
                    if row.name.ends_with(APP) {
                        secrets.insert(listing.key(row));
                    }
                });
                read.await.map(|()| Some(secrets))
            },
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
    fn may_have_overlooked(&self, cluster: &Value) -> bool {
        self.lacks_pooler(cluster) || self.lacks_secret(cluster)
    }

    fn lacks_pooler(&self, cluster: &Value) -> bool {
        self.selected && !self.poolers.contains_key(&key_of_pooler(cluster))
    }

    /// What carries no such label may be there all the same: the operator says whether it is.
    fn lacks_secret(&self, cluster: &Value) -> bool {
        let known = |secrets: &HashSet<Key>| secrets.contains(&key_of_secret(cluster));
        !self.secrets.as_ref().is_none_or(known) && operator_saw_secret(View(cluster))
    }

    /// Among all of them: who may list, may do no more than that.
    async fn look_again<'a>(
        &mut self,
        k8s: &Kubernetes,
        listing: &Listing,
        clusters: impl Iterator<Item = &'a Value> + Clone,
    ) -> Result<(), Failure> {
        let lacking = clusters
            .clone()
            .filter(|cluster| self.lacks_pooler(cluster));
        let lacking: HashSet<Key> = lacking.map(key_of_pooler).collect();
        if !lacking.is_empty() {
            let incoming = k8s.objects(listing.all(Kind::Pooler, "")).await?;
            let read = incoming.each(POOLER, |pooler| {
                let key = key(&pooler);
                if lacking.contains(&key) {
                    self.poolers.insert(key, Packed::of(&pooler));
                }
            });
            read.await?;
        }
        let lacking = clusters.filter(|cluster| self.lacks_secret(cluster));
        let lacking: HashSet<Key> = lacking.map(key_of_secret).collect();
        if let Some(secrets) = self.secrets.as_mut().filter(|_| !lacking.is_empty()) {
            let incoming = k8s.rows(listing.all(Kind::Secret, cnpg::CLUSTER)).await?;
            let read = incoming.each_row("", "", |row| {
                secrets.extend(Some(listing.key(row)).filter(|key| lacking.contains(key)));
            });
            read.await?;
        }
        Ok(())
    }

    fn join(&mut self, cluster: Value) -> Database {
        let pooler = key_of_pooler(&cluster);
        let app_secret = self.secrets.as_ref().map_or_else(
            || operator_saw_secret(View(&cluster)),
            |secrets| secrets.contains(&key_of_secret(&cluster)),
        );
        Database {
            cluster,
            pooler: self.poolers.remove(&pooler).map(Packed::unpacked),
            deployment_hidden: self.deployments.is_none(),
            deployment: { self.deployments.as_mut() }
                .and_then(|deployments| deployments.remove(&pooler))
                .map(Packed::unpacked),
            app_secret,
            lost: false,
        }
    }

    /// Databases of which only the Pooler is left, once every Cluster has been joined.
    fn lost(self, selector: &str) -> impl Iterator<Item = Database> {
        let poolers = self.poolers.into_values();
        poolers
            .map(Packed::unpacked)
            .filter(move |pooler| selects(selector, View(pooler)))
            .filter_map(Database::lost)
    }
}

/// An object as it is written: parsed, it takes several times as much.
struct Packed(Box<[u8]>);

impl Packed {
    fn of(object: &Value) -> Self {
        Self(object.to_string().into_bytes().into_boxed_slice())
    }

    fn unpacked(self) -> Value {
        serde_json::from_slice(&self.0).unwrap_or_default()
    }
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

fn key(object: &Value) -> Key {
    let view = View(object);
    (view.namespace().to_owned(), view.name().to_owned())
}

fn key_of_pooler(cluster: &Value) -> Key {
    let (namespace, name) = key(cluster);
    (namespace, format!("{name}-pooler"))
}

fn key_of_secret(cluster: &Value) -> Key {
    let (namespace, name) = key(cluster);
    (namespace, format!("{name}{APP}"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::kubernetes::fake::Fake;

    #[rstest]
    #[case(500, 0, 0, 500)]
    #[case(500, 10, 0, 10)]
    #[case(500, 10, 7, 3)]
    #[case(5, 10, 0, 5)]
    #[case(0, 0, 0, 0)]
    #[case(0, 10, 7, 3)]
    fn pages_hold_what_is_missing(
        #[case] chunk: u32,
        #[case] limit: usize,
        #[case] have: usize,
        #[case] size: u32,
    ) {
        assert_eq!(page_size(chunk, limit, have), size);
    }

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

    #[tokio::test]
    async fn what_carries_another_team_for_a_while_is_not_overlooked() {
        let fake = Fake::default();
        let k8s = fake.connect();
        for name in ["orders", "shop", "stock"] {
            let database = super::super::fixtures::ready(name);
            let mut pooler = database.pooler.unwrap();
            if name == "shop" {
                let labels = json!({"cnpg.io/cluster": "daap-shop", label::OWNER_TEAM: "billing"});
                let secret = json!({"apiVersion": "v1", "kind": "Secret",
                    "metadata": {"name": "daap-shop-app", "namespace": "apps", "labels": labels}});
                k8s.create(Kind::Secret, &secret, false).await.unwrap();
                pooler["metadata"]["labels"][label::OWNER_TEAM] = "billing".into();
            }
            for (kind, mut object) in [(Kind::Cluster, database.cluster), (Kind::Pooler, pooler)] {
                object["metadata"]["namespace"] = "apps".into();
                k8s.create(kind, &object, false).await.unwrap();
            }
        }
        let listing = Listing {
            namespace: Some("apps".into()),
            selector: format!("{},{}=payments", label::NAME, label::OWNER_TEAM),
            ..Listing::default()
        };
        let listed = list(&k8s, listing, Some).await.unwrap().0;
        let found = { listed.iter() }.map(|one| (one.name(), one.pooler.is_some(), one.app_secret));
        let expected = [
            ("orders", true, true),
            ("shop", true, true),
            ("stock", true, true),
        ];
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}
