//! What the webhook counts and measures, in the style of controller-runtime's webhooks. No label
//! holds what a request is free to choose: neither names nor users, and of operations, resources
//! and rules only those that there are.

mod process;
#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::certificates::validity::Validity;
use crate::decide::Verdict;
use crate::endpoint::Half;
use crate::subject::Subject;

/// In seconds. A decision without a look-up takes some 100 µs; the API server waits 5 s.
const BUCKETS: [f64; 15] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0,
];

/// A label and its value.
type Label = (&'static str, &'static str);
/// Histograms by `N` labels.
type Histograms<const N: usize> = Family<[Label; N], Histogram, fn() -> Histogram>;

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

fn histograms<const N: usize>() -> Histograms<N> {
    Family::new_with_constructor(histogram)
}

/// Everything that `/metrics` shows.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<[Label; 4], Counter>,
    latency: Histograms<3>,
    in_flight: Family<[Label; 1], Gauge>,
    denials: Family<[Label; 2], Counter>,
    panics: Counter,
    connections: Gauge,
    turned_away: Family<[Label; 1], Counter>,
    access_reviews: Histograms<1>,
    certificate_expiry: Family<[Label; 1], Gauge>,
    certificate_from: Family<[Label; 1], Gauge>,
    certificate_changes: Counter,
    certificate_failures: Counter,
    policy_generation: Gauge,
    policy_is_current: Gauge,
    policy_reloaded_at: Gauge,
    policy_failures: Counter,
    resident: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            latency: histograms(),
            in_flight: Family::default(),
            denials: Family::default(),
            panics: Counter::default(),
            connections: Gauge::default(),
            turned_away: Family::default(),
            access_reviews: histograms(),
            certificate_expiry: Family::default(),
            certificate_from: Family::default(),
            certificate_changes: Counter::default(),
            certificate_failures: Counter::default(),
            policy_generation: Gauge::default(),
            policy_is_current: Gauge::default(),
            policy_reloaded_at: Gauge::default(),
            policy_failures: Counter::default(),
            resident: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

/// A request that is being worked on: counted until this is dropped.
pub(crate) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    fn register(&mut self) {
        let process = self.resident.clone();
        self.registry.register(
            "process_resident_memory_bytes",
            "Memory of this process",
            process,
        );
        let ours = self.registry.sub_registry_with_prefix("daap_webhook");
        ours.register("requests", "Reviews answered", self.requests.clone());
        ours.register(
            "latency_seconds",
            "From the first byte of a review to its answer",
            self.latency.clone(),
        );
        ours.register(
            "requests_in_flight",
            "Reviews under way",
            self.in_flight.clone(),
        );
        ours.register(
            "denials",
            "Reviews denied, by the rule that refuses",
            self.denials.clone(),
        );
        ours.register(
            "panics",
            "Decisions that ended in a fault of ours, and were denied",
            self.panics.clone(),
        );
        ours.register(
            "connections",
            "Connections of the port for reviews",
            self.connections.clone(),
        );
        ours.register(
            "connections_turned_away",
            "Connections ended for want of room: idle ones, and new ones while every place was full",
            self.turned_away.clone(),
        );
        ours.register(
            "subjectaccessreview_latency_seconds",
            "What the API server takes to say who may act for a team",
            self.access_reviews.clone(),
        );
        ours.register(
            "certificate_expiry_timestamp_seconds",
            "When what is served, or signs it, ends",
            self.certificate_expiry.clone(),
        );
        ours.register(
            "certificate_not_before_timestamp_seconds",
            "When the life of what is served, or signs it, began",
            self.certificate_from.clone(),
        );
        ours.register(
            "certificate_changes",
            "Certificates swapped since the start",
            self.certificate_changes.clone(),
        );
        ours.register(
            "certificate_failures",
            "Looks, one every few seconds, that found a certificate which could not be read, signed, stored or published",
            self.certificate_failures.clone(),
        );
        ours.register(
            "policy_generation",
            "Good policies read since the start",
            self.policy_generation.clone(),
        );
        ours.register(
            "policy_last_reload_successful",
            "Whether the policy file is the policy in force (1), or bad (0)",
            self.policy_is_current.clone(),
        );
        ours.register(
            "policy_last_reload_success_timestamp_seconds",
            "When the policy in force was read",
            self.policy_reloaded_at.clone(),
        );
        ours.register(
            "policy_reload_failures",
            "Times that a changed policy file was found bad",
            self.policy_failures.clone(),
        );
    }

    /// Counts a request from now on.
    pub(crate) fn begun(&self, half: Half) -> InFlight {
        let gauge = self
            .in_flight
            .get_or_create_owned(&[("half", half.as_str())]);
        gauge.inc();
        InFlight(gauge)
    }

    /// A review that was answered.
    pub(crate) fn answered(
        &self,
        half: Half,
        subject: &Subject,
        verdict: &Verdict,
        took: Duration,
    ) {
        let half = ("half", half.as_str());
        let operation = ("operation", words::operation(&subject.operation));
        let resource = ("resource", words::resource(&subject.resource));
        let outcome = ("verdict", verdict.outcome());
        self.requests
            .get_or_create(&[half, operation, resource, outcome])
            .inc();
        self.latency
            .get_or_create(&[half, operation, outcome])
            .observe(took.as_secs_f64());
        if let Verdict::Denied(violations) = verdict {
            let rules: std::collections::BTreeSet<_> = violations
                .iter()
                .map(|violation| violation.rule.as_str())
                .collect();
            for rule in rules {
                self.denials.get_or_create(&[half, ("rule", rule)]).inc();
            }
        }
    }

    /// What was no review, or came when too much was under way.
    pub(crate) fn refused(&self, half: Half) {
        let unknown = [
            ("half", half.as_str()),
            ("operation", words::OTHER),
            ("resource", words::OTHER),
            ("verdict", "refused"),
        ];
        self.requests.get_or_create(&unknown).inc();
    }

    pub(crate) fn panicked(&self) {
        self.panics.inc();
    }

    /// So many there are now.
    pub(crate) fn connections(&self, count: usize) {
        self.connections
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// For want of room: an `idle` one, or a new one while all was `full`.
    pub(crate) fn turned_away(&self, why: &'static str) {
        self.turned_away.get_or_create_owned(&[("why", why)]).inc();
    }

    /// A question to Kubernetes' authorizer: `answered`, or what it was instead.
    pub(crate) fn access_reviewed(&self, outcome: &'static str, took: Duration) {
        let asked = self
            .access_reviews
            .get_or_create_owned(&[("outcome", outcome)]);
        asked.observe(took.as_secs_f64());
    }

    /// `certificate` is `leaf` or `ca`.
    pub(crate) fn certified(&self, certificate: &'static str, validity: Validity) {
        let label = [("certificate", certificate)];
        let Validity { from, until } = validity;
        self.certificate_expiry
            .get_or_create(&label)
            .set(until.as_second());
        self.certificate_from
            .get_or_create(&label)
            .set(from.as_second());
    }

    pub(crate) fn certificate_changed(&self) {
        self.certificate_changes.inc();
    }

    pub(crate) fn certificate_failed(&self) {
        self.certificate_failures.inc();
    }

    /// A good policy is in force from now on.
    pub(crate) fn policy_read(&self) {
        self.policy_generation.inc();
        self.policy_is_current.set(1);
        self.policy_reloaded_at
            .set(jiff::Timestamp::now().as_second());
    }

    /// The file is again what is in force.
    pub(crate) fn policy_is_good(&self) {
        self.policy_is_current.set(1);
    }

    /// The file is bad: the last good policy stays.
    pub(crate) fn policy_failed(&self) {
        self.policy_is_current.set(0);
        self.policy_failures.inc();
    }

    /// In the text format of `OpenMetrics`.
    pub(crate) fn text(&self) -> String {
        if let Some(bytes) = process::resident_bytes() {
            self.resident.set(bytes);
        }
        let mut text = String::new();
        // Writing into a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
