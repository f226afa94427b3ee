//! Which fields of a spec are the owner's.

use daap_reference::Reference;

use super::*;

fn cluster(change: &Value) -> Write {
    let mut cluster = orders().cluster();
    json_patch::merge(&mut cluster, &json!({ "spec": change }));
    create("payments-dev", &cluster)
}

/// What DESIGN.md lists as tried, and what is like it: each refused to an owner by its field, and let
/// through for an administrator.
#[rstest]
#[case::foreign_replication_secret(json!({"externalClusters": [{"name": "x", "sslKey": {"name": "daap-other-replication", "key": "tls.key"}}]}), "spec.externalClusters")]
#[case::strangers_behind_a_service(json!({"managed": {"services": {"additional": [{"selectorType": "rw", "serviceTemplate": {"metadata": {"name": "x"}}}]}}}), "spec.managed.services.additional")]
#[case::roles(json!({"managed": {"roles": [{"name": "x", "passwordSecret": {"name": "daap-other-app"}}]}}), "spec.managed.roles")]
#[case::env(json!({"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "daap-other-app", "key": "password"}}}]}), "spec.env")]
#[case::env_from(json!({"envFrom": [{"secretRef": {"name": "daap-other-app"}}]}), "spec.envFrom")]
#[case::projected(json!({"projectedVolumeTemplate": {"sources": [{"secret": {"name": "daap-other-app"}}]}}), "spec.projectedVolumeTemplate")]
#[case::certificates(json!({"certificates": {"serverTLSSecret": "daap-other-server"}}), "spec.certificates.serverTLSSecret")]
#[case::account(json!({"serviceAccountName": "daap-other"}), "spec.serviceAccountName")]
#[case::account_rights(json!({"serviceAccountTemplate": {"metadata": {"annotations": {"role": "x"}}}}), "spec.serviceAccountTemplate")]
#[case::volume(json!({"storage": {"pvcTemplate": {"dataSource": {"kind": "PersistentVolumeClaim", "name": "daap-other-1"}}}}), "spec.storage.pvcTemplate")]
#[case::wal_volume(json!({"walStorage": {"size": "1Gi", "pvcTemplate": {"volumeName": "pv-1"}}}), "spec.walStorage.pvcTemplate")]
#[case::ephemeral(json!({"ephemeralVolumeSource": {"volumeClaimTemplate": {"spec": {"dataSource": {"kind": "PersistentVolumeClaim", "name": "daap-other-1"}}}}}), "spec.ephemeralVolumeSource")]
#[case::tablespaces(json!({"tablespaces": [{"name": "x", "storage": {"size": "9Ti"}}]}), "spec.tablespaces")]
#[case::superuser(json!({"enableSuperuserAccess": true}), "spec.enableSuperuserAccess")]
#[case::superuser_secret(json!({"superuserSecret": {"name": "daap-other-superuser"}}), "spec.superuserSecret")]
#[case::post_init(json!({"bootstrap": {"initdb": {"postInitSQL": ["create role x superuser"]}}}), "spec.bootstrap.initdb.postInitSQL")]
#[case::post_init_refs(json!({"bootstrap": {"initdb": {"postInitApplicationSQLRefs": {"secretRefs": [{"name": "daap-other-app", "key": "uri"}]}}}}), "spec.bootstrap.initdb.postInitApplicationSQLRefs")]
#[case::import(json!({"bootstrap": {"initdb": {"import": {"type": "monolith", "source": {"externalCluster": "x"}}}}}), "spec.bootstrap.initdb.import")]
#[case::initdb_secret(json!({"bootstrap": {"initdb": {"secret": {"name": "daap-other-app"}}}}), "spec.bootstrap.initdb.secret")]
#[case::recovery(json!({"bootstrap": {"recovery": {"backup": {"name": "daap-other-1"}}}}), "spec.bootstrap.recovery")]
#[case::base_backup(json!({"bootstrap": {"pg_basebackup": {"source": "x"}}}), "spec.bootstrap.pg_basebackup")]
#[case::queries(json!({"monitoring": {"customQueriesSecret": [{"name": "daap-other-app", "key": "password"}]}}), "spec.monitoring.customQueriesSecret[0].name")]
#[case::s3(json!({"backup": {"barmanObjectStore": {"destinationPath": "s3://x", "endpointURL": "https://evil.example", "s3Credentials": {"accessKeyId": {"name": "daap-other-app", "key": "password"}}}}}), "spec.backup.barmanObjectStore.s3Credentials.accessKeyId")]
#[case::iam(json!({"backup": {"barmanObjectStore": {"destinationPath": "s3://x", "s3Credentials": {"inheritFromIAMRole": true}}}}), "spec.backup.barmanObjectStore.s3Credentials.inheritFromIAMRole")]
#[case::snapshot_labels(json!({"backup": {"volumeSnapshot": {"labels": {"cnpg.io/cluster": "daap-other"}}}}), "spec.backup.volumeSnapshot.labels")]
#[case::plugins(json!({"plugins": [{"name": "barman-cloud.cloudnative-pg.io", "parameters": {"barmanObjectName": "other"}}]}), "spec.plugins")]
#[case::catalog(json!({"imageName": null, "imageCatalogRef": {"kind": "ImageCatalog", "name": "mine", "major": 17}}), "spec.imageCatalogRef")]
#[case::pull_secrets(json!({"imagePullSecrets": [{"name": "daap-other-app"}]}), "spec.imagePullSecrets")]
#[case::extensions(json!({"postgresql": {"extensions": [{"name": "x", "image": {"reference": "evil"}}]}}), "spec.postgresql.extensions")]
#[case::ldap(json!({"postgresql": {"ldap": {"bindSearchAuth": {"bindPassword": {"name": "daap-other-app", "key": "password"}}}}}), "spec.postgresql.ldap")]
#[case::hba(json!({"postgresql": {"pg_hba": ["host all postgres 0.0.0.0/0 trust"]}}), "spec.postgresql.pg_hba")]
#[case::command(json!({"postgresql": {"parameters": {"archive_command": "curl evil"}}}), "spec.postgresql.parameters")]
#[case::command_in_capitals(json!({"postgresql": {"parameters": {"Restore_Command": "curl evil"}}}), "spec.postgresql.parameters")]
#[case::command_with_a_blank(json!({"postgresql": {"parameters": {"archive_command ": "curl evil"}}}), "spec.postgresql.parameters")]
#[case::another_file(json!({"postgresql": {"parameters": {"include": "/tmp/x.conf"}}}), "spec.postgresql.parameters")]
#[case::jit(json!({"postgresql": {"parameters": {"jit_provider": "/tmp/x"}}}), "spec.postgresql.parameters")]
#[case::line_break_in_a_name(json!({"postgresql": {"parameters": {"work_mem = '1MB'\narchive_command": "x"}}}), "spec.postgresql.parameters")]
#[case::line_break(json!({"postgresql": {"parameters": {"work_mem": "1MB\narchive_command = 'x'"}}}), "spec.postgresql.parameters")]
#[case::library_by_path(json!({"postgresql": {"parameters": {"session_preload_libraries": "/tmp/x.so"}}}), "spec.postgresql.parameters")]
#[case::preloaded_by_path(json!({"postgresql": {"shared_preload_libraries": ["../x"]}}), "spec.postgresql.shared_preload_libraries")]
#[case::seccomp(json!({"seccompProfile": {"type": "Unconfined"}}), "spec.seccompProfile.type")]
#[case::privileged(json!({"securityContext": {"privileged": true}}), "spec.securityContext")]
#[case::replica(json!({"replica": {"enabled": true, "source": "x"}}), "spec.replica")]
#[case::priority(json!({"priorityClassName": "system-cluster-critical"}), "spec.priorityClassName")]
#[case::devices(json!({"resources": {"claims": [{"name": "gpu"}]}}), "spec.resources.claims")]
#[case::of_a_later_release(json!({"hostPathVolumes": ["/"]}), "spec.hostPathVolumes")]
fn what_opens_more_than_the_own_database_is_an_administrators(
    #[case] change: Value,
    #[case] field: &str,
) {
    let mut write = cluster(&change);
    assert_eq!(
        World::default().refusals(&write),
        [format!("spec-fields {field}")]
    );
    write.caller.user = "admin".into();
    assert_eq!(World::default().refusals(&write), [""; 0]);
}

#[rstest]
#[case(json!({"affinity": {"nodeSelector": {"disk": "ssd"}, "additionalPodAntiAffinity": {}}, "topologySpreadConstraints": [{"maxSkew": 1}]}))]
#[case(json!({"postgresql": {"parameters": {"work_mem": "64MB", "search_path": "a, b", "pg_stat_statements.track": "all", "session_preload_libraries": "auto_explain, pg_stat_statements"}, "shared_preload_libraries": ["pg_stat_statements"], "synchronous": {"method": "any", "number": 1}}}))]
#[case(json!({"backup": {"retentionPolicy": "30d", "barmanObjectStore": {"destinationPath": "s3://x", "wal": {"compression": "gzip"}, "s3Credentials": {"accessKeyId": {"name": "daap-orders-backup", "key": "id"}}}}}))]
#[case(json!({"resources": {"limits": {"memory": "1Gi"}}, "walStorage": {"size": "2Gi"}, "probes": {"startup": {"periodSeconds": 3}}}))]
#[case(json!({"bootstrap": {"initdb": {"database": "shop", "owner": "shop", "encoding": "UTF8", "dataChecksums": true}}, "monitoring": {"enablePodMonitor": true}}))]
#[case(json!({"enableSuperuserAccess": false, "env": [], "managed": {"roles": []}, "superuserSecret": null, "securityContext": {}}))]
fn what_a_database_needs_is_its_owners(#[case] change: Value) {
    assert_eq!(World::default().refusals(&cluster(&change)), [""; 0]);
}

/// CNPG's own defaulting runs after ours: what it fills in is in the object that is judged.
#[test]
fn what_cnpg_fills_in_passes() {
    let Some(folder) = Reference::Recordings.at_hand() else {
        return;
    };
    let read = |file: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap()
    };
    let (cluster, pooler) = (read("cluster.json"), read("pooler.json"));
    let mut ours = orders().cluster();
    let mut spec = cluster["spec"].clone();
    spec["inheritedMetadata"] = ours["spec"]["inheritedMetadata"].clone();
    json_patch::merge(&mut ours, &json!({ "spec": spec }));
    assert_eq!(
        World::default().refusals(&create("payments-dev", &ours)),
        [""; 0]
    );
    let world = World {
        clusters: vec![stored()],
        ..World::default()
    };
    let mut own = orders().pooler("uid-of-orders");
    own["spec"] = pooler["spec"].clone();
    let write = pooler_write(Operation::Create, "payments-dev", None, Some(&own));
    assert_eq!(world.refusals(&write), [""; 0]);
}

#[test]
fn what_an_administrator_set_stays_and_is_not_extended() {
    let mut old = stored();
    let secret = |name: &str| json!({"name": "X", "valueFrom": {"secretKeyRef": {"name": name}}});
    json_patch::merge(
        &mut old,
        &json!({"spec": {"env": [secret("granted")], "externalClusters": [{"name": "a"}]}}),
    );
    let world = World::default();
    let refusals = |change: Value| world.refusals(&update("payments-dev", &old, &change));
    assert_eq!(refusals(json!({"spec": {"logLevel": "debug"}})), [""; 0]);
    assert_eq!(refusals(json!({"spec": {"env": null}})), [""; 0]);
    assert_eq!(
        refusals(json!({"spec": {"env": [secret("granted"), secret("daap-other-app")]}})),
        ["spec-fields spec.env"]
    );
}

#[rstest]
#[case::foreign_secret_mounted(json!({"template": {"spec": {"volumes": [{"name": "x", "secret": {"secretName": "daap-other-app"}}], "containers": []}}}), "spec.template.spec.volumes")]
#[case::sidecar(json!({"template": {"spec": {"containers": [{"name": "thief", "image": "x"}]}}}), "spec.template.spec.containers[0].name")]
#[case::env(json!({"template": {"spec": {"containers": [{"name": "pgbouncer", "env": [{"name": "X"}]}]}}}), "spec.template.spec.containers[0].env")]
#[case::lifecycle(json!({"template": {"spec": {"containers": [{"name": "pgbouncer", "lifecycle": {"postStart": {}}}]}}}), "spec.template.spec.containers[0].lifecycle")]
#[case::init(json!({"template": {"spec": {"containers": [], "initContainers": [{"name": "x"}]}}}), "spec.template.spec.initContainers")]
#[case::account(json!({"template": {"spec": {"containers": [], "serviceAccountName": "daap-other"}}}), "spec.template.spec.serviceAccountName")]
#[case::host(json!({"template": {"spec": {"containers": [], "hostUsers": true}}}), "spec.template.spec.hostUsers")]
#[case::labels(json!({"template": {"metadata": {"labels": {"cnpg.io/poolerName": "daap-other-pooler"}}}}), "spec.template.metadata.labels")]
#[case::auth_query(json!({"pgbouncer": {"authQuery": "select 1", "authQuerySecret": {"name": "daap-other-app"}}}), "spec.pgbouncer.authQuery")]
#[case::tls(json!({"pgbouncer": {"serverTLSSecret": {"name": "daap-other-server"}}}), "spec.pgbouncer.serverTLSSecret")]
#[case::hba(json!({"pgbouncer": {"pg_hba": ["host all all all trust"]}}), "spec.pgbouncer.pg_hba")]
#[case::parameters(json!({"pgbouncer": {"parameters": {"max_client_conn": "9\nauth_type = any"}}}), "spec.pgbouncer.parameters")]
#[case::selector(json!({"serviceTemplate": {"spec": {"selector": {"cnpg.io/cluster": "daap-other"}}}}), "spec.serviceTemplate.spec.selector")]
#[case::external_name(json!({"serviceTemplate": {"spec": {"type": "ExternalName"}}}), "spec.serviceTemplate.spec.type")]
#[case::account_of_the_pooler(json!({"serviceAccountName": "daap-other"}), "spec.serviceAccountName")]
fn a_pooler_opens_its_own_database_alone(#[case] change: Value, #[case] field: &str) {
    let world = World {
        clusters: vec![stored()],
        ..World::default()
    };
    let mut pooler = orders().pooler("uid-of-orders");
    json_patch::merge(&mut pooler, &json!({ "spec": change }));
    let mut write = pooler_write(Operation::Create, "payments-dev", None, Some(&pooler));
    let refusals = world.refusals(&write);
    assert!(
        refusals.contains(&format!("spec-fields {field}")),
        "{refusals:?}"
    );
    write.caller.user = "admin".into();
    assert_eq!(world.refusals(&write), [""; 0]);
}

#[test]
fn a_pooler_has_what_it_needs() {
    let world = World {
        clusters: vec![stored()],
        ..World::default()
    };
    let mut pooler = orders().pooler("uid-of-orders");
    let change = json!({"spec": {
        "instances": 2,
        "pgbouncer": {"parameters": {"max_client_conn": "500"}, "paused": false},
        "template": {"metadata": {"labels": {"tier": "gold"}}, "spec": {"nodeSelector": {"disk": "ssd"},
            "containers": [{"name": "pgbouncer", "resources": {"limits": {"memory": "64Mi"}}}]}},
        "serviceTemplate": {"spec": {"type": "LoadBalancer"}, "metadata": {"labels": {"tier": "gold"}}},
    }});
    json_patch::merge(&mut pooler, &change);
    let write = pooler_write(Operation::Create, "payments-dev", None, Some(&pooler));
    assert_eq!(world.refusals(&write), [""; 0]);
}

#[rstest]
#[case(json!({"pgbouncer": {"image": "evil/pgbouncer"}}), "limits spec.pgbouncer.image")]
#[case(json!({"template": {"spec": {"containers": [{"name": "pgbouncer", "image": "evil/pgbouncer"}]}}}), "limits spec.template.spec.containers[0].image")]
fn the_images_of_a_pooler_are_the_platforms(#[case] change: Value, #[case] expected: &str) {
    let world = World {
        clusters: vec![stored()],
        policy: Policy::from_yaml("limits: {images: ['good/.*']}").unwrap(),
        ..World::default()
    };
    let mut pooler = orders().pooler("uid-of-orders");
    json_patch::merge(&mut pooler, &json!({ "spec": change }));
    let write = pooler_write(Operation::Create, "payments-dev", None, Some(&pooler));
    assert_eq!(world.refusals(&write), [expected]);
}

#[test]
fn wal_lies_on_a_volume_with_a_limit() {
    assert_eq!(
        World::default().refusals(&cluster(&json!({"walStorage": {"size": "9Ti"}}))),
        ["limits spec.walStorage.size"]
    );
}

/// A restore is judged by what was deleted: what an administrator had granted comes back, and no
/// more.
#[test]
fn a_restore_brings_back_what_was_granted_and_no_more() {
    let mut kept = super::tombstones::tombstone(crate::tombstone::Stage::Complete, &[]);
    let mut read = crate::tombstone::Tombstone::read(View(&kept)).unwrap();
    let granted = json!({"spec": {"env": [{"name": "X"}], "enableSuperuserAccess": true}});
    json_patch::merge(&mut read.cluster.spec, &granted["spec"]);
    set_annotation(&mut kept, annotation::TOMBSTONE, read.to_annotation());
    let world = World {
        tombstones: vec![kept],
        ..World::default()
    };
    let mut restored = orders().cluster();
    json_patch::merge(&mut restored, &granted);
    assert_eq!(world.refusals(&create("payments-dev", &restored)), [""; 0]);
    restored["spec"]["serviceAccountName"] = "daap-other".into();
    assert_eq!(
        world.refusals(&create("payments-dev", &restored)),
        ["spec-fields spec.serviceAccountName"]
    );
}
