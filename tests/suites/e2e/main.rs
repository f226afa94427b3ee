//! The life of a database from end to end: the plugin through the real kubectl, on any cluster that
//! has CNPG, and on the sandbox.
//!
//! `make e2e KUBECONFIG=…` runs it on the cluster that the kubeconfig's current context names, with
//! or without our webhook; without that variable, as in `make test`, it runs on a sandbox. The code
//! is the same: nothing here asks which of the two it is, except how to get a namespace.
//!
//! Every scenario has a namespace of its own, says on standard error what it does, and removes the
//! namespace at the end, also when it failed. One that was killed leaves its namespaces behind:
//! `kubectl delete namespace -l app.kubernetes.io/part-of=daap-e2e`.
//!
//! | variable | meaning |
//! |---|---|
//! | `DAAP_E2E_KUBECONFIG` | the cluster; unset or empty: a sandbox |
//! | `DAAP_E2E_TIMEOUT` | seconds that any one step may take; default 600, on the sandbox 90 |
//! | `DAAP_E2E_STORAGE` | size of the volumes; default `1Gi` |
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it does"
)]

mod failover;
mod ground;
mod kept;
mod life;
mod place;
mod steps;
mod storage;
mod unfinished;
