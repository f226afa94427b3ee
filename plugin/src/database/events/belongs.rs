//! Which events are a database's. By the names of the objects: what an event tells of is often gone,
//! and its labels with it.

use daap_crds::contract::NAME_PREFIX;
use daap_crds::names::DatabaseName;
use daap_crds::object::View;

/// Characters that Kubernetes appends to the name of a pod.
const SUFFIX: usize = 5;

/// Whether the event is of an object of that database; of any database where none is named.
pub(crate) fn concerns(event: View<'_>, name: Option<&DatabaseName>) -> bool {
    match name {
        Some(name) => belongs(event, name),
        None => event
            .text("/involvedObject/name")
            .is_some_and(|object| object.starts_with(NAME_PREFIX)),
    }
}

fn belongs(event: View<'_>, name: &DatabaseName) -> bool {
    let (Some(kind), Some(object)) = (
        event.text("/involvedObject/kind"),
        event.text("/involvedObject/name"),
    ) else {
        return false;
    };
    let (cluster, pooler) = (name.cluster(), name.pooler());
    let of_instance = |is: fn(&str) -> bool| instance(&cluster, object).is_some_and(is);
    let of_pooler = |is: fn(&str) -> bool| after(&pooler, object).is_some_and(is);
    match kind {
        "Cluster" => object == cluster,
        "Pooler" | "Deployment" => object == pooler,
        "ReplicaSet" => of_pooler(is_word),
        "Pod" => of_instance(is_pod) || of_pooler(is_pooler_pod),
        "Job" => of_instance(|rest| after("", rest).is_some_and(is_role)),
        "PersistentVolumeClaim" => of_instance(is_claim),
        "PodDisruptionBudget" => object == cluster || after(&cluster, object) == Some("primary"),
        "Service" => {
            object == pooler
                || after(&cluster, object).is_some_and(|rest| ["rw", "ro", "r"].contains(&rest))
        }
        _ => false,
    }
}

/// What follows `{before}-`.
fn after<'a>(before: &str, object: &'a str) -> Option<&'a str> {
    object.strip_prefix(before)?.strip_prefix('-')
}

/// What follows `{cluster}-{number}`: nothing for a pod and its volume.
fn instance<'a>(cluster: &str, object: &'a str) -> Option<&'a str> {
    let rest = after(cluster, object)?;
    let tail = rest.trim_start_matches(|character: char| character.is_ascii_digit());
    (tail.len() < rest.len()).then_some(tail)
}

fn is_claim(rest: &str) -> bool {
    rest.is_empty() || rest == "-wal" || rest.starts_with("-tbs-")
}

/// The pod of an instance, or of a Job as in `-initdb-x7c2p`.
fn is_pod(rest: &str) -> bool {
    rest.is_empty()
        || after("", rest)
            .and_then(|rest| rest.rsplit_once('-'))
            .is_some_and(|(role, end)| is_role(role) && is_suffix(end))
}

fn is_pooler_pod(rest: &str) -> bool {
    rest.split_once('-')
        .is_some_and(|(hash, end)| is_word(hash) && is_suffix(end))
}

fn is_suffix(text: &str) -> bool {
    text.len() == SUFFIX && is_word(text)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// As in `initdb` and `snapshot-recovery`: without digits, so that `orders-1`, whose cluster could
/// be taken for an instance of `orders`, keeps its own.
fn is_role(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn is_of(kind: &str, object: &str, name: &str) -> bool {
        let event = json!({"involvedObject": {"kind": kind, "name": object}});
        belongs(View(&event), &DatabaseName::parse(name).unwrap())
    }

    #[rstest]
    #[case("Cluster", "daap-orders")]
    #[case("Pooler", "daap-orders-pooler")]
    #[case("Deployment", "daap-orders-pooler")]
    #[case("ReplicaSet", "daap-orders-pooler-6b95648896")]
    #[case("Pod", "daap-orders-pooler-6b95648896-9g7dq")]
    #[case("Pod", "daap-orders-1")]
    #[case("Pod", "daap-orders-12-initdb-4qqq8")]
    #[case("Pod", "daap-orders-1-snapshot-recovery-4qqq8")]
    #[case("Job", "daap-orders-1-initdb")]
    #[case("PersistentVolumeClaim", "daap-orders-1")]
    #[case("PersistentVolumeClaim", "daap-orders-1-wal")]
    #[case("PodDisruptionBudget", "daap-orders-primary")]
    #[case("Service", "daap-orders-rw")]
    fn what_is_a_databases_own(#[case] kind: &str, #[case] object: &str) {
        assert!(is_of(kind, object, "orders"));
        assert!(!is_of(kind, object, "order"));
        assert!(!is_of(kind, object, "orders-1"));
    }

    #[rstest]
    #[case("Cluster", "daap-orders-1")]
    #[case("Pod", "daap-orders-1-1")]
    #[case("Pod", "daap-orders-1-1-initdb-4qqq8")]
    #[case("Pod", "daap-orders-1-pooler-6b95648896-9g7dq")]
    #[case("PersistentVolumeClaim", "daap-orders-1-1")]
    #[case("Job", "daap-orders-1-1-initdb")]
    #[case("Pooler", "daap-orders-1-pooler")]
    fn what_is_of_a_database_whose_name_is_longer(#[case] kind: &str, #[case] object: &str) {
        assert!(!is_of(kind, object, "orders"));
        assert!(is_of(kind, object, "orders-1"));
    }
}
