//! A former primary comes back: rewound to where it parted from the new one, or copied anew.

use std::{path::Path, time::Duration};

use kube::ResourceExt as _;

use super::{
    bootstrap,
    configuration::{is_standby, unpack_certificates, upstream},
    work::Bench,
};
use crate::operator::{
    error::{Error, chain},
    resources::Cluster,
};

/// How often it looks whether there is a new primary.
const PAUSE: Duration = Duration::from_millis(200);

/// Makes a replica of what was a primary when it stopped and is not to be it any more.
pub(super) async fn rejoin(bench: &Bench, data: &Path) -> Result<(), Error> {
    let name = bench.work.pod.name_any();
    loop {
        let cluster = bench.cluster().await?;
        let status = &cluster.object.data["status"];
        if is_standby(data) || status["targetPrimary"] == name.as_str() {
            return Ok(());
        }
        // Until somebody else is the primary there is nothing to be rewound to.
        if status["targetPrimary"] == status["currentPrimary"] {
            return rewind(bench, &cluster, data).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn rewind(bench: &Bench, cluster: &Cluster, data: &Path) -> Result<(), Error> {
    unpack_certificates(bench, cluster).await?;
    let source = format!("{} dbname=postgres", upstream(bench, cluster)?);
    let target = data.display().to_string();
    let args = ["-D", &target, "--source-server", &source, "--no-sync"];
    let programs = &bench.work.equipment.programs;
    if let Err(error) = programs.run("pg_rewind", args).await {
        tracing::info!(pod = %bench.name(), "cannot be rewound, and is copied: {}", chain(&error));
        bootstrap::set_aside(bench, data).await?;
        return bootstrap::copy(bench, cluster, data).await;
    }
    tracing::info!(pod = %bench.name(), "rewound");
    programs.write(&data.join("standby.signal"), "")?;
    Ok(())
}
