//! Asking the webhook, through the API server and without leaving anything: what is installed may
//! still not be asked.

use daap_crds::contract::annotation;
use daap_crds::names::{DatabaseId, DatabaseName, Team};
use daap_crds::object::View;
use daap_crds::purpose::Purpose;
use serde_json::json;

use super::finding::Finding;
use crate::failure::{Away, Failure};
use crate::kubernetes::{Kind, Kubernetes};
use crate::operation::{Asked, policy};

pub(super) const IN_FORCE: &str = "webhook-in-force";
const STAMPS: &str = "webhook-stamps";
/// What refuses the object that is known to be bad.
const VALIDATING: &str = "validate.admission.daap.dev";

pub(super) async fn check(k8s: &Kubernetes) -> Vec<Finding> {
    let in_force = refused(k8s).await;
    let stamps = stamped(k8s)
        .await
        .unwrap_or_else(|failure| unasked(STAMPS, &failure));
    vec![in_force, stamps]
}

/// A Pooler of a Cluster that does not exist: nobody may make one, and only the webhook looks.
async fn refused(k8s: &Kubernetes) -> Finding {
    let nobody = DatabaseId::random().short();
    let pooler = json!({
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Pooler",
        "metadata": {"name": format!("doctor-{nobody}"), "namespace": k8s.namespace()},
        "spec": {
            "cluster": {"name": format!("daap-doctor-{nobody}")},
            "instances": 1,
            "type": "rw",
            "pgbouncer": {"poolMode": "transaction"},
        },
    });
    match k8s.dry_run().create(Kind::Pooler, &pooler).await {
        Ok(_) => Finding::failed(
            IN_FORCE,
            "a Pooler that breaks the rules is let through (it was a dry run): the webhook is not asked",
            "apply daap's manifests, and see that no namespace or object is left out: docs/installation.md",
        ),
        Err(failure) if failure.is_denial() && failure.to_string().contains(VALIDATING) => {
            Finding::passed(
                IN_FORCE,
                "an object that breaks the rules is refused by the webhook (a dry run)",
            )
        }
        Err(failure) => unasked(IN_FORCE, &failure),
    }
}

/// A database as the caller may create it: what the webhook makes of it is what would be stored.
async fn stamped(k8s: &Kubernetes) -> Result<Finding, Failure> {
    let Some(team) = team(k8s).await? else {
        return Ok(Finding::skipped(
            STAMPS,
            "whether the webhook writes the history is not tried, as that needs a team that you own (own teams.daap.dev/TEAM)",
        ));
    };
    let unreadable = |error: String| Failure::new(format!("failed to make a trial: {error}"));
    let id = DatabaseId::random();
    let asked = Asked {
        name: DatabaseName::parse(&format!("doctor-{}", id.short()))
            .map_err(|error| unreadable(error.to_string()))?,
        team,
        purpose: Purpose::parse("a trial of kubectl daap doctor")
            .map_err(|error| unreadable(error.to_string()))?,
        id: None,
        instances: None,
        storage: None,
        storage_class: None,
        image: None,
        pool_mode: None,
        pool_instances: None,
        change_reason: None,
    };
    let cluster = asked.cluster(k8s.namespace(), id);
    let made = match k8s.dry_run().create(Kind::Cluster, &cluster).await {
        Ok(made) => made,
        Err(failure) if failure.is_denial() => {
            return Ok(Finding::skipped(
                STAMPS,
                format!(
                    "a database with nothing but defaults is refused, so that no more is known: {failure}"
                ),
            ));
        }
        Err(failure) => return Err(failure),
    };
    let view = View(&made);
    Ok(match view.annotation(annotation::CREATED_BY) {
        Some(by) => Finding::passed(
            STAMPS,
            format!("the webhook writes that {by} creates it, and its history (a dry run)"),
        ),
        None => Finding::failed(
            STAMPS,
            "nobody writes who created a database: the mutating half of the webhook is not asked",
            "apply daap's manifests: docs/installation.md",
        ),
    })
}

/// A team that the caller may act for.
async fn team(k8s: &Kubernetes) -> Result<Option<Team>, Failure> {
    let listed = match k8s.owned_teams().await? {
        Some(teams) => teams,
        None => match policy::read(k8s).await?.and_then(|policy| policy.teams) {
            Some(teams) => teams.iter().map(ToString::to_string).collect(),
            None => vec!["doctor".to_owned()],
        },
    };
    Ok(listed.iter().find_map(|team| Team::parse(team).ok()))
}

/// What kept the question from an answer.
fn unasked(check: &'static str, failure: &Failure) -> Finding {
    let Some(away) = failure.away() else {
        return Finding::of_failure(check, failure);
    };
    // What was tried is of no interest.
    let text = failure.to_string();
    let cause = text
        .split_once(": ")
        .map_or(text.as_str(), |(_, cause)| cause);
    let namespace = daap_crds::contract::platform::NAMESPACE;
    let remedy = match away {
        Away::Operator => {
            "every write of a database is refused until it does: see that its pods run".to_owned()
        }
        Away::Webhook if cause.contains("x509") => format!(
            "its certificate is not of the authority in caBundle, or has ended: restart it (kubectl rollout restart deployment/daap-webhook -n {namespace}), and see its log"
        ),
        Away::Webhook => format!(
            "every write of a database is refused until it does: kubectl get pods -n {namespace}"
        ),
    };
    Finding::failed(check, cause, remedy)
}
