//! `daap-webhook`: see `--help`.

use std::process::ExitCode;

use clap::Parser;

/// A review is hundreds of small values: the allocator of musl, which the image is linked with, takes
/// longer for them than the rules.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    daap_webhook::run(daap_webhook::Args::parse()).await
}
