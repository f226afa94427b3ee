//! What each command needs of RBAC: the plugin's table is held to what the commands really send, and
//! each command is tried with exactly these rights, and without each of them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod before;
mod can_i;
mod cases;
mod doctor;
mod ground;
mod page;
mod recorded;
mod roles;
mod shipped;
mod tried;
mod watched;
