/// Whether a volume is called like one of an instance of the Cluster: `{cluster}-N`,
/// `{cluster}-N-wal`, `{cluster}-N-tbs-…`. CNPG names volumes after instances, and adopts what is
/// called so.
#[must_use]
pub fn is_instance_volume(volume: &str, cluster: &str) -> bool {
    let Some(rest) = volume
        .strip_prefix(cluster)
        .and_then(|rest| rest.strip_prefix('-'))
    else {
        return false;
    };
    let serial = rest.split('-').next().unwrap_or_default();
    is_serial(serial)
}

/// The Cluster whose instance would find its data in a volume of this name: `{cluster}-N` or
/// `{cluster}-N-wal`.
#[must_use]
pub fn instance_volume_cluster(volume: &str) -> Option<&str> {
    let instance = volume.strip_suffix("-wal").unwrap_or(volume);
    let (cluster, serial) = instance.rsplit_once('-')?;
    is_serial(serial).then_some(cluster)
}

fn is_serial(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_of_one_cluster() {
        for (volume, cluster) in [
            ("daap-a-1", Some("daap-a")),
            ("daap-a-12-wal", Some("daap-a")),
            ("daap-a-1-2", Some("daap-a-1")),
            ("daap-a-1-wal-2", Some("daap-a-1-wal")),
            ("daap-a", None),
            ("daap-a-", None),
            ("daap-a-wal", None),
            ("daap-a-1x", None),
            ("-wal", None),
        ] {
            assert_eq!(instance_volume_cluster(volume), cluster, "{volume}");
            if let Some(cluster) = cluster {
                assert!(is_instance_volume(volume, cluster), "{volume}");
            }
        }
    }
}
