//! Labels and annotations that steer CNPG, and those that a Cluster passes on.

use super::*;

const OTHER: &str = "00000000-0000-4000-8000-000000000000";

#[rstest]
#[case(labels(&json!({"cnpg.io/cluster": "daap-other"})), "administrator metadata.labels[cnpg.io/cluster]")]
#[case(annotations(&json!({"cnpg.io/podPatch": "[]"})), "administrator metadata.annotations[cnpg.io/podPatch]")]
#[case(annotations(&json!({"alpha.cnpg.io/unrecoverable": "true"})), "administrator metadata.annotations[alpha.cnpg.io/unrecoverable]")]
#[case(annotations(&json!({"container.apparmor.security.beta.kubernetes.io/postgres": "unconfined"})), "administrator metadata.annotations[container.apparmor.security.beta.kubernetes.io/postgres]")]
#[case(json!({"spec": {"inheritedMetadata": {"labels": {"cnpg.io/cluster": "daap-other"}}}}), "administrator spec.inheritedMetadata.labels[cnpg.io/cluster]")]
#[case(json!({"spec": {"inheritedMetadata": {"annotations": {"alpha.cnpg.io/x": "y"}}}}), "administrator spec.inheritedMetadata.annotations[alpha.cnpg.io/x]")]
fn what_steers_cnpg_is_an_administrators(#[case] change: Value, #[case] expected: &str) {
    let mut cluster = orders().cluster();
    json_patch::merge(&mut cluster, &change);
    let world = World::default();
    assert_eq!(
        world.refusals(&create("payments-dev", &cluster)),
        [expected]
    );
    assert_eq!(
        world.refusals(&update("payments-dev", &stored(), &change)),
        [expected]
    );
    assert_eq!(world.refusals(&create("admin", &cluster)), [""; 0]);
}

#[test]
fn a_pooler_is_not_steered_either() {
    let world = World {
        clusters: vec![stored()],
        ..World::default()
    };
    let mut pooler = orders().pooler("uid-of-orders");
    set_label(&mut pooler, "cnpg.io/cluster", "daap-other");
    let write = pooler_write(Operation::Create, "payments-dev", None, Some(&pooler));
    assert_eq!(
        world.refusals(&write),
        ["administrator metadata.labels[cnpg.io/cluster]"]
    );
}

/// The mutating half sets it: this holds where it was skipped.
#[rstest]
#[case(json!({"labels": {"daap.dev/id": OTHER}}), "inherited spec.inheritedMetadata.labels[daap.dev/id]")]
#[case(json!({"labels": {"daap.dev/owner-team": null}}), "inherited spec.inheritedMetadata.labels[daap.dev/owner-team]")]
#[case(json!({"labels": {"daap.dev/deleted": "true"}}), "inherited spec.inheritedMetadata.labels[daap.dev/deleted]")]
#[case(json!({"annotations": {"daap.dev/id": OTHER}}), "inherited spec.inheritedMetadata.annotations[daap.dev/id]")]
#[case(json!({"annotations": {"daap.dev/history": "{}"}}), "inherited spec.inheritedMetadata.annotations[daap.dev/history]")]
fn what_is_passed_on_is_the_record(#[case] change: Value, #[case] expected: &str) {
    let change = json!({"spec": {"inheritedMetadata": change}});
    let write = update("admin", &stored(), &change);
    let refusals: Vec<String> = World::default()
        .settle(&write, judge)
        .iter()
        .map(|violation| format!("{} {}", violation.rule, violation.field))
        .collect();
    assert_eq!(refusals, [expected]);
}

#[rstest]
#[case::secret(json!({"spec": {"projectedVolumeTemplate": {"sources": [{"secret": {"name": "daap-orders-app"}}]}}}), "neighbours spec.projectedVolumeTemplate.sources[0].secret.name")]
#[case::replication(json!({"spec": {"externalClusters": [{"name": "x", "connectionParameters": {"host": "daap-orders-rw.apps"}}]}}), "neighbours spec.externalClusters[0].connectionParameters.host")]
#[case::account(json!({"spec": {"serviceAccountName": "daap-orders"}}), "neighbours spec.serviceAccountName")]
#[case::inherited(json!({"spec": {"inheritedMetadata": {"labels": {"cnpg.io/cluster": "daap-orders"}}}}), "neighbours spec.inheritedMetadata.labels.cnpg.io/cluster")]
#[case::inherited_record(json!({"spec": {"inheritedMetadata": {"labels": {"daap.dev/id": OTHER}}}}), "neighbours spec.inheritedMetadata.labels.daap.dev/id")]
#[case::volume(json!({"spec": {"storage": {"pvcTemplate": {"dataSource": {"name": "daap-orders-1"}}}}}), "neighbours spec.storage.pvcTemplate.dataSource.name")]
#[case::patched(json!({"metadata": {"annotations": {"cnpg.io/podPatch": "[{\"secretName\": \"daap-orders-app\"}]"}}}), "neighbours metadata.annotations[cnpg.io/podPatch]")]
fn a_neighbour_names_nothing_of_ours(#[case] change: Value, #[case] expected: &str) {
    let legacy =
        json!({"metadata": {"name": "legacy", "namespace": "apps"}, "spec": {"instances": 9}});
    let world = World::default();
    assert_eq!(
        world.refusals(&update("outsider", &legacy, &change)),
        [expected]
    );
    assert_eq!(world.refusals(&update("admin", &legacy, &change)), [""; 0]);
    let mut reaching = legacy.clone();
    json_patch::merge(&mut reaching, &change);
    assert_eq!(world.refusals(&create("outsider", &reaching)), [expected]);
    // What was there before the rule stays, and may change otherwise.
    let scaled = json!({"spec": {"instances": 3}});
    assert_eq!(
        world.refusals(&update("outsider", &reaching, &scaled)),
        [""; 0]
    );
}

#[test]
fn an_ungoverned_pooler_names_nothing_of_ours() {
    let pooler = json!({"metadata": {"name": "p"}, "spec": {"cluster": {"name": "legacy"},
        "pgbouncer": {"authQuerySecret": {"name": "daap-orders-pooler"}}}});
    let write = pooler_write(Operation::Create, "outsider", None, Some(&pooler));
    assert_eq!(
        World::default().refusals(&write),
        ["neighbours spec.pgbouncer.authQuerySecret.name"]
    );
}
