//! What is there before a command is tried.

use daap_tests::place::{Place, eventually, run, text};
use daap_tests::sandbox::User;
use serde_json::{Value, json};

/// The database that is only looked at.
pub(crate) const SHARED: &str = "shown";
/// A deleted one.
pub(crate) const GONE: &str = "gone";
/// One whose pooler ends as soon as it is started.
pub(crate) const BROKEN: &str = "broken";

/// What is there before the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// [`SHARED`], [`GONE`] and [`BROKEN`], of which nothing changes.
    Shared,
    /// Nothing.
    Nothing,
    /// A database of team payments.
    Live,
    /// One with a second version.
    Changed,
    /// One that was offered to team billing.
    Offered,
    /// One whose Pooler somebody removed.
    WithoutPooler,
    /// One whose Pooler is not what the record says.
    Drifted,
    /// One whose creation is not finished.
    Unfinished,
    /// One whose data is kept.
    Deleted,
    /// One whose data is kept for longer than it has to be.
    Expired,
    /// One whose restore is not finished.
    Unrestored,
    /// One whose deletion has detached its data, and stopped.
    HalfDeleted,
}

impl Before {
    /// Makes it so.
    pub(crate) fn make(self, place: &Place<'_>, name: &str) {
        let done = |words: &[&str]| place.done(words);
        match self {
            Self::Shared | Self::Nothing => return,
            _ => place.create(name, &[]),
        };
        match self {
            Self::Shared | Self::Nothing | Self::Live => {}
            Self::Changed => {
                done(&["update", name, "--purpose", "changed", "--wait"]);
            }
            Self::Offered => {
                done(&["transfer", name, "--to", "billing"]);
            }
            Self::WithoutPooler => {
                let pooler = format!("daap-{name}-pooler");
                place.kubectl_by(User::PaymentsDev, &["delete", "poolers", &pooler], None);
            }
            Self::Drifted => drift(place, name),
            Self::Unfinished => unfinish(place, name),
            Self::Deleted => {
                done(&["delete", name, "--yes"]);
            }
            Self::Expired => {
                done(&["delete", name, "--yes"]);
                expire(place, name);
            }
            Self::Unrestored => {
                done(&["delete", name, "--yes"]);
                half_restore(place, name);
            }
            Self::HalfDeleted => half_delete(place, name),
        }
    }
}

/// Makes [`SHARED`], [`GONE`] and [`BROKEN`].
pub(crate) async fn make_shared(place: &Place<'_>) {
    place.create(SHARED, &[]);
    Before::Deleted.make(place, GONE);
    let fault = format!("{}.daap-{BROKEN}-pooler", place.namespace);
    let faults = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "faults", "namespace": "daap-sandbox"},
        "data": {fault: "pooler-crash"},
    });
    let mut kubectl = place.sandbox.kubectl(User::Harness);
    let words = ["apply", "--server-side", "-f", "-"];
    let field_manager = format!("--field-manager={}", place.namespace);
    let output = run(kubectl.args(words).arg(field_manager), Some(&faults));
    assert!(output.status.success(), "{}", text(&output));
    place.create(BROKEN, &["--wait=false"]);
    let ended = r"-ojsonpath={.items[*].status.containerStatuses[*].lastState.terminated.exitCode}";
    let selector = format!("cnpg.io/poolerName=daap-{BROKEN}-pooler");
    eventually("the pooler has crashed", || {
        let codes = place.kubectl(&["get", "pods", "-l", &selector, ended], None);
        (!codes.trim().is_empty()).then_some(())
    })
    .await;
    // So that there are none of the one that is as it should be.
    let warnings = ["delete", "events", "--field-selector", "type=Warning"];
    place.kubectl_by(User::Harness, &warnings, None);
}

fn cluster(name: &str) -> String {
    format!("cluster/daap-{name}")
}

fn merge(place: &Place<'_>, user: User, object: &str, patch: &Value) {
    let patch = patch.to_string();
    place.kubectl_by(
        user,
        &["patch", object, "--type", "merge", "-p", &patch],
        None,
    );
}

/// The operator gets around admission.
fn drift(place: &Place<'_>, name: &str) {
    let pooler = format!("pooler/daap-{name}-pooler");
    merge(
        place,
        User::Operator,
        &pooler,
        &json!({"spec": {"type": "ro"}}),
    );
}

fn unfinish(place: &Place<'_>, name: &str) {
    let pending =
        json!({"operation": "create", "step": "apply-pooler", "since": "2026-11-21T10:00:00Z"});
    let patch = json!({"metadata": {"annotations": {"daap.dev/pending": pending.to_string()}}});
    merge(place, User::PaymentsDev, &cluster(name), &patch);
}

fn expire(place: &Place<'_>, name: &str) {
    let selector = format!("daap.dev/name={name},daap.dev/deleted=true");
    let found = place.kubectl(&["get", "configmap", "-l", &selector, "-o", "json"], None);
    let found: Value = serde_json::from_str(&found).unwrap();
    let metadata = &found["items"][0]["metadata"];
    let content = &metadata["annotations"]["daap.dev/tombstone"];
    let mut content: Value = serde_json::from_str(content.as_str().unwrap()).unwrap();
    content["until"] = "2026-01-01T00:00:00Z".into();
    let patch = json!({"metadata": {"annotations": {"daap.dev/tombstone": content.to_string()}}});
    let tombstone = format!("configmap/{}", metadata["name"].as_str().unwrap());
    merge(place, User::Admin, &tombstone, &patch);
}

/// It never becomes ready with that image, and a Secret of it was let go again.
fn half_restore(place: &Place<'_>, name: &str) {
    let image = "registry.test/missing:18.1";
    let said = place.fails(&["restore", name, "--image", image, "--timeout", "10s"]);
    assert_eq!(place.state(name).0, "provisioning", "{said}");
    let secret = format!("secret/daap-{name}-app");
    let patch = json!({"metadata": {"ownerReferences": null}});
    merge(place, User::Admin, &secret, &patch);
}

/// A volume that the deletion does not know keeps admission from letting the Cluster go.
fn half_delete(place: &Place<'_>, name: &str) {
    let uid = "-ojsonpath={.metadata.uid}";
    let uid = place.kubectl(&["get", &cluster(name), uid], None);
    let owner = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "name": format!("daap-{name}"), "uid": uid,
    });
    let stray = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": format!("stray-{name}"), "ownerReferences": [owner]},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
        },
    });
    place.kubectl(&["create", "-f", "-"], Some(&stray));
    let said = place.fails(&["delete", name, "--yes"]);
    assert!(said.contains("volumes still belong to it"), "{said}");
}
