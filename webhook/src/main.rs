//! `daap-webhook`: see `--help`.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    daap_webhook::run(daap_webhook::Args::parse()).await
}
