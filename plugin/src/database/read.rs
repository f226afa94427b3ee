//! Reading a database by its name.

use std::ffi::OsStr;

use daap_crds::contract::{annotation, label};
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

/// What the caller may not read is told, and does not hide the rest.
pub(super) fn unless_forbidden<T>(
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
pub(super) fn operator_saw_secret(cluster: View<'_>) -> bool {
    cluster
        .text("/status/secretsResourceVersion/applicationSecretVersion")
        .is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_utf8_is_refused() {
        use std::os::unix::ffi::OsStrExt as _;
        let failure = Name::parse(OsStr::from_bytes(b"ord\xff")).unwrap_err();
        assert!(failure.to_string().contains("not UTF-8"), "{failure}");
    }
}
