//! An image cannot be pulled. CNPG goes on saying `Setting up primary`.

use daap_crds::object::View;

use crate::database::explain::facts::pod_object;
use crate::database::explain::{Cause, Evidence, Facts, Finding, Remedy};
use crate::database::pod::{self, joined};

/// What a container waits for, in the kubelet's words.
const REASONS: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// What container runtimes write into their errors, and what it means. The first that fits counts:
/// a registry that hides what it has says that it "does not exist or may require authorization".
const MEANINGS: [(&[&str], &str); 5] = [
    (
        &[
            "lookup ",
            "dial tcp",
            "i/o timeout",
            "connection refused",
            "x509",
            "TLS handshake",
        ],
        "its registry cannot be reached from the node",
    ),
    (
        &[
            "unauthorized",
            "authorization",
            "authentication",
            "denied",
            "403 Forbidden",
        ],
        "its registry does not give it to this namespace",
    ),
    (
        &["toomanyrequests", "429 Too Many"],
        "its registry gives out no more for now",
    ),
    (
        &["not found", "manifest unknown", "NotFound"],
        "there is no such image",
    ),
    (
        &[
            "InvalidImageName",
            "couldn't parse image",
            "invalid reference",
        ],
        "that is no name of an image",
    ),
];

pub(super) fn find(facts: &Facts) -> Option<Finding> {
    let (pod, container) = facts.pods().find_map(|pod| {
        let waits = |container: &View<'_>| {
            container
                .text("/state/waiting/reason")
                .is_some_and(|reason| REASONS.contains(&reason))
        };
        Some((pod, pod::containers(pod).find(waits)?))
    })?;
    let image = container.text("/image").unwrap_or_default();
    let reason = container.text("/state/waiting/reason");
    let message = container.text("/state/waiting/message");
    let place = format!("container {}", container.text("/name").unwrap_or_default());
    let said = joined(reason, message);
    let mut evidence = vec![Evidence::new(pod_object(pod), place, &said)];
    // A container that is backing off does not say any more why, on older nodes.
    let pull = facts.warning(pod, "Pod", |event| {
        let says_more = |text: &str| {
            let why = text.split_once("\": ").map_or(text, |(_, why)| why);
            message.is_none_or(|message| !message.contains(why))
        };
        event
            .text("/message")
            .is_some_and(|text| text.starts_with("Failed to pull image") && says_more(text))
    });
    evidence.extend(pull.map(Facts::quote_event));
    let all: String = evidence.iter().map(|one| one.quote.as_str()).collect();
    let verdict = match meaning(&all) {
        Some(meaning) => format!("the image {image} cannot be pulled: {meaning}"),
        None => format!("the image {image} cannot be pulled"),
    };
    Some(Finding {
        cause: Cause::Image,
        verdict,
        evidence,
        remedy: remedy(facts, pod, image),
    })
}

fn meaning(text: &str) -> Option<&'static str> {
    MEANINGS
        .iter()
        .find(|(words, _)| words.iter().any(|word| text.contains(word)))
        .map(|(_, meaning)| *meaning)
}

fn remedy(facts: &Facts, pod: View<'_>, image: &str) -> Remedy {
    if !pod::is_instance(pod) {
        return Remedy::new(
            "the pooler's image comes from the operator: ask your platform team to make it available to the nodes",
            [facts.here(&format!("kubectl describe pod {}", pod.name()))],
        );
    }
    let is_postgres = facts.cluster().text("/spec/imageName") == Some(image)
        || facts.cluster().text("/status/image") == Some(image);
    if !is_postgres {
        return Remedy::new(
            "the image is not the database's own: ask your platform team to make it available to the nodes",
            [facts.here(&format!("kubectl describe pod {}", pod.name()))],
        );
    }
    if facts.has_run() {
        return Remedy::new(
            "name an image that can be pulled, then remove the pod that waits for this one: CloudNativePG makes no other as long as it is there",
            [
                facts.patch_cluster(r#"{"spec":{"imageName":"<image>"}}"#),
                facts.here(&format!("kubectl delete pod {}", pod.name())),
            ],
        );
    }
    Remedy::new(
        "where the image is right, see to its registry: pulling goes on by itself; otherwise begin anew with another one, which loses nothing, since the database has never run",
        facts.begin_anew("--image <image>"),
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "dial tcp: lookup sandbox.local: Temporary failure in name resolution",
        Some("its registry cannot be reached from the node")
    )]
    #[case(
        "pull access denied, repository does not exist or may require authorization",
        Some("its registry does not give it to this namespace")
    )]
    #[case(
        "docker.example/postgresql:99: not found",
        Some("there is no such image")
    )]
    #[case("something else", None)]
    fn errors_of_runtimes_have_a_meaning(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(meaning(text), expected);
    }
}
