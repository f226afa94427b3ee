//! The recorded objects of one healthy database: the same labels, owners, keys and names.

use std::collections::BTreeSet;

use daap_reference::Reference;
use serde_json::{Value, json};

use crate::{database::Database, history::read};

/// Annotations that say what only the real one can.
const ITS_OWN: [&str; 4] = [
    "cnpg.io/lastAppliedSpec",
    "cnpg.io/poolerSpecHash",
    "cnpg.io/podSpec",
    "cnpg.io/podEnvHash",
];

#[tokio::test]
async fn objects_have_the_recorded_shape() {
    let Some(folder) = Reference::Recordings.at_hand() else {
        return;
    };
    let database = Database::ready("recorded-shapes", 1).await;

    let recorded = &read(&folder, "pvc.json")[0]["items"][0];
    let claim = database
        .get("persistentvolumeclaims", "daap-orders-1")
        .await;
    hold_metadata(recorded, &claim);
    assert_eq!(
        claim["spec"]["accessModes"],
        recorded["spec"]["accessModes"]
    );
    assert_eq!(
        claim["spec"]["storageClassName"],
        recorded["spec"]["storageClassName"]
    );

    let recorded = &read(&folder, "secret-app.json")[0];
    let secret = database.get("secrets", "daap-orders-app").await;
    // Recorded after it was restored, and so without its owner.
    let mut unowned = secret.clone();
    unowned["metadata"]["ownerReferences"] = Value::Null;
    hold_metadata(recorded, &unowned);
    assert_eq!(keys(&secret["data"]), keys(&recorded["data"]));
    assert_eq!(secret["type"], recorded["type"]);

    for recorded in read(&folder, "services.json")[0]["items"]
        .as_array()
        .unwrap()
    {
        let name = recorded["metadata"]["name"].as_str().unwrap();
        if name != "kubernetes" {
            let service = database.get("services", name).await;
            hold_metadata(recorded, &service);
            assert_eq!(
                service["spec"]["selector"], recorded["spec"]["selector"],
                "{name}"
            );
            assert_eq!(
                service["spec"]["ports"], recorded["spec"]["ports"],
                "{name}"
            );
        }
    }

    let recorded = &read(&folder, "deployment-pooler.json")[0];
    let deployment = database.get("deployments", "daap-orders-pooler").await;
    hold_metadata(recorded, &deployment);
    assert_eq!(deployment["spec"]["selector"], recorded["spec"]["selector"]);
    assert_eq!(
        deployment["spec"]["template"]["metadata"]["labels"],
        recorded["spec"]["template"]["metadata"]["labels"]
    );

    let recorded = &read(&folder, "pods-of-failures.json")[0];
    let recorded = recorded
        .as_array()
        .unwrap()
        .iter()
        .find(|pod| pod["metadata"]["name"] == "daap-orders-1")
        .unwrap();
    hold_metadata(recorded, &database.get("pods", "daap-orders-1").await);
}

#[tokio::test]
async fn the_status_of_a_cluster_has_the_recorded_shape() {
    let Some(folder) = Reference::Recordings.at_hand() else {
        return;
    };
    let database = Database::ready("recorded-status", 1).await;
    let settled = |status: &Value| status["jobCount"].is_null();
    let seen = database.wait_cluster("the Job is gone", settled).await;
    let (seen, recorded) = (&seen["status"], &read(&folder, "cluster.json")[0]["status"]);
    // Of the operator's own build and images, which there are none of.
    let its_own = [
        "availableArchitectures",
        "cloudNativePGCommitHash",
        "cloudNativePGOperatorHash",
        "configMapResourceVersion",
        "operatorCertificateFingerprint",
        "managedRolesStatus",
        "switchReplicaClusterStatus",
        "targetPrimaryTimestamp",
    ];
    let fields = |status: &Value| -> BTreeSet<String> {
        keys(status)
            .into_iter()
            .filter(|field| !its_own.contains(&field.as_str()))
            .collect()
    };
    assert_eq!(fields(seen), fields(recorded));
    let names = |status: &Value| {
        let text = status["certificates"]["serverAltDNSNames"].to_string();
        text.replace(".recorded-status", ".default")
    };
    assert_eq!(names(seen), names(recorded));
    assert_eq!(seen["instancesStatus"], recorded["instancesStatus"]);
    assert_eq!(seen["topology"], recorded["topology"]);
}

fn hold_metadata(recorded: &Value, seen: &Value) {
    let (recorded, seen) = (&recorded["metadata"], &seen["metadata"]);
    let name = &recorded["name"];
    assert_eq!(seen["name"], *name);
    assert_eq!(seen["labels"], recorded["labels"], "{name}");
    let missing: Vec<String> = keys(&recorded["annotations"])
        .into_iter()
        .filter(|key| !ITS_OWN.contains(&key.as_str()) && seen["annotations"][key].is_null())
        .collect();
    assert!(
        missing.is_empty(),
        "{name} lacks the annotations {missing:?}"
    );
    assert_eq!(owners(seen), owners(recorded), "{name}");
}

fn owners(metadata: &Value) -> Vec<Value> {
    let owners = metadata["ownerReferences"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let shape = |owner: &Value| {
        json!([
            owner["kind"],
            owner["name"],
            owner["controller"],
            owner["blockOwnerDeletion"]
        ])
    };
    owners.iter().map(shape).collect()
}

fn keys(object: &Value) -> Vec<String> {
    object
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.clone())
        .collect()
}
