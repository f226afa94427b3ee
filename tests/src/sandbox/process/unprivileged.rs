//! The user that programs run as which refuse root.

use std::fs;

/// A user without rights, for programs that refuse to run as root (PostgreSQL, PgBouncer).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unprivileged {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

impl Unprivileged {
    /// The user that such programs have to run as: `None` when we are not root ourselves, else
    /// `postgres` where the distribution's package made one, else `nobody`.
    #[must_use]
    pub fn needed() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let find = |wanted: &str| {
            passwd.lines().find_map(|line| {
                let mut fields = line.split(':');
                (fields.next()? == wanted).then_some(())?;
                let uid = fields.nth(1)?.parse().ok()?;
                let gid = fields.next()?.parse().ok()?;
                Some(Self { uid, gid })
            })
        };
        let nobody = Self {
            uid: 65534,
            gid: 65534,
        };
        Some(
            find("postgres")
                .or_else(|| find("nobody"))
                .unwrap_or(nobody),
        )
    }
}
