//! What becomes of volumes when their size is changed.

use daap_crds::object::View;
use daap_crds::size::Size;
use serde_json::Value;

use crate::failure::{Class, Complaint, Failure};
use crate::kubernetes::{Kind, Kubernetes};
use crate::output::stderr_line;

/// Growing a volume that cannot grow is accepted by CNPG, and the database never starts again.
pub(in crate::operation) async fn refuse_impossible(
    k8s: &Kubernetes,
    cluster: View<'_>,
    wanted: &Size,
) -> Result<(), Failure> {
    let Some(is) = cluster
        .text("/spec/storage/size")
        .and_then(|size| Size::parse(size).ok())
    else {
        return Ok(());
    };
    let complain = |text: String| {
        Err(Failure::fields(
            "its storage cannot change like that",
            vec![Complaint::new("--storage", text)],
        ))
    };
    if *wanted < is {
        return complain(format!(
            "{wanted} is less than its {is}; volumes never shrink"
        ));
    }
    if *wanted == is {
        return Ok(());
    }
    let Some(class) = storage_class(k8s, cluster).await? else {
        return Ok(());
    };
    match k8s.get(Kind::StorageClass, &class).await {
        Ok(Some(found)) if View(&found).at("/allowVolumeExpansion") != Some(&Value::Bool(true)) => {
            complain(format!(
                "volumes of storage class {class} cannot grow; the database would not start again"
            ))
        }
        Ok(_) => Ok(()),
        Err(failure) if failure.classification() == Class::Forbidden => {
            stderr_line(&format!(
                "Warning: {failure}; whether its volumes can grow is not known"
            ));
            Ok(())
        }
        Err(failure) => Err(failure),
    }
}

/// The class that the volumes have; the Cluster need not name it.
async fn storage_class(k8s: &Kubernetes, cluster: View<'_>) -> Result<Option<String>, Failure> {
    if let Some(class) = cluster.text("/spec/storage/storageClass") {
        return Ok(Some(class.to_owned()));
    }
    let selector = format!("{}={}", daap_crds::contract::cnpg::CLUSTER, cluster.name());
    let volumes = k8s.list(Kind::Volume, &selector).await?;
    Ok(volumes
        .first()
        .and_then(|volume| View(volume).text("/spec/storageClassName"))
        .map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kubernetes::fake::Fake;

    #[tokio::test]
    async fn volumes_never_shrink() {
        let cluster = json!({"spec": {"storage": {"size": "1Gi", "storageClass": "fixed"}}});
        let k8s = Fake::default().connect();
        let refused = |size: &str| {
            let (k8s, cluster, size) = (k8s.clone(), cluster.clone(), Size::parse(size).unwrap());
            async move { refuse_impossible(&k8s, View(&cluster), &size).await }
        };
        let failure = refused("512Mi").await.unwrap_err();
        assert!(
            failure
                .render()
                .contains("--storage: 512Mi is less than its 1Gi"),
            "{failure}"
        );
        assert!(refused("1024Mi").await.is_ok());
    }
}
