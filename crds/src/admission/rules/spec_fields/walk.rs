//! Finds what in a spec is new or changed and not allowed.

use serde_json::Value;

use super::fields::Fields;

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

/// Everything in `spec` that is not as in `before` and that `fields` do not allow.
pub(super) fn refused(
    fields: &Fields,
    cluster: &str,
    spec: &Value,
    before: Option<&Value>,
) -> Vec<Refused> {
    let mut walk = Walk::new(fields, cluster, usize::MAX);
    walk.fields(spec, before);
    walk.found
}

/// Whether there is any of that.
pub(super) fn refuses(
    fields: &Fields,
    cluster: &str,
    spec: &Value,
    before: Option<&Value>,
) -> bool {
    let mut walk = Walk::new(fields, cluster, 1);
    walk.fields(spec, before);
    !walk.found.is_empty()
}

struct Walk<'a> {
    known: &'a Fields,
    cluster: &'a str,
    /// Where it is: `spec.containers[0].image`.
    field: String,
    /// How the groups call that: `containers[].image`.
    path: String,
    found: Vec<Refused>,
    /// How many are enough.
    most: usize,
}

impl<'a> Walk<'a> {
    fn new(known: &'a Fields, cluster: &'a str, most: usize) -> Self {
        Self {
            known,
            cluster,
            field: "spec".to_owned(),
            path: String::new(),
            found: Vec::new(),
            most,
        }
    }

    /// A value that is not as before.
    fn value(&mut self, value: &Value, before: Option<&Value>) {
        if let Some(group) = self.known.group(&self.path) {
            if !group.allow.permits(value, self.cluster) {
                self.refuse(group.why, group.allow.hint(self.cluster));
            }
            return;
        }
        match value {
            Value::Object(_) if self.goes_on(".") => self.fields(value, before),
            Value::Array(items) if self.goes_on("[]") => {
                let known = before.and_then(Value::as_array);
                for (index, item) in items.iter().enumerate() {
                    // An element that only moved says nothing new.
                    if known.is_some_and(|known| known.contains(item)) || item.is_null() {
                        continue;
                    }
                    let same = known.and_then(|known| known.get(index));
                    self.below(&format!("[{index}]"), "[]", item, same);
                }
            }
            _ if is_empty(value) => {}
            _ => {
                let other = { self.path.rsplit_once('.') }.map(|(parent, _)| format!("{parent}.*"));
                let group = other.and_then(|path| self.known.group(&path));
                self.refuse(group.map_or(UNKNOWN, |group| group.why), None);
            }
        }
    }

    fn fields(&mut self, value: &Value, before: Option<&Value>) {
        for (key, value) in value.as_object().into_iter().flatten() {
            if self.found.len() >= self.most {
                return;
            }
            let before = before.and_then(|before| before.get(key));
            if before == Some(value) || value.is_null() {
                continue;
            }
            let field = format!(".{key}");
            let path = if self.path.is_empty() { key } else { &field };
            self.below(&field, path, value, before);
        }
    }

    /// What stands below, under these names.
    fn below(&mut self, field: &str, path: &str, value: &Value, before: Option<&Value>) {
        let here = (self.field.len(), self.path.len());
        self.field.push_str(field);
        self.path.push_str(path);
        self.value(value, before);
        self.field.truncate(here.0);
        self.path.truncate(here.1);
    }

    fn refuse(&mut self, why: &'static str, allowed: Option<String>) {
        self.found.push(Refused {
            field: self.field.clone(),
            why,
            allowed,
        });
    }

    /// Whether the groups speak of what is below, which continues with that.
    fn goes_on(&mut self, with: &str) -> bool {
        let here = self.path.len();
        self.path.push_str(with);
        let goes_on = self.known.go_on(&self.path);
        self.path.truncate(here);
        goes_on
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
        || value.as_object().is_some_and(serde_json::Map::is_empty)
}
