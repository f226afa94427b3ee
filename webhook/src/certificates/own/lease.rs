//! Who moves the Secret on: one replica at a time.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, ResourceExt};

use super::{NAME, conflicts, labels};

/// A claim on the Lease.
pub(super) struct Claim {
    api: Api<Lease>,
    identity: String,
    /// How long it stands without being renewed.
    lasts: Duration,
    /// The state that was seen last, and since when: by our own clock, because those of other
    /// nodes may differ.
    seen: Option<(String, Instant)>,
    renewed: Option<Instant>,
}

impl Claim {
    pub(super) fn new(api: Api<Lease>, identity: String, lasts: Duration) -> Self {
        Self {
            api,
            identity,
            lasts,
            seen: None,
            renewed: None,
        }
    }

    /// Takes the Lease where nobody has it, renews it where we have it. Returns whether we do.
    pub(super) async fn hold(&mut self) -> Result<bool, kube::Error> {
        let Some(lease) = self.api.get_opt(NAME).await? else {
            return self.create().await;
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.as_deref().unwrap_or_default();
        if holder == self.identity {
            let since = self.renewed.map(|renewed| renewed.elapsed());
            if since.is_some_and(|since| since < self.lasts / 3) {
                return Ok(true);
            }
            return self.write(lease, spec.lease_transitions).await;
        }
        self.renewed = None;
        let transitions = spec.lease_transitions.unwrap_or_default().saturating_add(1);
        if holder.is_empty() || self.is_over(&lease, &spec) {
            return self.write(lease, Some(transitions)).await;
        }
        Ok(false)
    }

    /// Whether its holder has not renewed it for as long as it said.
    fn is_over(&mut self, lease: &Lease, spec: &LeaseSpec) -> bool {
        let version = lease.resource_version().unwrap_or_default();
        let lasts = u64::try_from(spec.lease_duration_seconds.unwrap_or_default());
        let lasts = Duration::from_secs(lasts.unwrap_or_default());
        match &self.seen {
            Some((seen, since)) if *seen == version => since.elapsed() >= lasts,
            _ => {
                self.seen = Some((version, Instant::now()));
                false
            }
        }
    }

    async fn create(&mut self) -> Result<bool, kube::Error> {
        let lease = Lease {
            metadata: ObjectMeta {
                name: Some(NAME.into()),
                labels: Some(labels()),
                ..ObjectMeta::default()
            },
            spec: Some(self.spec(None)),
        };
        let created = self.api.create(&PostParams::default(), &lease).await;
        self.ours(created.map(drop))
    }

    async fn write(
        &mut self,
        mut lease: Lease,
        transitions: Option<i32>,
    ) -> Result<bool, kube::Error> {
        lease.spec = Some(self.spec(transitions));
        // With its resourceVersion: of two that try, one succeeds.
        let written = self.api.replace(NAME, &PostParams::default(), &lease).await;
        self.ours(written.map(drop))
    }

    fn ours(&mut self, written: Result<(), kube::Error>) -> Result<bool, kube::Error> {
        match written {
            Ok(()) => {
                self.renewed = Some(Instant::now());
                Ok(true)
            }
            Err(error) if conflicts(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn spec(&self, transitions: Option<i32>) -> LeaseSpec {
        // A whole number of seconds, one at least.
        let lasts = i32::try_from(self.lasts.as_secs().max(1)).unwrap_or(i32::MAX);
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: Some(lasts),
            renew_time: Some(MicroTime(Timestamp::now())),
            lease_transitions: transitions,
            ..LeaseSpec::default()
        }
    }

    /// Gives it back, so that another need not wait for its end.
    pub(super) async fn release(&mut self) -> Result<(), kube::Error> {
        if self.renewed.take().is_none() {
            return Ok(());
        }
        let Some(mut lease) = self.api.get_opt(NAME).await? else {
            return Ok(());
        };
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_ref() == Some(&self.identity) {
            spec.holder_identity = Some(String::new());
            self.api
                .replace(NAME, &PostParams::default(), &lease)
                .await?;
        }
        Ok(())
    }
}
