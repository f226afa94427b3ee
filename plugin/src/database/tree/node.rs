use serde::Serialize;

use crate::output::Table;

/// One object of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node {
    /// As in `Pod`.
    kind: String,
    /// Its name.
    name: String,
    /// How much of it is ready, as in `1/1`; empty where that makes no sense.
    #[serde(skip_serializing_if = "String::is_empty")]
    ready: String,
    /// Its condition, with the reason where something is wrong.
    status: String,
    /// What belongs to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    children: Vec<Node>,
}

/// Characters of a status; messages of container runtimes repeat themselves.
const LONGEST_STATUS: usize = 200;
/// Where there is nothing to say.
const NOTHING: &str = "-";

impl Node {
    pub(super) fn new(kind: &str, name: &str, status: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            ready: String::new(),
            status: one_line(&status.into()),
            children: Vec::new(),
        }
    }

    /// So many of so many are ready.
    pub(super) fn ready(self, ready: i64, of: i64) -> Self {
        Self {
            ready: format!("{ready}/{of}"),
            ..self
        }
    }

    pub(super) fn with(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    pub(super) fn with_all(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// As JSON.
    pub(crate) fn document(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The text, one line an object.
    pub(crate) fn render(&self, headers: bool) -> String {
        let mut table = Table::new(vec!["NAME", "READY", "STATUS"]);
        self.lines("", "", &mut table);
        table.render(headers)
    }

    /// `own` stands before this object, `below` before what belongs to it.
    fn lines(&self, own: &str, below: &str, table: &mut Table) {
        let shown = |text: &str| if text.is_empty() { NOTHING } else { text }.to_owned();
        table.row(vec![
            format!("{own}{}/{}", self.kind, self.name),
            shown(&self.ready),
            shown(&self.status),
        ]);
        let last = self.children.len().saturating_sub(1);
        for (index, child) in self.children.iter().enumerate() {
            let (branch, bar) = if index == last {
                ("└─", "  ")
            } else {
                ("├─", "│ ")
            };
            child.lines(&format!("{below}{branch}"), &format!("{below}{bar}"), table);
        }
    }
}

fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST_STATUS {
        return line;
    }
    let mut cut: String = line.chars().take(LONGEST_STATUS - 1).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_like_a_tree() {
        let tree = Node::new("Database", "orders", "ready")
            .with(
                Node::new("Cluster", "daap-orders", "healthy")
                    .ready(1, 1)
                    .with(
                        Node::new("Pod", "daap-orders-1", "primary")
                            .ready(1, 1)
                            .with(Node::new("PersistentVolumeClaim", "daap-orders-1", "Bound")),
                    )
                    .with(Node::new("Secret", "daap-orders-app", "")),
            )
            .with(Node::new("Pooler", "daap-orders-pooler", "a\n  b"));
        insta::assert_snapshot!(tree.render(true), @r"
        NAME                                        READY   STATUS
        Database/orders                             -       ready
        ├─Cluster/daap-orders                       1/1     healthy
        │ ├─Pod/daap-orders-1                       1/1     primary
        │ │ └─PersistentVolumeClaim/daap-orders-1   -       Bound
        │ └─Secret/daap-orders-app                  -       -
        └─Pooler/daap-orders-pooler                 -       a b
        ");
    }

    #[test]
    fn long_messages_are_cut() {
        let node = Node::new("Pod", "x", "y".repeat(900));
        assert_eq!(node.status.chars().count(), LONGEST_STATUS);
    }
}
