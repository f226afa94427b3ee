//! Which pod of a pooler connections go to.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use daap_crds::contract::cnpg;
use daap_crds::object::View;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::Value;

use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes};
use crate::operation::human;
use crate::output::stderr_line;

/// After the first failure; doubled with each further one.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Between two looks at the pods while all is well: users learn of a loss before they type on.
const LOOK: Duration = Duration::from_secs(3);

/// A pooler, and the pod of it that is aimed at.
pub(super) struct Aim {
    k8s: Kubernetes,
    pooler: String,
    /// Begins what is said of changes.
    subject: Option<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pod: Option<String>,
    /// The pod that failed last: another one is preferred, though it may still be listed as ready.
    failed: Option<String>,
    /// Whether it was said that connections cannot be made.
    lost: bool,
}

impl Aim {
    pub(super) fn new(k8s: &Kubernetes, pooler: &str, subject: Option<String>) -> Self {
        Self {
            k8s: k8s.clone(),
            pooler: pooler.to_owned(),
            subject,
            state: Mutex::default(),
        }
    }

    /// To open port-forwards with.
    pub(super) fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.k8s.client(), self.k8s.namespace())
    }

    /// The pod to connect to: the last one, unless it failed.
    pub(super) async fn pod(&self) -> Result<String, Failure> {
        let known = self.with(|state| state.pod.clone());
        match known {
            Some(pod) => Ok(pod),
            None => self.look().await,
        }
    }

    /// A connection through this pod could not be made.
    pub(super) fn failed(&self, pod: &str) {
        self.with(|state| {
            if state.pod.as_deref() == Some(pod) {
                state.pod = None;
            }
            state.failed = Some(pod.to_owned());
        });
    }

    /// Says what happened, where changes are told of.
    pub(super) fn say(&self, what: &str) {
        if let Some(subject) = &self.subject {
            stderr_line(&format!("{subject}: {what}"));
        }
    }

    /// Says that connections cannot be made, once until they can.
    pub(super) fn lost(&self, why: &str, pause: Duration) {
        if !self.with(|state| std::mem::replace(&mut state.lost, true)) {
            self.say(&format!("{why}; trying again in {}", human(pause)));
        }
    }

    /// Looks at the pods again and again, so that it is known at any time where connections go.
    pub(super) async fn follow(self: Arc<Self>) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.look().await {
                Ok(_) => {
                    pause = FIRST_PAUSE;
                    tokio::time::sleep(LOOK).await;
                }
                Err(failure) => {
                    self.lost(&failure.to_string(), pause);
                    tokio::time::sleep(pause).await;
                    pause = longer(pause);
                }
            }
        }
    }

    /// Chooses a pod among those that are ready; the one that is aimed at stays while it is.
    async fn look(&self) -> Result<String, Failure> {
        let selector = format!("{}={}", cnpg::POOLER_NAME, self.pooler);
        let listed = self.k8s.list(Kind::Pod, &selector).await?;
        let ready: Vec<&str> = listed
            .iter()
            .map(View)
            .filter(|pod| is_ready(*pod))
            .map(View::name)
            .collect();
        let (before, chosen, was_lost) = self.with(|state| {
            let before = state.pod.take();
            let chosen = choose(&ready, before.as_deref(), state.failed.as_deref());
            state.pod.clone_from(&chosen);
            let was_lost = chosen.is_some() && std::mem::take(&mut state.lost);
            (before, chosen, was_lost)
        });
        match (before, chosen) {
            (Some(before), Some(chosen)) if before != chosen => {
                self.say(&format!(
                    "pod {before} has gone, and its connections with it; new ones go to pod {chosen}"
                ));
                Ok(chosen)
            }
            (_, Some(chosen)) => {
                if was_lost {
                    self.say(&format!("forwarding again, to pod {chosen}"));
                }
                Ok(chosen)
            }
            (_, None) => Err(self.nobody(&selector)),
        }
    }

    fn nobody(&self, selector: &str) -> Failure {
        let namespace = self.k8s.namespace();
        Failure::new(format!(
            "no pod of pooler {} is ready in namespace {namespace}",
            self.pooler
        ))
        .hint(format!(
            "look at them: kubectl get pods -l {selector} -n {namespace}"
        ))
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The next pause after a failure.
pub(super) fn longer(pause: Duration) -> Duration {
    (pause * 2).min(LONGEST_PAUSE)
}

fn choose(ready: &[&str], current: Option<&str>, failed: Option<&str>) -> Option<String> {
    ready
        .iter()
        .find(|pod| Some(**pod) == current)
        .or_else(|| ready.iter().find(|pod| Some(**pod) != failed))
        .or_else(|| ready.first())
        .map(|pod| (*pod).to_owned())
}

fn is_ready(pod: View<'_>) -> bool {
    !pod.is_being_deleted()
        && pod
            .at("/status/conditions")
            .and_then(Value::as_array)
            .is_some_and(|conditions| {
                conditions.iter().map(View).any(|condition| {
                    condition.text("/type") == Some("Ready")
                        && condition.text("/status") == Some("True")
                })
            })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&["a", "b"], None, None, Some("a"))]
    #[case(&["a", "b"], Some("b"), None, Some("b"))]
    #[case(&["a", "b"], None, Some("a"), Some("b"))]
    #[case(&["a"], None, Some("a"), Some("a"))]
    #[case(&["b"], Some("a"), None, Some("b"))]
    #[case(&[], Some("a"), None, None)]
    fn the_pod_in_use_stays_and_the_one_that_failed_is_avoided(
        #[case] ready: &[&str],
        #[case] current: Option<&str>,
        #[case] failed: Option<&str>,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(choose(ready, current, failed).as_deref(), expected);
    }

    #[test]
    fn pauses_grow_and_end_growing() {
        assert_eq!(longer(FIRST_PAUSE), Duration::from_secs(1));
        assert_eq!(longer(LONGEST_PAUSE), LONGEST_PAUSE);
    }
}
