//! What a field may hold.

use serde_json::{Map, Value};

use crate::contract::PREFIX;
use crate::contract::cnpg::STEERING;

/// Fields of a spec for which the same is decided, for the same reason.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Group {
    /// What an owner may write there.
    pub(super) allow: Allow,
    /// Why: a verb phrase that follows "it".
    pub(super) why: &'static str,
    /// Paths below `spec`. `[]` stands for the elements of a list: `containers[].image`; `.*` for
    /// every other field of an object.
    pub(super) paths: &'static [&'static str],
}

/// What an owner may write.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Allow {
    /// Anything, with everything below.
    Any,
    /// Nothing but what says nothing (`false`, nothing, empty).
    Nothing,
    /// These values: what CNPG fills in, and what does no more than that. Written as in YAML.
    Only(&'static [&'static str]),
    /// `{name, key}` of the one Secret that is called after the Cluster: `{cluster}-backup`.
    BackupSecret,
    /// Labels or annotations, none of which steers CNPG or speaks of the record.
    Metadata,
    /// Settings of a server, none of which names a command, a file or a library outside of the image.
    Parameters,
    /// Plain names: of libraries that the image has.
    PlainNames,
    /// Roles of the own database, none of which can run commands.
    Roles,
}

/// Endings of settings that name a command to run, a file to read or where to look for libraries:
/// run and read by the instance's account, which reads the Secrets of its Cluster.
const REACHING: [&str; 10] = [
    "_command",
    "_library",
    "_library_path",
    "_control_path",
    "file",
    "_dir",
    "_directory",
    "_directories",
    "_conninfo",
    "_query",
];
/// Others that do so, by their whole names.
const REACHING_NAMES: [&str; 3] = ["include", "include_if_exists", "jit_provider"];
/// Settings that CNPG fills in although they end so.
const FILLED: [(&str, &str); 1] = [("log_directory", "/controller/log")];
/// Settings that list libraries.
const LIBRARIES: &str = "_libraries";
/// Roles of PostgreSQL that read and monitor; others run commands and read files of the server.
const READERS: [&str; 3] = ["pg_monitor", "pg_read_all_data", "pg_write_all_data"];

impl Allow {
    /// Whether an owner may write `value`, on the Cluster of that name.
    pub(super) fn permits(self, value: &Value, cluster: &str) -> bool {
        if says_nothing(value) {
            return true;
        }
        match self {
            Self::Any => true,
            Self::Nothing => false,
            Self::Only(values) => values.iter().any(|allowed| written(value) == **allowed),
            Self::BackupSecret => {
                value.get("name").and_then(Value::as_str) == Some(&backup_secret(cluster))
            }
            Self::Metadata => each_entry(value, |key, _| !is_reserved(key)),
            Self::Parameters => each_entry(value, is_harmless),
            Self::PlainNames => each_text(value, is_plain),
            Self::Roles => each_text(value, is_harmless_role),
        }
    }

    /// What may stand there, where that is more than nothing.
    pub(super) fn hint(self, cluster: &str) -> Option<String> {
        match self {
            Self::Any | Self::Nothing => None,
            Self::Only(values) => Some(format!("it may be {}", values.join(" or "))),
            Self::BackupSecret => Some(format!(
                "name the Secret '{}', which belongs to this database alone",
                backup_secret(cluster)
            )),
            Self::Metadata => Some(format!(
                "leave out keys under {}{PREFIX}",
                STEERING.map(|prefix| format!("{prefix}, ")).concat()
            )),
            Self::Parameters => {
                Some("leave out settings that name commands, files or paths".into())
            }
            Self::PlainNames => Some("name libraries of the image, without a path".into()),
            Self::Roles => Some(format!(
                "name roles of the database, or {}",
                READERS.join(", ")
            )),
        }
    }
}

/// No other Cluster's own Secret can have this name: those end in `-app`, `-ca` and the like.
fn backup_secret(cluster: &str) -> String {
    format!("{cluster}-backup")
}

/// Whether it is as if it were left out.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(says_nothing),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn each_entry(value: &Value, is_allowed: impl Fn(&str, &str) -> bool) -> bool {
    let allowed = |(key, value): (&String, &Value)| is_allowed(key, &written(value));
    value
        .as_object()
        .is_some_and(|entries: &Map<String, Value>| entries.iter().all(allowed))
}

fn each_text(value: &Value, is_allowed: impl Fn(&str) -> bool) -> bool {
    value.as_array().is_some_and(|items| {
        let mut items = items.iter();
        items.all(|item| item.as_str().is_some_and(&is_allowed))
    })
}

fn is_reserved(key: &str) -> bool {
    key.starts_with(PREFIX) || STEERING.iter().any(|prefix| key.starts_with(prefix))
}

fn is_harmless(key: &str, value: &str) -> bool {
    // A line break would begin another setting, and blanks around a name hide what it is.
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    if !key.chars().all(is_name) || value.chars().any(char::is_control) {
        return false;
    }
    let key = key.to_ascii_lowercase();
    if key.ends_with(LIBRARIES) {
        return value.split(',').map(str::trim).all(is_plain);
    }
    let reaches = REACHING_NAMES.contains(&key.as_str())
        || REACHING.iter().any(|ending| key.ends_with(ending));
    !reaches || FILLED.contains(&(key.as_str(), value))
}

fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    name.chars().all(plain)
}

fn is_harmless_role(role: &str) -> bool {
    let special = ["pg_", "cnpg_"];
    READERS.contains(&role)
        || (!special.iter().any(|prefix| role.starts_with(prefix))
            && !["postgres", "streaming_replica"].contains(&role))
}
