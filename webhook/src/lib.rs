//! The admission webhook of daap: axum over rustls.
//!
//! Handlers are thin; [`Decider`] is the one place that decides, with the rules of `daap-crds` and
//! the answers of a [`Lookup`].

mod args;
mod certificates;
mod decide;
mod endpoint;
mod intake;
mod lookup;
mod policy_file;
mod reload;
mod response;
mod review;
mod router;
mod serve;
mod subject;

pub use args::{Args, run};
pub use certificates::{CertificateError, Certificates};
pub use decide::Decider;
pub use lookup::{KubeLookup, Lookup, LookupError};
pub use policy_file::{PolicyFile, PolicyFileError};
pub use router::{Health, router};
pub use serve::{Listening, listen};
