use daap_crds::object::View;
use daap_crds::tombstone::Tombstone;
use daap_tests::ground::{CLUSTERS, ORDERS_ID};
use serde_json::{Value, json};

use super::{
    Administrator, Case, Nobody, OtherTeam, Owner, annotate, by_hand, create, delete, delete_all,
    label, patch, scale, status,
};

const ORDERS: &str = "daap-orders";
const ELSE: &str = "0b3b1c7a-5f0e-4a86-9d53-2e4c8a3b7d11";

fn with(mut object: Value, change: &Value) -> Value {
    json_patch::merge(&mut object, change);
    object
}

fn spec_of(what: &str, whose: super::Whose, spec: Value) -> Case {
    patch(what, whose, CLUSTERS, ORDERS, json!({"spec": spec}))
}

pub(super) fn creations(archive: &Value) -> Vec<Case> {
    let new = |what: &str, whose, change: Value| {
        let cluster = with(by_hand("daap-shop", "payments"), &change);
        create(what, whose, CLUSTERS, cluster)
    };
    let restored = Tombstone::restored_cluster(View(archive)).unwrap();
    let labels = |labels: Value| json!({"metadata": {"labels": labels}});
    let spec = |spec: Value| json!({"spec": spec});
    vec![
        new("create a database of team payments", Owner, json!({})),
        new(
            "create one of team billing",
            OtherTeam,
            labels(json!({"daap.dev/owner-team": "billing"})),
        ),
        new(
            "create one without an owner",
            Nobody,
            labels(json!({"daap.dev/owner-team": null})),
        ),
        new(
            "create one without a purpose",
            Nobody,
            json!({"metadata": {"annotations": null}}),
        ),
        new(
            "create one that is not called after its label",
            Nobody,
            labels(json!({"daap.dev/name": "other"})),
        ),
        new(
            "create one with an id that is no id",
            Nobody,
            labels(json!({"daap.dev/id": "42"})),
        ),
        new(
            "create one with the id of another",
            Nobody,
            labels(json!({"daap.dev/id": ORDERS_ID})),
        ),
        new(
            "create one larger than the policy allows",
            Nobody,
            spec(json!({"instances": 9})),
        ),
        new(
            "create one that replicates from another",
            Administrator,
            spec(
                json!({"externalClusters": [{"name": "x", "connectionParameters": {"host": "daap-ledger-rw"}}]}),
            ),
        ),
        new(
            "create one that belongs to something",
            Nobody,
            json!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}]}}),
        ),
        create(
            "create one over the data of a deleted one",
            Nobody,
            CLUSTERS,
            by_hand("daap-archive", "payments"),
        ),
        create(
            "bring the deleted one back",
            Owner,
            CLUSTERS,
            restored.clone(),
        ),
        create(
            "bring it back as one of team billing",
            Nobody,
            CLUSTERS,
            with(restored, &labels(json!({"daap.dev/owner-team": "billing"}))),
        ),
    ]
}

pub(super) fn record() -> Vec<Case> {
    let labelled = |what: &str, whose, key: &str, value: Value| {
        label(what, whose, CLUSTERS, ORDERS, key, value)
    };
    let annotated = |what: &str, whose, key: &str, value: Value| {
        annotate(what, whose, CLUSTERS, ORDERS, key, value)
    };
    vec![
        labelled("add a label of one's own", Owner, "tier", json!("gold")),
        annotated(
            "change the purpose",
            Owner,
            "daap.dev/purpose",
            json!("returns"),
        ),
        annotated(
            "give a reason",
            Owner,
            "daap.dev/change-reason",
            json!("because"),
        ),
        labelled("change the id", Nobody, "daap.dev/id", json!(ELSE)),
        labelled("change the name", Nobody, "daap.dev/name", json!("other")),
        labelled(
            "remove the owner",
            Nobody,
            "daap.dev/owner-team",
            Value::Null,
        )
        .wants("/metadata/labels/daap.dev~1owner-team", ""),
        labelled("remove the id", Nobody, "daap.dev/id", Value::Null)
            .wants("/metadata/labels/daap.dev~1id", ""),
        patch(
            "remove every label and annotation",
            Nobody,
            CLUSTERS,
            ORDERS,
            json!({"metadata": {"labels": null, "annotations": null}}),
        )
        .wants("/metadata/labels/daap.dev~1id", ""),
        annotated(
            "rewrite the history",
            Nobody,
            "daap.dev/history",
            json!("{}"),
        )
        .wants("/metadata/annotations/daap.dev~1history", "{}"),
        annotated(
            "change who created it",
            Nobody,
            "daap.dev/created-by",
            json!("mallory"),
        )
        .wants("/metadata/annotations/daap.dev~1created-by", "mallory"),
        annotated("change the version", Nobody, "daap.dev/version", json!("9"))
            .wants("/metadata/annotations/daap.dev~1version", "9"),
    ]
}

pub(super) fn spec() -> Vec<Case> {
    let labels = |labels: Value| json!({"inheritedMetadata": {"labels": labels}});
    vec![
        spec_of("change the instances", Owner, json!({"instances": 2})),
        spec_of(
            "more than the policy allows",
            Nobody,
            json!({"instances": 9}),
        ),
        spec_of(
            "grow the storage",
            Owner,
            json!({"storage": {"size": "2Gi"}}),
        ),
        spec_of("shrink it", Nobody, json!({"storage": {"size": "512Mi"}})),
        spec_of(
            "change the storage class",
            Nobody,
            json!({"storage": {"storageClass": "fast"}}),
        ),
        spec_of(
            "change what it was made from",
            Nobody,
            json!({"bootstrap": {"recovery": {"source": "x"}}}),
        ),
        spec_of(
            "a parameter of PostgreSQL",
            Owner,
            json!({"postgresql": {"parameters": {"work_mem": "8MB"}}}),
        ),
        spec_of(
            "resources of the pods",
            Owner,
            json!({"resources": {"requests": {"cpu": "100m"}}}),
        ),
        spec_of(
            "a foreign server",
            Administrator,
            json!({"externalClusters": [{"name": "x", "connectionParameters": {"host": "example"}}]}),
        ),
        spec_of(
            "a Secret of another for the superuser",
            Administrator,
            json!({"superuserSecret": {"name": "daap-ledger-app"}}),
        ),
        spec_of(
            "an authority of another",
            Administrator,
            json!({"certificates": {"serverCASecret": "daap-ledger-ca"}}),
        ),
        spec_of(
            "roles with passwords from anywhere",
            Administrator,
            json!({"managed": {"roles": [{"name": "x", "passwordSecret": {"name": "daap-ledger-app"}}]}}),
        ),
        spec_of(
            "environment of the pods",
            Administrator,
            json!({"env": [{"name": "X", "value": "y"}]}),
        ),
        spec_of(
            "a label of one's own for what it makes",
            Owner,
            labels(json!({"tier": "gold"})),
        ),
        spec_of(
            "a label of CNPG's for what it makes",
            Administrator,
            labels(json!({"cnpg.io/cluster": "daap-ledger"})),
        ),
        scale("scale", Nobody, CLUSTERS, ORDERS, 2),
    ]
}

pub(super) fn steering() -> Vec<Case> {
    let annotated = |what: &str, whose, key: &str, value: &str| {
        annotate(what, whose, CLUSTERS, ORDERS, key, json!(value))
    };
    vec![
        annotated("hibernate", Owner, "cnpg.io/hibernation", "on"),
        annotated("fence", Owner, "cnpg.io/fencedInstances", r#"["*"]"#),
        annotated(
            "restart",
            Owner,
            "cnpg.io/restartedAt",
            "2026-01-01T00:00:00Z",
        ),
        annotated(
            "reload",
            Owner,
            "cnpg.io/reloadedAt",
            "2026-01-01T00:00:00Z",
        ),
        annotated(
            "switch CNPG's validation off",
            Administrator,
            "cnpg.io/validation",
            "disabled",
        ),
        annotated(
            "stop CNPG's work on it",
            Administrator,
            "cnpg.io/reconciliationLoop",
            "disabled",
        ),
        status(
            "write the status (a switchover)",
            Owner,
            CLUSTERS,
            ORDERS,
            json!({"targetPrimary": "daap-orders-2"}),
        )
        .and_the_instance(),
        patch(
            "give it an owner reference",
            Nobody,
            CLUSTERS,
            ORDERS,
            json!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}]}}),
        ),
    ]
}

pub(super) fn goes() -> Vec<Case> {
    let team = |value: &str| json!({"metadata": {"labels": {"daap.dev/owner-team": value}}});
    let taken = team("billing");
    let taken_and_changed = with(taken.clone(), &json!({"spec": {"instances": 3}}));
    let leaving = "daap-leaving";
    vec![
        delete("delete the Cluster", Nobody, CLUSTERS, ORDERS),
        delete_all(
            "delete all of a collection",
            Nobody,
            CLUSTERS,
            "&labelSelector=daap.dev/name=orders",
        ),
        delete(
            "delete one whose data is detached",
            Owner,
            CLUSTERS,
            "daap-going",
        ),
        patch(
            "change the spec while a deletion is pending",
            Nobody,
            CLUSTERS,
            leaving,
            json!({"spec": {"instances": 2}}),
        ),
        annotate(
            "wake it meanwhile",
            Nobody,
            CLUSTERS,
            leaving,
            "cnpg.io/hibernation",
            json!("off"),
        ),
        annotate(
            "offer the database to team billing",
            Owner,
            CLUSTERS,
            ORDERS,
            "daap.dev/offered-to",
            json!("billing"),
        ),
        patch(
            "give it to team billing outright",
            Administrator,
            CLUSTERS,
            ORDERS,
            taken.clone(),
        ),
        patch(
            "take what was offered to billing",
            OtherTeam,
            CLUSTERS,
            "daap-offered",
            taken,
        ),
        patch(
            "take it, and change its spec with that",
            Administrator,
            CLUSTERS,
            "daap-offered",
            taken_and_changed,
        ),
    ]
}
