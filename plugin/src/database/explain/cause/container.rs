//! What goes wrong in a container, other than that its image is not there.

use daap_crds::object::View;

use crate::database::pod;

/// What a container waits for that nothing will change by itself.
const WAITING: [&str; 5] = [
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "StartError",
];

/// A container in trouble.
pub(super) struct Trouble {
    /// Its name.
    pub(super) container: String,
    /// As in `container postgres`.
    pub(super) place: String,
    /// What the kubelet says.
    pub(super) said: String,
    /// Whether it is started again and again.
    pub(super) restarts: bool,
}

/// The first container of a pod that is in trouble.
pub(super) fn trouble(pod: View<'_>) -> Option<Trouble> {
    pod::containers(pod)
        .find_map(of_container)
        .or_else(|| evicted(pod))
}

fn of_container(container: View<'_>) -> Option<Trouble> {
    let name = container.text("/name").unwrap_or_default();
    let found = |said: String, restarts: bool| Trouble {
        container: name.to_owned(),
        place: format!("container {name}"),
        said,
        restarts,
    };
    if let Some(reason) = container.text("/state/waiting/reason") {
        if !WAITING.contains(&reason) {
            return None;
        }
        let last = container
            .at("/lastState/terminated")
            .map(View)
            .map(pod::ended);
        let detail = last.as_deref().or(container.text("/state/waiting/message"));
        return Some(found(pod::joined(Some(reason), detail), true));
    }
    let terminated = container.at("/state/terminated").map(View)?;
    (pod::exit_code(terminated) != 0).then(|| found(pod::ended(terminated), false))
}

/// A pod that the kubelet ended: its containers say nothing.
fn evicted(pod: View<'_>) -> Option<Trouble> {
    (pod.text("/status/phase") == Some("Failed")).then(|| Trouble {
        container: pod
            .text("/spec/containers/0/name")
            .unwrap_or_default()
            .to_owned(),
        place: "status".to_owned(),
        said: pod::joined(
            pod.text("/status/reason").or(Some("Failed")),
            pod.text("/status/message"),
        ),
        restarts: false,
    })
}
