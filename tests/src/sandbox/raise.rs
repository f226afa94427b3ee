//! Raising a sandbox, from an empty folder to rules that are in force.

use anyhow::{Context, Result};
use tokio::try_join;

use super::{
    admission,
    apply::apply_all,
    certificates::{Authority, token_key},
    component::{Component, Plan, audit_policy},
    definitions,
    folder::write_private,
    identity::{NAMESPACE, User},
    kubeconfig,
    layout::Layout,
    manifests::Manifests,
    options::SandboxOptions,
    running::Running,
    seed,
};

/// Makes the folders and the certificates.
pub(super) fn prepare(layout: &Layout, authority: &Authority) -> Result<()> {
    layout
        .make()
        .with_context(|| format!("failed to make {}", layout.folder().display()))?;
    let names = ["127.0.0.1", "localhost"];
    let (private, public) = token_key()?;
    write_private(&layout.pki("ca.crt"), &authority.certificate())?;
    write_private(&layout.pki("tokens.key"), &private)?;
    write_private(&layout.pki("tokens.pub"), &public)?;
    for server in ["api-server", "webhook"] {
        let pair = authority.server(server, &names)?;
        write_private(&layout.pki(&format!("{server}.crt")), &pair.certificate)?;
        write_private(&layout.pki(&format!("{server}.key")), &pair.key)?;
    }
    Ok(())
}

/// Starts everything but the operator. Returns what is not as it was asked for.
pub(super) async fn raise(running: &mut Running, options: &SandboxOptions) -> Result<Vec<String>> {
    let mut manifests = Manifests::read()?;
    if let Some(policy) = &options.policy {
        manifests.set_policy(policy);
    }
    if options.audit {
        write_private(&running.plan.layout.audit_policy(), &audit_policy())?;
    }
    running.start(Component::Etcd).await?;
    running.start_on_free_port(Component::ApiServer).await?;
    tracing::info!("the API server is ready");
    let harness = running.plan.layout.kubeconfig_of(User::Harness);
    let client = kubeconfig::client(&harness).await?;
    let mut ordinary = manifests.ordinary();
    if options.webhook {
        // They judge in the webhook's stead: where there is none, daap is not installed. The API
        // server takes a moment to notice them, and has it while the rest comes up.
        ordinary.extend(manifests.policies());
    }
    // First the namespaces, which the manifests' objects lie in.
    let ((), warning) = try_join!(
        async {
            seed::plant(&client).await?;
            apply_all(&client, &ordinary).await
        },
        definitions::install(&client, options.real_crds),
    )?;
    seed::until_in_force(&client, NAMESPACE).await?;
    tracing::info!("CRDs, users and manifests are applied");
    // The garbage collector looks for new kinds every 30 s only, so it starts after the CRDs.
    running.start(Component::ControllerManager).await?;
    if options.webhook {
        let policy = manifests.policy().unwrap_or("{}");
        write_private(&running.plan.layout.policy(), policy)?;
        running.start_on_free_port(Component::Webhook).await?;
        tracing::info!("the webhook is ready");
        install_rules(
            running.plan.webhook_port,
            &running.plan,
            &manifests,
            &client,
        )
        .await?;
        tracing::info!("the webhook's rules are in force");
    }
    Ok(warning.into_iter().collect())
}

async fn install_rules(
    port: u16,
    plan: &Plan,
    manifests: &Manifests,
    client: &kube::Client,
) -> Result<()> {
    let authority = plan.authority.certificate();
    apply_all(client, &manifests.configurations(port, &authority)).await?;
    admission::wait_until_effective(client).await
}
