//! Names that a user types, and the names of Kubernetes objects that follow from them.
//!
//! Each is a newtype that can be made only from a valid string.

mod database;
mod id;
mod instance_volume;
mod team;

pub use database::{DatabaseName, InvalidDatabaseName};
pub use id::{DatabaseId, InvalidDatabaseId};
pub use instance_volume::{instance_volume_cluster, is_instance_volume};
pub use team::{InvalidTeam, Team};
