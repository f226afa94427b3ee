//! Reading files again when they change.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use crate::certificates::Certificates;
use crate::metrics::Metrics;
use crate::policy_file::PolicyFile;

/// Files are polled, not watched: Secret volumes swap symlinks.
const POLL: Duration = Duration::from_secs(2);

/// Reads policy and certificate again whenever they change, for ever. What is bad is logged and
/// counted, and the last good one stays.
pub(crate) async fn keep_reading(
    policy: Arc<PolicyFile>,
    certificates: Arc<Certificates>,
    metrics: Arc<Metrics>,
) {
    let mut ticks = tokio::time::interval(POLL);
    let mut of_policy = Said::about("policy");
    let mut of_certificate = Said::about("certificate");
    metrics.policy_read();
    loop {
        ticks.tick().await;
        match of_policy.say(policy.reload()) {
            News::None | News::StillBad => {}
            News::Changed => metrics.policy_read(),
            News::GoodAgain => metrics.policy_is_good(),
            News::Bad => metrics.policy_failed(),
        }
        match of_certificate.say(certificates.reload()) {
            News::None | News::GoodAgain => {}
            News::Changed => metrics.certificate_changed(),
            News::Bad | News::StillBad => metrics.certificate_failed(),
        }
        if let Some(validity) = certificates.validity() {
            metrics.certified("leaf", validity);
        }
    }
}

/// What is new of a file.
enum News {
    None,
    Changed,
    /// What is in force is what stands in the file, after it was bad.
    GoodAgain,
    /// Another mistake than before.
    Bad,
    /// The mistake that was said already.
    StillBad,
}

/// What was last said of a file, so that one mistake is logged once and not every two seconds.
struct Said {
    what: &'static str,
    error: Option<String>,
}

impl Said {
    fn about(what: &'static str) -> Self {
        Self { what, error: None }
    }

    fn say(&mut self, reloaded: Result<bool, impl Display>) -> News {
        let what = self.what;
        match reloaded {
            Ok(changed) => {
                let was_bad = self.error.take().is_some();
                if changed || was_bad {
                    tracing::info!(what, "reloaded");
                }
                match (changed, was_bad) {
                    (true, _) => News::Changed,
                    (false, true) => News::GoodAgain,
                    (false, false) => News::None,
                }
            }
            Err(error) => {
                let error = error.to_string();
                if self.error.as_ref() == Some(&error) {
                    return News::StillBad;
                }
                tracing::error!(what, error, "not reloaded, the last good one stays");
                self.error = Some(error);
                News::Bad
            }
        }
    }
}
