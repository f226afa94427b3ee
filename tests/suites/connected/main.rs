//! Getting connected: `connect`, `proxy`, `credentials` and `credentials rotate`, through the real
//! kubectl, with real psql, PgBouncer and PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod connect;
mod formats;
mod ground;
mod manifest;
mod proxy;
mod rotate;
