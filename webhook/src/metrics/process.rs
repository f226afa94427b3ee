//! What the kernel says of this process.

/// Memory that is resident, where the kernel says it.
pub(super) fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    resident_in(&status)
}

fn resident_in(status: &str) -> Option<i64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_writes() {
        let status = "VmHWM:\t   14000 kB\nVmRSS:\t   13312 kB\nThreads:\t3\n";
        assert_eq!(resident_in(status), Some(13_312 * 1024));
        assert_eq!(resident_in("Threads:\t3\n"), None);
    }
}
