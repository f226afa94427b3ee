//! Reading files again when they change.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use crate::certificates::Certificates;
use crate::policy_file::PolicyFile;

/// Files are polled, not watched: Secret volumes swap symlinks.
const POLL: Duration = Duration::from_secs(2);

/// Reads policy and certificate again whenever they change, for ever. What is bad is logged, and
/// the last good one stays.
pub(crate) async fn keep_reading(policy: Arc<PolicyFile>, certificates: Arc<Certificates>) {
    let mut ticks = tokio::time::interval(POLL);
    let mut of_policy = Said::about("policy");
    let mut of_certificate = Said::about("certificate");
    loop {
        ticks.tick().await;
        of_policy.say(policy.reload());
        of_certificate.say(certificates.reload());
    }
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

    fn say(&mut self, reloaded: Result<bool, impl Display>) {
        let what = self.what;
        match reloaded {
            Ok(changed) => {
                let was_bad = self.error.take().is_some();
                if changed || was_bad {
                    tracing::info!(what, "reloaded");
                }
            }
            Err(error) => {
                let error = error.to_string();
                if self.error.as_ref() != Some(&error) {
                    tracing::error!(what, error, "not reloaded, the last good one stays");
                    self.error = Some(error);
                }
            }
        }
    }
}
