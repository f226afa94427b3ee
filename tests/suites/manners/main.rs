//! kubectl's manners: what `-o` prints beside the real kubectl, lists that are sorted, selected and
//! followed, databases applied from files, manifests that kubectl applies, and what is suggested.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod apply;
mod expressions;
mod gitops;
mod hints;
mod lists;
mod suggestions;
mod templates;
mod warnings;
mod watch;
