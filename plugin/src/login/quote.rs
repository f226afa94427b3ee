//! Quoting, for everyone who reads what we print.

/// For a POSIX shell: quoted where it has to be.
pub(super) fn in_shell(value: &str) -> String {
    if is_plain(value) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "'\\''"))
}

/// For a .env file. Its readers agree only on few things: in single quotes everything but a single
/// quote (and for some a backslash) is what it is; for the rest, double quotes with backslashes
/// before what is special, as a shell and most readers have it.
pub(super) fn in_dotenv(value: &str) -> String {
    if is_plain(value) {
        return value.to_owned();
    }
    if !value.contains(['\'', '\\']) {
        return format!("'{value}'");
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// For a field of ~/.pgpass.
pub(crate) fn in_pgpass(value: &str) -> String {
    value.replace('\\', "\\\\").replace(':', "\\:")
}

/// For a value of a connection string (`key='value'`).
pub(super) fn in_conninfo(value: &str) -> String {
    if is_plain(value) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._/:@".contains(c))
}
