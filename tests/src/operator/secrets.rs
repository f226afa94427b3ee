//! Secrets of a Cluster. One of its name that is already there is used as it is, whoever made it.

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use super::{
    Shared,
    addresses::random_bytes,
    certificates::{self, Leaf, Pair},
    contract::{POOLER_ROLE, PORT, REPLICATION_ROLE, STAND_IN, STAND_IN_SAYS, annotation, label},
    error::Error,
    objects::create,
    resources::Cluster,
};

/// Makes what is missing. Says whether all of it had been there.
pub(super) async fn ensure(shared: &Shared, cluster: &Cluster) -> Result<(), Error> {
    let api: Api<Secret> = Api::namespaced(shared.client.clone(), &cluster.namespace);
    if api.get_opt(&cluster.app_secret()).await?.is_none() {
        create(&api, application(cluster)?).await?;
    }
    let authority = format!("{}-ca", cluster.name);
    if api.get_opt(&authority).await?.is_none() {
        let pair = certificates::authority(&cluster.name, &cluster.namespace)?;
        let data = json!({ "ca.crt": pair.certificate, "ca.key": pair.key });
        create(&api, internal(cluster, &authority, "Opaque", &data)).await?;
    }
    let server = format!("{}-server", cluster.name);
    let names = server_names(cluster);
    let common_name = format!("{}-rw", cluster.name);
    ensure_leaf(&api, cluster, &server, &common_name, &Leaf::Server(&names)).await?;
    let replication = format!("{}-replication", cluster.name);
    ensure_leaf(&api, cluster, &replication, REPLICATION_ROLE, &Leaf::Client).await
}

/// Makes the Secret that `PgBouncer` logs in with, once there is a Pooler.
pub(super) async fn ensure_pooler(shared: &Shared, cluster: &Cluster) -> Result<(), Error> {
    let api: Api<Secret> = Api::namespaced(shared.client.clone(), &cluster.namespace);
    let name = format!("{}-pooler", cluster.name);
    ensure_leaf(&api, cluster, &name, POOLER_ROLE, &Leaf::Client).await
}

/// The names in the server certificate, in the operator's order.
pub(super) fn server_names(cluster: &Cluster) -> Vec<String> {
    let namespace = &cluster.namespace;
    let mut names = Vec::new();
    for service in ["rw", "r", "ro"].map(|suffix| format!("{}-{suffix}", cluster.name)) {
        names.push(service.clone());
        names.push(format!("{service}.{namespace}"));
        names.push(format!("{service}.{namespace}.svc"));
        names.push(format!("{service}.{namespace}.svc.cluster.local"));
    }
    names.extend(
        cluster
            .spec
            .certificates
            .server_alt_dns_names
            .iter()
            .cloned(),
    );
    names
}

/// A key of a Secret as text, empty when it is not there.
pub(super) fn text(secret: &Secret, key: &str) -> String {
    let data = secret.data.as_ref().and_then(|data| data.get(key));
    data.map_or_else(String::new, |ByteString(bytes)| {
        String::from_utf8_lossy(bytes).into_owned()
    })
}

async fn ensure_leaf(
    api: &Api<Secret>,
    cluster: &Cluster,
    name: &str,
    common_name: &str,
    leaf: &Leaf<'_>,
) -> Result<(), Error> {
    if api.get_opt(name).await?.is_some() {
        return Ok(());
    }
    let authority = api.get(&format!("{}-ca", cluster.name)).await?;
    let Pair { certificate, key } = certificates::leaf(
        &cluster.name,
        &cluster.namespace,
        &text(&authority, "ca.key"),
        common_name,
        leaf,
    )?;
    let data = json!({ "tls.crt": certificate, "tls.key": key });
    create(api, internal(cluster, name, "kubernetes.io/tls", &data))
        .await
        .map(drop)
}

fn application(cluster: &Cluster) -> Result<Value, Error> {
    let (user, database, namespace) = (cluster.owner(), cluster.database(), &cluster.namespace);
    let password = password()?;
    let host = format!("{}-rw", cluster.name);
    let qualified = format!("{host}.{namespace}");
    let local = format!("{qualified}.svc.cluster.local");
    let uri = |host: &str| format!("postgresql://{user}:{password}@{host}:{PORT}/{database}");
    let jdbc = |host: &str| {
        format!("jdbc:postgresql://{host}:{PORT}/{database}?password={password}&user={user}")
    };
    let data = json!({
        "username": user, "user": user, "password": password, "dbname": database, "host": host,
        "port": PORT.to_string(),
        "pgpass": format!("{host}:{PORT}:{database}:{user}:{password}\n"),
        "uri": uri(&qualified), "jdbc-uri": jdbc(&qualified),
        "fqdn-uri": uri(&local), "fqdn-jdbc-uri": jdbc(&local),
    });
    let labels = json!({
        "app.kubernetes.io/managed-by": "cloudnative-pg",
        label::CLUSTER: cluster.name, "cnpg.io/reload": "true", "cnpg.io/userType": "app",
    });
    Ok(json!({
        "metadata": cluster.metadata(&cluster.app_secret(), &labels),
        "type": "kubernetes.io/basic-auth",
        "stringData": data,
    }))
}

/// A Secret that inherits nothing of the Cluster's metadata.
fn internal(cluster: &Cluster, name: &str, type_: &str, data: &Value) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": cluster.namespace,
            "labels": { label::CLUSTER: cluster.name, "app.kubernetes.io/managed-by": "cloudnative-pg" },
            "annotations": { STAND_IN: STAND_IN_SAYS, annotation::VERSION: super::contract::OPERATOR_VERSION },
            "ownerReferences": cluster.owner_reference(),
        },
        "type": type_,
        "stringData": data,
    })
}

/// 64 letters and digits, as the operator makes them.
fn password() -> Result<String, Error> {
    const ALPHABET: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzAB";
    let bytes = random_bytes::<64>()?;
    Ok(bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 64)]))
        .collect())
}

/// Versions of the Secrets that the operator has seen, for the status.
pub(super) async fn versions(shared: &Shared, cluster: &Cluster) -> Result<Value, Error> {
    let api: Api<Secret> = Api::namespaced(shared.client.clone(), &cluster.namespace);
    let mut versions = json!({});
    for (field, name) in [
        ("applicationSecretVersion", cluster.app_secret()),
        ("clientCaSecretVersion", format!("{}-ca", cluster.name)),
        ("serverCaSecretVersion", format!("{}-ca", cluster.name)),
        (
            "replicationSecretVersion",
            format!("{}-replication", cluster.name),
        ),
        ("serverSecretVersion", format!("{}-server", cluster.name)),
    ] {
        if let Some(secret) = api.get_metadata_opt(&name).await? {
            versions[field] = secret.resource_version().into();
        }
    }
    Ok(versions)
}
