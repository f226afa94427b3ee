//! Volumes that outlive their claims, and the data with them: nothing of ours removes those.

use daap_crds::object::View;
use serde_json::Value;

use crate::kubernetes::{Kind, Kubernetes};
use crate::output::stderr_line;

/// Warns of those that these claims, which are gone, were bound to.
pub(super) async fn say(k8s: &Kubernetes, claims: &[Value]) {
    let mut kept = Vec::new();
    for claim in claims.iter().map(View) {
        if let Some(volume) = claim.text("/spec/volumeName")
            && is_retained(k8s, claim, volume).await
        {
            kept.push(volume);
        }
    }
    if !kept.is_empty() {
        stderr_line(&format!(
            "Warning: volumes are retained with what is in them, and an administrator has to remove them: {}",
            kept.join(", ")
        ));
    }
}

/// Volumes say themselves what becomes of them: those that somebody made by hand, or changed, need
/// not do what their class says, which is asked only where the caller may not see volumes.
async fn is_retained(k8s: &Kubernetes, claim: View<'_>, volume: &str) -> bool {
    let retains = |found: Option<Value>, pointer| {
        found.is_some_and(|found| View(&found).text(pointer) == Some("Retain"))
    };
    if let Ok(found) = k8s.get(Kind::PersistentVolume, volume).await {
        return retains(found, "/spec/persistentVolumeReclaimPolicy");
    }
    let Some(class) = claim.text("/spec/storageClassName") else {
        return false;
    };
    // Whoever may not see classes is told nothing wrong.
    let found = k8s.get(Kind::StorageClass, class).await;
    found.is_ok_and(|found| retains(found, "/reclaimPolicy"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kubernetes::fake::{Fake, Fault};

    #[tokio::test]
    async fn a_volume_decides_before_its_class() {
        let fake = Fake::default();
        let k8s = fake.connect();
        for (name, policy) in [("kept", "Retain"), ("removed", "Delete")] {
            let volume = json!({"metadata": {"name": name}, "spec": {"persistentVolumeReclaimPolicy": policy}});
            let made = k8s.create(Kind::PersistentVolume, &volume).await;
            made.unwrap();
        }
        let class = json!({"metadata": {"name": "standard"}, "reclaimPolicy": "Retain"});
        k8s.create(Kind::StorageClass, &class).await.unwrap();
        let claim = json!({"spec": {"storageClassName": "standard"}});

        assert!(is_retained(&k8s, View(&claim), "kept").await);
        assert!(!is_retained(&k8s, View(&claim), "removed").await);
        assert!(!is_retained(&k8s, View(&claim), "gone").await);
        fake.fail(|_, _, path| {
            path.contains("persistentvolumes")
                .then_some(Fault::Refused(403))
        });
        assert!(
            is_retained(&k8s, View(&claim), "removed").await,
            "who may not see volumes asks the class"
        );
    }
}
