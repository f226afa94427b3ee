//! The sandbox: a real control plane, the webhook, and a stand-in for the CNPG operator, raised on
//! this machine without a cluster; and the suites that run on it.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a harness reports what is wrong by failing the test that uses it"
)]

pub mod following;
pub mod ground;
pub mod operator;
pub mod place;
pub mod proxy;
pub mod sandbox;
