//! Certificates of our own: one CA in a Secret that all replicas share, a short-lived leaf in the
//! memory of each.

mod authority;
mod bundles;
mod keeper;
mod lease;
mod lifetimes;
mod memory;
mod stages;
mod stored;

use std::collections::BTreeMap;

pub(crate) use keeper::{Keeper, Settings};
pub(crate) use lifetimes::{Lifetimes, duration};

/// Of the Secret and of the Lease.
const NAME: &str = "daap-webhook-ca";
/// Of both webhook configurations.
const CONFIGURATION: &str = "admission.daap.dev";

fn labels() -> BTreeMap<String, String> {
    BTreeMap::from([("app.kubernetes.io/name".into(), "daap-webhook".into())])
}

/// Whether somebody else was faster: an object that exists already, another resourceVersion, or a
/// `test` of a JSON patch that fails.
fn conflicts(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 409 | 422))
}
