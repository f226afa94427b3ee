//! The stand-in operator, run inside the supervisor.

use anyhow::Result;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{identity::User, kubeconfig, layout::Layout};

/// Starts the stand-in; it ends when the token is cancelled.
pub(super) async fn start(
    layout: &Layout,
    stop: CancellationToken,
) -> Result<JoinHandle<Result<()>>> {
    let client = kubeconfig::client(&layout.kubeconfig_of(User::Operator)).await?;
    let config = crate::operator::Config::new(client, layout.operator());
    Ok(tokio::spawn(crate::operator::run(config, stop)))
}
