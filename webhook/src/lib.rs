//! The admission webhook of daap: axum over rustls.
//!
//! Handlers are thin; [`Decider`] is the one place that decides, with the rules of `daap-crds` and
//! the answers of a [`Lookup`].

mod access_reviews;
mod args;
mod by_name;
mod certificates;
pub mod configuration;
mod connections;
mod decide;
mod endpoint;
mod intake;
mod listening;
mod lookup;
mod metrics;
mod policy_file;
mod readiness;
mod recorded;
mod reload;
mod response;
mod review;
mod router;
mod seated;
mod serve;
mod serve_args;
mod served_chain;
mod subject;

pub use args::{Args, run};
pub use certificates::{CertificateError, Certificates};
pub use decide::Decider;
pub use listening::{Bounds, Listening, listen};
pub use lookup::{KubeLookup, Lookup, LookupError};
pub use metrics::Metrics;
pub use policy_file::{PolicyFile, PolicyFileError};
pub use recorded::FactsFile;
pub use router::{Health, router};
