//! What a daap database *is*: its names, its record and the record's history, the state that is
//! derived from what the API server holds, the platform team's policy, and the rules of admission.
//!
//! Everything here is pure: no clock, no network, no file. The plugin and the webhook both call it,
//! so that what the plugin explains beforehand is what the webhook decides.
//!
//! # Usage
//! - [`names`]: parse what a user typed; derive the names of the Kubernetes objects from it.
//! - [`record`] and [`history`]: read the labels and annotations of a Cluster.
//! - [`state`]: what a database is doing now, and why.
//! - [`admission`]: [`admission::mutate()`] fills in and stamps, [`admission::judge`] decides.
pub mod admission;
pub mod contract;
pub mod desired;
pub mod drift;
pub mod history;
pub mod manifest;
pub mod names;
pub mod object;
pub mod pending;
pub mod policy;
pub mod purpose;
pub mod record;
pub mod resources;
pub mod size;
pub mod state;
pub mod tombstone;
mod tree;
pub mod trimmed;
pub mod violation;
