//! Reading databases: one by its name, or many page by page.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;

use daap_crds::contract::{annotation, cnpg, label};
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use futures::future::try_join3;
use serde_json::Value;

use super::Database;
use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes};
use crate::output::stderr_line;

/// What may stand before a name, as in `database/orders`, so that what is printed can be typed.
const PREFIXES: [&str; 2] = ["database/", "databases/"];

/// A name as it was typed.
pub(crate) struct Name;

impl Name {
    /// The name as text: `database/orders` is `orders`.
    ///
    /// # Errors
    /// It is not UTF-8.
    pub(crate) fn text(given: &OsStr) -> Result<&str, String> {
        let text = given.to_str().ok_or_else(|| {
            format!(
                "'{}' is not UTF-8; a name is made of lower-case letters, digits and hyphens",
                given.to_string_lossy()
            )
        })?;
        Ok(PREFIXES
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))
            .unwrap_or(text))
    }

    /// The name of a database that should exist.
    pub(crate) fn parse(given: &OsStr) -> Result<DatabaseName, Failure> {
        let invalid = |error: String| {
            Failure::new(format!("name: {error}"))
                .hint("list the databases that you can see: kubectl daap list")
        };
        let text = Self::text(given).map_err(invalid)?;
        DatabaseName::parse(text).map_err(|error| invalid(error.to_string()))
    }
}

/// The database of that name, if it lives.
pub(crate) async fn find(
    k8s: &Kubernetes,
    name: &DatabaseName,
) -> Result<Option<Database>, Failure> {
    let Some(cluster) = k8s.get(Kind::Cluster, &name.cluster()).await? else {
        return Ok(None);
    };
    let (pooler_name, secret_name) = (name.pooler(), name.app_secret());
    let (pooler, deployment, secret) = try_join3(
        k8s.get(Kind::Pooler, &pooler_name),
        async {
            let found = k8s.get(Kind::Deployment, &pooler_name).await;
            unless_forbidden(found.map(Some), Kind::Deployment)
        },
        async {
            unless_forbidden(
                k8s.get_metadata(Kind::Secret, &secret_name)
                    .await
                    .map(|secret| Some(secret.is_some())),
                Kind::Secret,
            )
        },
    )
    .await?;
    let app_secret = secret.unwrap_or_else(|| operator_saw_secret(View(&cluster)));
    Ok(Some(Database {
        cluster,
        pooler,
        deployment_hidden: deployment.is_none(),
        deployment: deployment.flatten(),
        app_secret,
        lost: false,
    }))
}

/// The database of that name, if it lives or its Pooler alone is left.
pub(crate) async fn find_or_lost(
    k8s: &Kubernetes,
    name: &DatabaseName,
) -> Result<Option<Database>, Failure> {
    if let Some(database) = find(k8s, name).await? {
        return Ok(Some(database));
    }
    let pooler = k8s.get(Kind::Pooler, &name.pooler()).await?;
    Ok(pooler.and_then(Database::lost))
}

/// The tombstones of a name, the oldest first.
pub(crate) async fn tombstones(
    k8s: &Kubernetes,
    name: &DatabaseName,
) -> Result<Vec<Value>, Failure> {
    let selector = format!("{}={name},{}=true", label::NAME, label::DELETED);
    let mut found = k8s.list(Kind::ConfigMap, &selector).await?;
    found.sort_by_key(|tombstone| {
        View(tombstone)
            .annotation(annotation::UPDATED_AT)
            .map(str::to_owned)
    });
    Ok(found)
}

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
}

/// The databases of a listing that `keep` keeps, and where the rest begins.
pub(crate) async fn list(
    k8s: &Kubernetes,
    listing: Listing,
    keep: impl Fn(&Database) -> bool,
) -> Result<(Vec<Database>, Option<String>), Failure> {
    let namespace = listing.namespace.as_deref();
    let page = |have: usize, from: Option<String>| {
        let size = page_size(listing.chunk, listing.limit, have);
        k8s.page(Kind::Cluster, namespace, &listing.selector, size, from)
    };
    let first = page(0, listing.from.clone()).await?;
    // After the first page: who may not list databases is told that, and not of their parts.
    let mut parts = Parts::read(k8s, namespace).await?;
    let mut kept = Vec::new();
    let mut current = first;
    loop {
        let databases = current.items.into_iter().map(|cluster| parts.join(cluster));
        kept.extend(databases.filter(|database| keep(database)));
        let enough = listing.limit > 0 && kept.len() >= listing.limit;
        match current.next {
            Some(next) if !enough => current = page(kept.len(), Some(next)).await?,
            // Only who has seen every Cluster knows which Pooler has none.
            None if listing.from.is_none() && !enough => {
                kept.extend(parts.lost(&listing.selector).filter(|lost| keep(lost)));
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

/// Everything that belongs to databases, in three lists rather than three requests a database.
struct Parts {
    poolers: HashMap<Key, Value>,
    /// None where the caller may not see them.
    deployments: Option<HashMap<Key, Value>>,
    /// Absent where the caller may not see Secrets.
    secrets: Option<HashSet<Key>>,
}

impl Parts {
    async fn read(k8s: &Kubernetes, namespace: Option<&str>) -> Result<Self, Failure> {
        let (poolers, deployments, secrets) = try_join3(
            k8s.list_in(Kind::Pooler, namespace, ""),
            async {
                let found = k8s
                    .list_in(Kind::Deployment, namespace, cnpg::POOLER_NAME)
                    .await;
                unless_forbidden(found.map(Some), Kind::Deployment)
            },
            async {
                let found = k8s.list_in(Kind::Secret, namespace, cnpg::CLUSTER).await;
                unless_forbidden(found.map(Some), Kind::Secret)
            },
        )
        .await?;
        let by_key = |objects: Vec<Value>| -> HashMap<Key, Value> {
            objects
                .into_iter()
                .map(|object| (key(&object), object))
                .collect()
        };
        Ok(Self {
            poolers: by_key(poolers),
            deployments: deployments.map(by_key),
            secrets: secrets.map(|secrets| secrets.iter().map(key).collect()),
        })
    }

    fn join(&mut self, cluster: Value) -> Database {
        let (namespace, name) = key(&cluster);
        let part = |suffix: &str| (namespace.clone(), format!("{name}-{suffix}"));
        let app_secret = self.secrets.as_ref().map_or_else(
            || operator_saw_secret(View(&cluster)),
            |secrets| secrets.contains(&part("app")),
        );
        Database {
            cluster,
            pooler: self.poolers.remove(&part("pooler")),
            deployment_hidden: self.deployments.is_none(),
            deployment: { self.deployments.as_mut() }
                .and_then(|deployments| deployments.remove(&part("pooler"))),
            app_secret,
            lost: false,
        }
    }

    /// Databases of which only the Pooler is left, once every Cluster has been joined.
    fn lost(self, selector: &str) -> impl Iterator<Item = Database> {
        let poolers = self.poolers.into_values();
        poolers
            .filter(move |pooler| selects(selector, View(pooler)))
            .filter_map(Database::lost)
    }
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

/// What the caller may not read is told, and does not hide the rest.
fn unless_forbidden<T>(
    answer: Result<Option<T>, Failure>,
    kind: Kind,
) -> Result<Option<T>, Failure> {
    match answer {
        Err(failure) if failure.classification() == Class::Forbidden => {
            if kind == Kind::Deployment {
                stderr_line(&format!(
                    "Warning: {failure}; whether poolers serve connections is not known"
                ));
            }
            Ok(None)
        }
        other => other,
    }
}

/// Whether the operator says that there is an app Secret: for callers who may not see Secrets.
fn operator_saw_secret(cluster: View<'_>) -> bool {
    cluster
        .text("/status/secretsResourceVersion/applicationSecretVersion")
        .is_some()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

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

    #[test]
    fn names_may_be_typed_as_they_are_printed() {
        assert_eq!(
            Name::parse(OsStr::new("database/orders")).unwrap().as_str(),
            "orders"
        );
        assert!(
            Name::parse(OsStr::new("Orders"))
                .unwrap_err()
                .to_string()
                .starts_with("name: ")
        );
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

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_utf8_is_refused() {
        use std::os::unix::ffi::OsStrExt as _;
        let failure = Name::parse(OsStr::from_bytes(b"ord\xff")).unwrap_err();
        assert!(failure.to_string().contains("not UTF-8"), "{failure}");
    }
}
