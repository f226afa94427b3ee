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
    !serial.is_empty() && serial.chars().all(|c| c.is_ascii_digit())
}
