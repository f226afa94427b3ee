//! A database as text, in the manner of `kubectl describe`.

use std::fmt::Write as _;

use daap_crds::contract::{annotation, label};
use daap_crds::history::History;
use daap_crds::object::View;
use daap_crds::pending::Pending;
use jiff::Timestamp;
use serde_json::Value;

use crate::commands::history::show;
use crate::database::{Database, Description, events};
use crate::output::{age, lines, pasteable};

/// Versions that are shown; all of them are what `history` is for.
const VERSIONS: usize = 5;
const NOTHING: &str = "<none>";

pub(super) fn of(description: &Description, show_events: bool, now: Timestamp) -> String {
    let database = &description.database;
    let mut text = head(database, now).render(0);
    section(&mut text, "Record", &record(database.view(), now).render(1));
    section(&mut text, "Spec", &spec(description).render(1));
    section(&mut text, "Connection", &connection(database).render(1));
    section(&mut text, "Pending", &pending(database.view()).render(1));
    section(
        &mut text,
        "Parts",
        &indented(&description.parts.render(true)),
    );
    section(&mut text, "History", &history(database));
    if show_events {
        let shown = match &description.events {
            Ok(found) if found.is_empty() => String::new(),
            Ok(found) => indented(&events::table(found, false, true, now)),
            Err(why) => indented(&format!("not shown: {why}\n")),
        };
        section(&mut text, "Events", &shown);
    }
    text
}

/// Keys and values, the values one under another.
#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

impl Fields {
    fn add(&mut self, key: &'static str, value: impl Into<String>) {
        let value = value.into();
        let value = if value.is_empty() {
            NOTHING.to_owned()
        } else {
            value
        };
        self.0.push((key, value));
    }

    /// Only where there is something to say.
    fn add_some(&mut self, key: &'static str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.add(key, value);
        }
    }

    fn render(&self, depth: usize) -> String {
        let width = self.0.iter().map(|(key, _)| key.len()).max();
        // The colon, and two spaces.
        let width = width.unwrap_or_default() + 3;
        let indent = "  ".repeat(depth);
        let mut text = String::new();
        for (key, value) in &self.0 {
            let mut rest = value.lines();
            let first = rest.next().unwrap_or_default();
            let key = format!("{key}:");
            let _ = writeln!(text, "{indent}{key:<width$}{first}");
            for line in rest {
                let _ = writeln!(text, "{indent}{:<width$}{line}", "");
            }
        }
        text
    }
}

fn section(text: &mut String, title: &str, content: &str) {
    if content.is_empty() {
        let _ = writeln!(text, "{title}:  {NOTHING}");
    } else {
        let _ = write!(text, "{title}:\n{content}");
    }
}

fn indented(text: &str) -> String {
    lines(text.lines().map(|line| format!("  {line}")))
}

fn head(database: &Database, now: Timestamp) -> Fields {
    let view = database.view();
    let status = database.status();
    let labels: Vec<String> = view
        .labels()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let mut fields = Fields::default();
    fields.add("Name", database.name());
    fields.add("Namespace", view.namespace());
    fields.add("Labels", labels.join("\n"));
    fields.add("State", status.state.as_str());
    fields.add("Reason", status.reason.unwrap_or_default());
    fields.add("Age", age(database.created_at(), now));
    fields
}

fn record(view: View<'_>, now: Timestamp) -> Fields {
    let text = |key| view.annotation(key).unwrap_or_default();
    let stamped = |at: &str, by: &str| {
        let (at, by) = (view.annotation(at)?, view.annotation(by)?);
        Some(format!("{at} by {by} ({} ago)", age(Some(at), now)))
    };
    let mut fields = Fields::default();
    fields.add("ID", view.label(label::ID).unwrap_or_default());
    fields.add(
        "Owner Team",
        view.label(label::OWNER_TEAM).unwrap_or_default(),
    );
    fields.add_some("Offered To", view.annotation(annotation::OFFERED_TO));
    fields.add("Purpose", text(annotation::PURPOSE));
    fields.add("Version", text(annotation::VERSION));
    fields.add_some(
        "Created",
        stamped(annotation::CREATED_AT, annotation::CREATED_BY),
    );
    fields.add_some(
        "Updated",
        stamped(annotation::UPDATED_AT, annotation::UPDATED_BY),
    );
    fields.add_some("Change Reason", view.annotation(annotation::CHANGE_REASON));
    fields
}

fn spec(description: &Description) -> Fields {
    let database = &description.database;
    let mut fields = Fields::default();
    if database.lost {
        return fields;
    }
    let view = database.view();
    let pooler = database.pooler.as_ref().map(View);
    let number = |view: View<'_>, pointer| view.at(pointer).and_then(Value::as_i64);
    let count = |pointer| number(view, pointer).unwrap_or_default();
    let (ready, wanted) = (count("/status/readyInstances"), count("/spec/instances"));
    fields.add("Instances", format!("{wanted} ({ready} ready)"));
    fields.add_some("Primary", view.text("/status/currentPrimary"));
    let size = view.text("/spec/storage/size").unwrap_or_default();
    fields.add("Storage", size);
    // What a volume has may be more than was asked for.
    let capacities = description.capacities.join(", ");
    fields.add_some("Volumes", Some(capacities).filter(|text| !text.is_empty()));
    fields.add_some("Storage Class", view.text("/spec/storage/storageClass"));
    let image = view.text("/spec/imageName");
    fields.add_some("Image", image.or_else(|| view.text("/status/image")));
    if let Some(pooler) = pooler {
        fields.add_some("Pool Mode", pooler.text("/spec/pgbouncer/poolMode"));
        let instances = number(pooler, "/spec/instances").map(|count| count.to_string());
        fields.add_some("Pool Instances", instances);
    }
    fields
}

/// Only of a database that is ready.
fn connection(database: &Database) -> Fields {
    let mut fields = Fields::default();
    if let Some(connection) = database.connection() {
        fields.add("Host", connection.host);
        fields.add("Port", connection.port.to_string());
        fields.add("Database", connection.database);
        fields.add("User", connection.user);
        fields.add("SSL Mode", connection.ssl_mode);
        fields.add("URI", connection.uri);
    }
    fields
}

fn pending(view: View<'_>) -> Fields {
    let mut fields = Fields::default();
    let Some(pending) = view
        .annotation(annotation::PENDING)
        .and_then(Pending::parse)
    else {
        return fields;
    };
    fields.add("Operation", pending.operation.as_str());
    fields.add("Next Step", pending.step);
    fields.add("Since", pending.since.to_string());
    fields.add_some("Error", pending.error);
    fields
}

fn history(database: &Database) -> String {
    let view = database.view();
    let stored = view.annotation(annotation::HISTORY);
    let Some(Ok(history)) = stored.map(History::parse) else {
        return String::new();
    };
    let versions = history.versions();
    if versions.is_empty() {
        return String::new();
    }
    let whole = show::table(&versions, false, true);
    let earlier = versions.len().saturating_sub(VERSIONS);
    let mut rows = whole.lines();
    let mut text = rows
        .next()
        .map(|line| format!("{line}\n"))
        .unwrap_or_default();
    if earlier > 0 {
        let command = format!(
            "kubectl daap history {} -n {}",
            database.name(),
            view.namespace()
        );
        let _ = writeln!(text, "({earlier} earlier ones: {})", pasteable(&command));
    }
    for line in rows.skip(earlier) {
        text.push_str(line);
        text.push('\n');
    }
    indented(&text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::database::fixtures;

    #[test]
    fn everything_is_shown_of_a_ready_one() {
        let mut database = fixtures::ready("orders");
        database.cluster["metadata"]["annotations"]["daap.dev/history"] = json!(
            r#"{"rows":[{"v":1,"from":"2026-11-21T08:00:00Z","by":"ada","action":"created","set":{"ownerTeam":"payments","purpose":"order intake","instances":1,"storage":"1Gi"}}]}"#
        );
        let event = json!({"type": "Normal", "reason": "Scheduled", "message": "Successfully assigned",
            "lastTimestamp": "2026-11-21T08:01:00Z", "involvedObject": {"kind": "Pod", "name": "daap-orders-1"}});
        let description = Description {
            parts: crate::database::fixtures::tree(&database),
            capacities: vec!["10Gi".into()],
            database,
            events: Ok(vec![event]),
        };
        let now = "2026-11-21T08:05:00Z".parse().unwrap();
        insta::assert_snapshot!(of(&description, true, now));
    }

    #[test]
    fn what_there_is_not_is_none() {
        let description = Description {
            database: fixtures::provisioning("orders"),
            parts: crate::database::fixtures::tree(&fixtures::provisioning("orders")),
            capacities: Vec::new(),
            events: Err("ada may not list events in namespace apps".into()),
        };
        let now = "2026-11-21T08:05:00Z".parse().unwrap();
        insta::assert_snapshot!(of(&description, true, now));
    }
}
