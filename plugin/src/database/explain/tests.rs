use std::collections::BTreeMap;

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::database::fixtures;

/// A minute after the last thing that was recorded.
const RECORDED: &str = "2026-11-21T02:02:16Z";
const NOW: &str = "2026-11-21T08:05:00Z";

/// What was read of a database that the real operator could not bring up.
fn recorded(case: &str) -> Option<Facts> {
    let stuck = fixtures::stuck(case)?;
    let namespace = stuck.database.view().namespace().to_owned();
    let logs = stuck
        .pods
        .iter()
        .map(|pod| (View(pod).name().to_owned(), stuck.log.clone()))
        .collect();
    Some(Facts {
        name: stuck.name,
        namespace,
        database: stuck.database,
        pods: Ok(stuck.pods),
        volumes: Ok(stuck.volumes),
        warnings: Ok(stuck.events),
        logs,
        operator: None,
        probe: Probe::Answered,
        now: RECORDED.parse().unwrap(),
    })
}

#[rstest]
#[case(
    "quota",
    Cause::Quota,
    "quota 'q'",
    "kubectl describe resourcequota -n f-quota"
)]
#[case(
    "image",
    Cause::Image,
    "sandbox.local/postgresql:99.9",
    "kubectl daap create image --owner-team payments --purpose 'Order store' --image <image> -n f-image"
)]
#[case(
    "class",
    Cause::Volume,
    "no storage class 'fast-ssd'",
    "kubectl get storageclass"
)]
#[case(
    "cpu",
    Cause::Scheduling,
    "1 Insufficient cpu; it asks for cpu 64",
    "kubectl daap delete cpu --force --purge -n f-cpu"
)]
#[case(
    "initdb",
    Cause::Job,
    "invalid locale name \"xx_XX\"",
    "kubectl logs daap-initdb-1-initdb-2fgmf -c initdb -n f-initdb"
)]
#[case("pooler", Cause::Pooler, "invalid value \"many\" for parameter max_client_conn", r#"kubectl patch poolers.postgresql.cnpg.io daap-loop-pooler --type merge -p '{"spec":{"pgbouncer":{"parameters":{"max_client_conn":null}}}}' -n f-pooler"#)]
fn where_the_real_operator_is_stuck_the_cause_is_found(
    #[case] case: &str,
    #[case] cause: Cause,
    #[case] verdict: &str,
    #[case] command: &str,
) {
    let Some(facts) = recorded(case) else { return };
    let explanation = Explanation::of(&facts);
    let shown = explanation.render(facts.now, None);
    assert_eq!(explanation.finding.cause, cause, "{shown}");
    assert!(explanation.finding.verdict.contains(verdict), "{shown}");
    assert!(
        explanation
            .finding
            .remedy
            .commands
            .contains(&command.to_owned()),
        "{shown}"
    );
    assert!(!explanation.finding.evidence.is_empty(), "{shown}");
}

/// Where the log may not be seen, what was asked of the pooler still says it.
#[test]
fn a_log_that_may_not_be_seen_is_no_must() {
    for case in ["pooler", "initdb"] {
        let Some(mut facts) = recorded(case) else {
            return;
        };
        facts.logs.clear();
        let explanation = Explanation::of(&facts);
        let expected = if case == "pooler" {
            Cause::Pooler
        } else {
            Cause::Job
        };
        assert_eq!(explanation.finding.cause, expected);
    }
}

/// A healthy database, changed.
fn facts(change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = Facts {
        name: DatabaseName::parse("orders").unwrap(),
        namespace: "apps".into(),
        database: fixtures::ready("orders"),
        pods: Ok(Vec::new()),
        volumes: Ok(Vec::new()),
        warnings: Ok(Vec::new()),
        logs: BTreeMap::new(),
        operator: None,
        probe: Probe::Answered,
        now: NOW.parse().unwrap(),
    };
    change(&mut facts);
    facts
}

fn annotate(facts: &mut Facts, key: &str, value: &str) {
    daap_crds::object::set_annotation(&mut facts.database.cluster, key, value);
}

fn pending(facts: &mut Facts, operation: &str, error: Option<&str>) {
    let mut value =
        json!({"operation": operation, "step": "apply-pooler", "since": "2026-11-21T08:00:00Z"});
    if let Some(error) = error {
        value["error"] = error.into();
    }
    annotate(facts, "daap.dev/pending", &value.to_string());
}

fn pod(name: &str, labels: &Value, status: &Value) -> Value {
    json!({"metadata": {"name": name, "labels": labels}, "spec": {"containers": [{"name": "postgres"}]}, "status": status})
}

fn instance(status: &Value) -> Value {
    pod(
        "daap-orders-1",
        &json!({"cnpg.io/instanceName": "daap-orders-1", "cnpg.io/cluster": "daap-orders"}),
        status,
    )
}

#[rstest]
#[case(facts(|_| ()), Cause::None, "kubectl daap connect orders -n apps")]
#[case(facts(|facts| pending(facts, "create", Some("spec.imageName: refused"))), Cause::Denial, "kubectl daap create orders --owner-team payments --purpose 'order intake' -n apps")]
#[case(facts(|facts| pending(facts, "create", Some("exceeded quota: q, requested: x=1"))), Cause::Quota, "kubectl daap delete orders --purge -n apps")]
#[case(facts(|facts| pending(facts, "create", None)), Cause::Unfinished, "kubectl daap create orders --owner-team payments --purpose 'order intake' -n apps")]
#[case(facts(|facts| pending(facts, "update", None)), Cause::Unfinished, "kubectl daap repair orders -n apps")]
#[case(facts(|facts| pending(facts, "delete", None)), Cause::Deletion, "kubectl daap repair orders --abort -n apps")]
#[case(facts(|facts| facts.database.pooler = None), Cause::Pooler, "kubectl daap repair orders -n apps")]
#[case(facts(|facts| facts.database.app_secret = false), Cause::Credentials, "kubectl daap get orders -n apps")]
#[case(facts(|facts| facts.database.lost = true), Cause::ClusterMissing, "kubectl get pvc -l cnpg.io/cluster=daap-orders -n apps")]
#[case(facts(|facts| facts.probe = Probe::OperatorAway("no answer".into())), Cause::OperatorAway, "kubectl daap version")]
#[case(facts(|facts| facts.probe = Probe::WebhookAway("no answer".into())), Cause::WebhookAway, "kubectl daap version")]
#[case(facts(|facts| facts.operator = Some(json!({"metadata": {"name": "o", "namespace": "cnpg-system"}, "status": {}}))), Cause::OperatorAway, "kubectl daap version")]
#[case(facts(|facts| facts.database.cluster["status"] = json!(null)), Cause::OperatorAway, "kubectl daap version")]
#[case(facts(|facts| { facts.database.cluster["status"] = json!(null); facts.now = "2026-11-21T08:00:05Z".parse().unwrap(); }), Cause::Progress, "kubectl daap events orders --watch -n apps")]
#[case(facts(|facts| annotate(facts, "cnpg.io/hibernation", "on")), Cause::Hibernation, "kubectl annotate clusters.postgresql.cnpg.io daap-orders cnpg.io/hibernation=off --overwrite -n apps")]
#[case(facts(|facts| annotate(facts, "cnpg.io/fencedInstances", "[\"*\"]")), Cause::Fencing, "kubectl annotate clusters.postgresql.cnpg.io daap-orders cnpg.io/fencedInstances- --overwrite -n apps")]
#[case(facts(|facts| facts.database.cluster["metadata"]["deletionTimestamp"] = NOW.into()), Cause::Deletion, "kubectl daap restore orders -n apps")]
#[case(facts(|facts| facts.database.cluster["status"] = json!({"phase": "Not enough disk space", "currentPrimary": "x-1"})), Cause::Volume, "kubectl daap update orders --storage <size> -n apps")]
#[case(facts(|facts| facts.database.cluster["status"] = json!({"phase": "Invalid cluster definition", "currentPrimary": "x-1"})), Cause::Operator, "kubectl daap events orders -n apps")]
#[case(facts(|facts| facts.database.cluster["status"]["readyInstances"] = json!(0)), Cause::Operator, "kubectl daap events orders -n apps")]
fn every_cause_has_its_remedy(#[case] facts: Facts, #[case] cause: Cause, #[case] command: &str) {
    let explanation = Explanation::of(&facts);
    let shown = explanation.render(facts.now, None);
    assert_eq!(explanation.finding.cause, cause, "{shown}");
    assert!(
        explanation
            .finding
            .remedy
            .commands
            .contains(&command.to_owned()),
        "{shown}"
    );
}

/// As the scheduler says it where no volume is large enough and none can be made.
#[test]
fn a_volume_that_waits_for_its_first_pod_is_what_is_missing() {
    let facts = facts(|facts| {
        let message = "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind. no new claims to deallocate";
        let unscheduled = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message});
        let claim = json!({
            "metadata": {"name": "daap-orders-1"},
            "spec": {"storageClassName": "standard", "resources": {"requests": {"storage": "999Gi"}}},
            "status": {"phase": "Pending"},
        });
        facts.database.cluster["status"] = json!({"phase": "Setting up primary"});
        facts.pods = Ok(vec![instance(
            &json!({"phase": "Pending", "conditions": [unscheduled]}),
        )]);
        facts.volumes = Ok(vec![claim]);
    });
    let explanation = Explanation::of(&facts);
    let shown = explanation.render(facts.now, None);
    assert_eq!(explanation.finding.cause, Cause::Volume, "{shown}");
    assert!(explanation.finding.verdict.contains("999Gi"), "{shown}");
}

#[test]
fn an_image_that_a_running_database_cannot_pull_any_more_is_no_reason_to_begin_anew() {
    let facts = facts(|facts| {
        facts.database.cluster["status"]["readyInstances"] = json!(0);
        let waiting = json!({"phase": "Pending", "containerStatuses": [{"name": "postgres",
            "image": "registry.example/postgresql:17.6",
            "state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}]});
        facts.pods = Ok(vec![instance(&waiting)]);
    });
    let explanation = Explanation::of(&facts);
    assert_eq!(explanation.finding.cause, Cause::Image);
    let commands = explanation.finding.remedy.commands.join("\n");
    assert!(!commands.contains("purge"), "{commands}");
    assert!(
        commands.contains("kubectl delete pod daap-orders-1 -n apps"),
        "{commands}"
    );
}

#[test]
fn an_instance_that_ends_again_and_again_says_how() {
    let facts = facts(|facts| {
        facts.database.cluster["status"]["readyInstances"] = json!(0);
        let crashing = json!({"phase": "Running", "containerStatuses": [{"name": "postgres",
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]});
        facts.pods = Ok(vec![instance(&crashing)]);
    });
    let explanation = Explanation::of(&facts);
    assert_eq!(explanation.finding.cause, Cause::Instance);
    let quote = &explanation.finding.evidence.first().unwrap().quote;
    assert_eq!(quote, "CrashLoopBackOff: OOMKilled (exit code 137)");
}

/// Kubernetes keeps events for an hour, and names come again.
#[test]
fn what_an_earlier_database_of_that_name_met_is_no_evidence() {
    let refused = |at: &str| {
        json!({"type": "Warning", "reason": "FailedCreate", "message": "exceeded quota: q, requested: pods=1",
            "lastTimestamp": at, "involvedObject": {"kind": "Job", "name": "daap-orders-1-initdb"}})
    };
    let stuck = |at: &str| {
        facts(|facts| {
            facts.database.cluster["status"] = json!({"phase": "Setting up primary"});
            facts.warnings = Ok(vec![refused(at)]);
        })
    };
    let cause = |at: &str| Explanation::of(&stuck(at)).finding.cause;
    assert_eq!(cause("2026-11-21T08:01:00Z"), Cause::Quota);
    assert_eq!(cause("2026-11-21T07:59:00Z"), Cause::Progress);
}

#[test]
fn what_may_not_be_seen_is_said_and_explains_nothing() {
    let facts = facts(|facts| {
        facts.database.cluster["status"] = json!({"phase": "Setting up primary"});
        facts.pods = Err("ada may not list pods in namespace apps".into());
    });
    let explanation = Explanation::of(&facts);
    insta::assert_snapshot!(explanation.render(facts.now, None));
    insta::assert_snapshot!(explanation.render(facts.now, Some(60)));
}

#[test]
fn it_reads_as_an_answer() {
    for case in ["quota", "image", "class", "cpu", "initdb", "pooler"] {
        let Some(facts) = recorded(case) else { return };
        let shown = Explanation::of(&facts).render(facts.now, None);
        // Nothing of the recordings is kept here: only that each part is there, in its order.
        let order = [
            "database/",
            "\n\nWhy:\n  ",
            "\n\nEvidence:\n  ",
            "\n\nWhat to do:\n  ",
            "\n    kubectl ",
        ];
        let mut rest = shown.as_str();
        for part in order {
            let (_, after) = rest
                .split_once(part)
                .unwrap_or_else(|| panic!("{part} in:\n{shown}"));
            rest = after;
        }
    }
}

#[test]
fn as_json_it_has_everything() {
    let facts = facts(|facts| {
        facts.database.cluster["status"] = json!({"phase": "Setting up primary"});
        let waiting = json!({"phase": "Pending", "containerStatuses": [{"name": "initdb",
            "image": "registry.example/postgresql:17.6",
            "state": {"waiting": {"reason": "ErrImagePull", "message": "manifest unknown"}}}]});
        facts.pods = Ok(vec![instance(&waiting)]);
    });
    let explanation = Explanation::of(&facts);
    insta::assert_snapshot!(crate::output::yaml(&explanation.document()).unwrap());
    insta::assert_snapshot!(explanation.render(facts.now, None));
    insta::assert_snapshot!(explanation.render(facts.now, Some(60)));
}
