//! What is printed: one document, or a list of them.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::output::lines;

/// One document, or a list of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Documents {
    /// One.
    One(Value),
    /// Many, and where the rest of them begins.
    List {
        /// They.
        items: Vec<Value>,
        /// Where the rest begins, if there is one.
        next: Option<String>,
    },
}

impl Documents {
    /// A list without a rest.
    pub(crate) fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List {
            items: items.into_iter().collect(),
            next: None,
        }
    }

    /// Each of them.
    pub(crate) fn items(&self) -> &[Value] {
        match self {
            Self::One(document) => std::slice::from_ref(document),
            Self::List { items, .. } => items,
        }
    }

    /// The document, or a `List` as kubectl prints several objects.
    pub(crate) fn value(&self) -> Cow<'_, Value> {
        match self {
            Self::One(document) => Cow::Borrowed(document),
            Self::List { items, next } => {
                let metadata = match next {
                    Some(next) => json!({"continue": next}),
                    None => json!({}),
                };
                Cow::Owned(
                    json!({"apiVersion": "v1", "kind": "List", "metadata": metadata, "items": items}),
                )
            }
        }
    }

    /// As `database/orders`, one a line.
    pub(super) fn names(&self) -> String {
        let text = |document: &Value, pointer: &str| {
            let text = document.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        lines(self.items().iter().map(|document| {
            format!(
                "{}/{}",
                text(document, "/kind").to_lowercase(),
                text(document, "/metadata/name")
            )
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_one_as_kubectl_prints_it() {
        let list = Documents::List {
            items: Vec::new(),
            next: Some("token".into()),
        };
        assert_eq!(
            *list.value(),
            json!({"apiVersion": "v1", "kind": "List", "metadata": {"continue": "token"}, "items": []})
        );
    }

    #[test]
    fn names_can_be_typed() {
        let database = json!({"kind": "Database", "metadata": {"name": "orders"}});
        assert_eq!(Documents::One(database).names(), "database/orders\n");
    }
}
