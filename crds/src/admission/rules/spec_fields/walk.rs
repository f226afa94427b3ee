//! Finds what in a spec is new or changed and not allowed.

use serde_json::Value;

use super::allowed::Group;

/// What nothing names.
const UNKNOWN: &str = "is no field that daap knows of";

/// A field that its owner may not write.
#[derive(Debug)]
pub(super) struct Refused {
    /// JSON path, as `spec.env[0].name`.
    pub(super) field: String,
    /// Why: a verb phrase that follows "it".
    pub(super) why: &'static str,
    /// What may stand there, where anything may.
    pub(super) allowed: Option<String>,
}

/// Everything in `spec` that is not as in `before` and that `groups` do not allow.
pub(super) fn refused(
    groups: &'static [Group],
    cluster: &str,
    spec: &Value,
    before: Option<&Value>,
) -> Vec<Refused> {
    let mut walk = Walk {
        groups,
        cluster,
        found: Vec::new(),
    };
    walk.fields("spec", "", spec, before);
    walk.found
}

struct Walk<'a> {
    groups: &'static [Group],
    cluster: &'a str,
    found: Vec<Refused>,
}

impl Walk<'_> {
    /// A value that is not as before. `field` is where it stands, `path` how the groups call that.
    fn value(&mut self, field: &str, path: &str, value: &Value, before: Option<&Value>) {
        if let Some(group) = self.group(path) {
            if !group.allow.permits(value, self.cluster) {
                self.refuse(field, group.why, group.allow.hint(self.cluster));
            }
            return;
        }
        match value {
            Value::Object(_) if self.goes_on(&format!("{path}.")) => {
                self.fields(field, &format!("{path}."), value, before);
            }
            Value::Array(items) if self.goes_on(&format!("{path}[]")) => {
                let known = before.and_then(Value::as_array);
                for (index, item) in items.iter().enumerate() {
                    // An element that only moved says nothing new.
                    if known.is_some_and(|known| known.contains(item)) || item.is_null() {
                        continue;
                    }
                    let same = known.and_then(|known| known.get(index));
                    self.value(
                        &format!("{field}[{index}]"),
                        &format!("{path}[]"),
                        item,
                        same,
                    );
                }
            }
            _ if is_empty(value) => {}
            _ => {
                let other = path
                    .rsplit_once('.')
                    .map(|(parent, _)| format!("{parent}.*"));
                let group = other.and_then(|path| self.group(&path));
                self.refuse(field, group.map_or(UNKNOWN, |group| group.why), None);
            }
        }
    }

    fn fields(&mut self, field: &str, prefix: &str, value: &Value, before: Option<&Value>) {
        for (key, value) in value.as_object().into_iter().flatten() {
            let before = before.and_then(|before| before.get(key));
            if before == Some(value) || value.is_null() {
                continue;
            }
            let (field, path) = (format!("{field}.{key}"), format!("{prefix}{key}"));
            self.value(&field, &path, value, before);
        }
    }

    fn refuse(&mut self, field: &str, why: &'static str, allowed: Option<String>) {
        self.found.push(Refused {
            field: field.to_owned(),
            why,
            allowed,
        });
    }

    fn group(&self, path: &str) -> Option<&'static Group> {
        { self.groups.iter() }.find(|group| group.paths.contains(&path))
    }

    fn goes_on(&self, prefix: &str) -> bool {
        let mut paths = self.groups.iter().flat_map(|group| group.paths);
        paths.any(|path| path.starts_with(prefix))
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
        || value.as_object().is_some_and(serde_json::Map::is_empty)
}
