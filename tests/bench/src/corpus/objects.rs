//! Objects as they are stored: completed by the webhook, defaulted by CNPG, with what the API server
//! and the operator add.

use serde_json::{Map, Value, json};

/// What CNPG fills into the spec of a Cluster, in which `spec` keeps what it says.
pub(super) fn defaulted(cluster: &mut Value) {
    let mut spec = cnpg_defaults();
    merge(&mut spec, &cluster["spec"]);
    cluster["spec"] = spec;
}

/// What a stored object has beside: who wrote which field, a status, and the API server's own.
pub(crate) fn store(object: &mut Value, uid: &str, status: Value) {
    let metadata = &mut object["metadata"];
    metadata["uid"] = uid.into();
    metadata["creationTimestamp"] = "2026-01-01T00:00:00Z".into();
    metadata["generation"] = 7.into();
    metadata["resourceVersion"] = "48151623".into();
    let applied = json!({"metadata": {"labels": {}, "annotations": {}}, "spec": {
        "instances": 1, "storage": {}, "inheritedMetadata": {}, "certificates": {}}});
    let managed = json!([
        manager("kubectl-daap", "Apply", None, &owned(&applied, 2)),
        manager(
            "manager",
            "Update",
            Some("status"),
            &owned(&json!({"status": status}), 2)
        ),
    ]);
    object["metadata"]["managedFields"] = managed;
    object["status"] = status;
}

fn manager(name: &str, operation: &str, subresource: Option<&str>, owned: &Value) -> Value {
    let mut entry = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "fieldsType": "FieldsV1", "manager": name,
        "operation": operation, "time": "2026-01-01T00:00:07Z", "fieldsV1": owned,
    });
    if let Some(subresource) = subresource {
        entry["subresource"] = subresource.into();
    }
    entry
}

/// The fields, so deep, as `managedFields` names them.
fn owned(value: &Value, depth: usize) -> Value {
    let Value::Object(fields) = value else {
        return json!({});
    };
    if depth == 0 {
        return json!({});
    }
    let owned: Map<String, Value> = fields
        .iter()
        .map(|(key, value)| (format!("f:{key}"), owned(value, depth - 1)))
        .collect();
    Value::Object(owned)
}

/// Later values win, as in a merge patch.
pub(super) fn merge(target: &mut Value, change: &Value) {
    let (Value::Object(fields), Value::Object(changes)) = (&mut *target, change) else {
        *target = change.clone();
        return;
    };
    for (key, change) in changes {
        if change.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

fn cnpg_defaults() -> Value {
    json!({
        "affinity": {"podAntiAffinityType": "preferred"},
        "bootstrap": {"initdb": {"database": "app", "encoding": "UTF8", "localeCType": "C", "localeCollate": "C", "owner": "app"}},
        "enablePDB": true,
        "enableSuperuserAccess": false,
        "failoverDelay": 0,
        "imageName": "ghcr.io/cloudnative-pg/postgresql:17.6",
        "instances": 1,
        "logLevel": "info",
        "maxSyncReplicas": 0,
        "minSyncReplicas": 0,
        "monitoring": {
            "customQueriesConfigMap": [{"key": "queries", "name": "cnpg-default-monitoring"}],
            "disableDefaultQueries": false,
            "enablePodMonitor": false,
        },
        "postgresGID": 26,
        "postgresUID": 26,
        "postgresql": {
            "parameters": {
                "archive_mode": "on", "archive_timeout": "5min", "dynamic_shared_memory_type": "posix",
                "full_page_writes": "on", "log_destination": "csvlog", "log_directory": "/controller/log",
                "log_filename": "postgres", "log_rotation_age": "0", "log_rotation_size": "0",
                "log_truncate_on_rotation": "false", "logging_collector": "on", "max_parallel_workers": "32",
                "max_replication_slots": "32", "max_worker_processes": "32", "shared_memory_type": "mmap",
                "shared_preload_libraries": "", "ssl_max_protocol_version": "TLSv1.3",
                "ssl_min_protocol_version": "TLSv1.3", "wal_keep_size": "512MB", "wal_level": "logical",
                "wal_log_hints": "on", "wal_receiver_timeout": "5s", "wal_sender_timeout": "5s",
            },
            "syncReplicaElectionConstraint": {"enabled": false},
        },
        "primaryUpdateMethod": "restart",
        "primaryUpdateStrategy": "unsupervised",
        "probes": {"liveness": {"isolationCheck": {"connectionTimeout": 1000, "enabled": true, "requestTimeout": 1000}}},
        "replicationSlots": {
            "highAvailability": {"enabled": true, "slotPrefix": "_cnpg_"},
            "synchronizeReplicas": {"enabled": true},
            "updateInterval": 30,
        },
        "resources": {"limits": {"memory": "1Gi"}, "requests": {"cpu": "250m", "memory": "1Gi"}},
        "smartShutdownTimeout": 180,
        "startDelay": 3600,
        "stopDelay": 1800,
        "storage": {"resizeInUseVolumes": true, "size": "1Gi"},
        "switchoverDelay": 3600,
    })
}

/// The status of a Cluster whose one instance is ready.
pub(super) fn cluster_status(cluster: &str) -> Value {
    let first = format!("{cluster}-1");
    let condition = |kind: &str, reason: &str, message: &str| json!({"lastTransitionTime": "2026-01-01T00:00:42Z", "message": message, "reason": reason, "status": "True", "type": kind});
    json!({
        "availableArchitectures": [{"goArch": "amd64", "hash": "6a6f".repeat(16)}, {"goArch": "arm64", "hash": "b1c2".repeat(16)}],
        "certificates": {
            "clientCASecret": format!("{cluster}-ca"),
            "expirations": {
                format!("{cluster}-ca"): "2026-04-01 00:00:00 +0000 UTC",
                format!("{cluster}-replication"): "2026-04-01 00:00:00 +0000 UTC",
                format!("{cluster}-server"): "2026-04-01 00:00:00 +0000 UTC",
            },
            "replicationTLSSecret": format!("{cluster}-replication"),
            "serverAltDNSNames": [format!("{cluster}-rw"), format!("{cluster}-rw.apps"), format!("{cluster}-rw.apps.svc"),
                format!("{cluster}-r"), format!("{cluster}-r.apps"), format!("{cluster}-ro"), format!("{cluster}-ro.apps.svc")],
            "serverCASecret": format!("{cluster}-ca"),
            "serverTLSSecret": format!("{cluster}-server"),
        },
        "cloudNativePGCommitHash": "0123456",
        "cloudNativePGOperatorHash": "4f5e".repeat(16),
        "conditions": [
            condition("Ready", "ClusterIsReady", "Cluster is Ready"),
            condition("ConsistentSystemID", "Unique", "A single, unique system ID was found across reporting instances."),
            condition("ContinuousArchiving", "ContinuousArchivingSuccess", "Continuous archiving is working"),
        ],
        "configMapResourceVersion": {"metrics": {"cnpg-default-monitoring": "791"}},
        "currentPrimary": first,
        "currentPrimaryTimestamp": "2026-01-01T00:00:40.000000Z",
        "healthyPVC": [first],
        "image": "ghcr.io/cloudnative-pg/postgresql:17.6",
        "instanceNames": [first],
        "instances": 1,
        "instancesReportedState": {first.clone(): {"ip": "10.244.0.12", "isPrimary": true, "timeLineID": 1}},
        "instancesStatus": {"healthy": [first]},
        "latestGeneratedNode": 1,
        "managedRolesStatus": {},
        "pgDataImageInfo": {"image": "ghcr.io/cloudnative-pg/postgresql:17.6", "majorVersion": 17},
        "phase": "Cluster in healthy state",
        "poolerIntegrations": {"pgBouncerIntegration": {"secrets": [format!("{cluster}-pooler")]}},
        "pvcCount": 1,
        "readService": format!("{cluster}-r"),
        "readyInstances": 1,
        "secretsResourceVersion": {
            "applicationSecretVersion": "771", "clientCaSecretVersion": "767", "replicationSecretVersion": "769",
            "serverCaSecretVersion": "767", "serverSecretVersion": "768",
        },
        "switchReplicaClusterStatus": {},
        "systemID": "7581934712345678901",
        "targetPrimary": first,
        "targetPrimaryTimestamp": "2026-01-01T00:00:31.000000Z",
        "timelineID": 1,
        "topology": {"instances": {first.clone(): {}}, "nodesUsed": 1, "successfullyExtracted": true},
        "writeService": format!("{cluster}-rw"),
    })
}

/// The status of a Pooler that is ready.
pub(super) fn pooler_status() -> Value {
    json!({"instances": 1, "secrets": {
        "clientCA": {"name": "daap-orders-ca", "version": "767"},
        "pgBouncerSecrets": {"authQuery": {"name": "daap-orders-pooler", "version": "799"}},
        "serverCA": {"name": "daap-orders-ca", "version": "767"},
        "serverTLS": {"name": "daap-orders-server", "version": "768"},
    }})
}
