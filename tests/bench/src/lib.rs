//! What is measured with: reviews of real size, an API server that answers look-ups, a server that
//! decides nothing, and the measurements themselves. `docs/benchmarks.md` says how to repeat them.

mod api_server;
mod constant;
pub mod corpus;
mod lists;

pub use api_server::{ApiServer, kubeconfig};
pub use constant::constant;
pub use lists::serve_lists;
