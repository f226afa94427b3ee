//! Databases as a table.

use daap_crds::contract::{annotation, label};
use daap_crds::object::View;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Database, Restorable};
use crate::output::{OutputFlags, Table, TableFlags, age};

/// Changes by itself, so that no change of it is one.
pub(crate) const AGE: &str = "AGE";

/// Live databases.
pub(crate) fn table(
    databases: &[Database],
    flags: &OutputFlags,
    namespaces: bool,
    now: Timestamp,
) -> String {
    let mut table = Table::new(columns(flags, namespaces));
    for database in databases {
        table.row(row(database, flags, namespaces, now));
    }
    table.render(!flags.table.no_headers)
}

/// The columns of live databases.
pub(crate) fn columns(flags: &OutputFlags, namespaces: bool) -> Vec<String> {
    let mut columns = Vec::new();
    if namespaces {
        columns.push("NAMESPACE");
    }
    columns.extend(["NAME", "OWNER-TEAM", "STATE", "REASON"]);
    if flags.output.is_wide() {
        columns.extend([
            "INSTANCES",
            "PRIMARY",
            "POOLER",
            "POSTGRES",
            "STORAGE",
            "HOST",
            "PURPOSE",
        ]);
    }
    columns.push(AGE);
    with_labels(columns, &flags.table)
}

/// The cells of a live database.
pub(crate) fn row(
    database: &Database,
    flags: &OutputFlags,
    namespaces: bool,
    now: Timestamp,
) -> Vec<String> {
    let status = database.status();
    let view = database.view();
    let mut row = Vec::new();
    if namespaces {
        row.push(view.namespace().to_owned());
    }
    row.extend([
        database.name().to_owned(),
        database.team().to_owned(),
        status.state.to_string(),
        status.reason.unwrap_or_default(),
    ]);
    if flags.output.is_wide() {
        row.extend(wide_cells(database));
    }
    row.push(age(database.created_at(), now));
    row.extend(label_cells(view, &flags.table));
    row
}

/// The columns, and those of labels: what follows the last `/`, in upper case, as kubectl has it.
fn with_labels(columns: Vec<&str>, flags: &TableFlags) -> Vec<String> {
    let mut columns: Vec<String> = columns.into_iter().map(str::to_owned).collect();
    columns.extend(flags.label_columns.iter().map(|label| {
        let (_, name) = label.rsplit_once('/').unwrap_or(("", label));
        name.to_uppercase()
    }));
    if flags.show_labels {
        columns.push("LABELS".to_owned());
    }
    columns
}

fn label_cells(view: View<'_>, flags: &TableFlags) -> Vec<String> {
    let mut cells: Vec<String> = flags
        .label_columns
        .iter()
        .map(|label| view.label(label).unwrap_or_default().to_owned())
        .collect();
    if flags.show_labels {
        cells.push(labels(view.labels()));
    }
    cells
}

fn wide_cells(database: &Database) -> [String; 7] {
    let view = database.view();
    let count = |pointer| view.at(pointer).and_then(Value::as_i64).unwrap_or_default();
    [
        format!(
            "{}/{}",
            count("/status/readyInstances"),
            count("/spec/instances")
        ),
        view.text("/status/currentPrimary")
            .unwrap_or_default()
            .to_owned(),
        pooler(database),
        postgres(view),
        view.text("/spec/storage/size")
            .unwrap_or_default()
            .to_owned(),
        database
            .connection()
            .map(|connection| connection.host)
            .unwrap_or_default(),
        view.annotation(annotation::PURPOSE)
            .unwrap_or_default()
            .to_owned(),
    ]
}

/// How many of the pooler's instances serve.
fn pooler(database: &Database) -> String {
    let count = |object: &Option<Value>, pointer| {
        let object = object.as_ref().map(View);
        object.and_then(|object| object.at(pointer)?.as_i64())
    };
    let Some(wanted) = count(&database.pooler, "/spec/instances") else {
        return String::new();
    };
    let available = count(&database.deployment, "/status/availableReplicas");
    format!("{}/{wanted}", available.unwrap_or_default())
}

/// The version of `PostgreSQL`, as the tag of the image says it; its major where that says nothing.
fn postgres(cluster: View<'_>) -> String {
    let image = cluster
        .text("/status/image")
        .or_else(|| cluster.text("/spec/imageName"))
        .unwrap_or_default();
    // A digest, and the port of a registry, are no tag.
    let image = image.split('@').next().unwrap_or_default();
    let tag = image
        .rsplit_once(':')
        .map(|(_, tag)| tag)
        .filter(|tag| tag.starts_with(|first: char| first.is_ascii_digit()) && !tag.contains('/'));
    let major = cluster
        .at("/status/pgDataImageInfo/majorVersion")
        .and_then(Value::as_i64);
    tag.map(str::to_owned)
        .or_else(|| major.map(|major| major.to_string()))
        .unwrap_or_default()
}

/// Deleted databases.
pub(crate) fn deleted_table(
    tombstones: &[Value],
    flags: &OutputFlags,
    namespaces: bool,
    now: Timestamp,
) -> String {
    let mut columns = Vec::new();
    if namespaces {
        columns.push("NAMESPACE");
    }
    columns.extend([
        "NAME",
        "OWNER-TEAM",
        "STATE",
        "RESTORABLE-UNTIL",
        "DELETED-BY",
        "ID",
        AGE,
    ]);
    let mut table = Table::new(with_labels(columns, &flags.table));
    for config_map in tombstones {
        let view = View(config_map);
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let mut row = Vec::new();
        if namespaces {
            row.push(view.namespace().to_owned());
        }
        row.extend([
            text(view.label(label::NAME)),
            text(view.label(label::OWNER_TEAM)),
            "deleted".to_owned(),
            Restorable::of(config_map, now).cell(),
            text(view.annotation(annotation::UPDATED_BY)),
            text(view.label(label::ID)),
            age(view.annotation(annotation::UPDATED_AT), now),
        ]);
        row.extend(label_cells(view, &flags.table));
        table.row(row);
    }
    table.render(!flags.table.no_headers)
}

fn labels(labels: Option<&Map<String, Value>>) -> String {
    let pairs: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    pairs.join(",")
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;
    use crate::output::OutputFormat;

    fn now() -> Timestamp {
        "2026-11-21T08:05:00Z".parse().unwrap()
    }

    fn flags(output: OutputFormat) -> OutputFlags {
        OutputFlags {
            output,
            ..OutputFlags::default()
        }
    }

    #[test]
    fn live_databases() {
        let databases = [fixtures::ready("orders"), fixtures::provisioning("shop")];
        insta::assert_snapshot!(table(&databases, &flags(OutputFormat::Table), false, now()), @r"
        NAME     OWNER-TEAM   STATE          REASON               AGE
        orders   payments     ready          <none>               5m
        shop     payments     provisioning   setting up primary   5m
        ");
        insta::assert_snapshot!(table(&databases, &flags(OutputFormat::Wide), true, now()), @r"
        NAMESPACE   NAME     OWNER-TEAM   STATE          REASON               INSTANCES   PRIMARY   POOLER   POSTGRES   STORAGE   HOST                          PURPOSE        AGE
        apps        orders   payments     ready          <none>               1/1         x-1       1/1      17.6       1Gi       daap-orders-pooler.apps.svc   order intake   5m
        apps        shop     payments     provisioning   setting up primary   0/1         <none>    0/1      17.6       1Gi       <none>                        order intake   5m
        ");
    }

    #[test]
    fn labels_come_last_and_headers_can_go() {
        let table_flags = TableFlags {
            no_headers: true,
            show_labels: true,
            ..TableFlags::default()
        };
        let bare = OutputFlags {
            table: table_flags,
            ..OutputFlags::default()
        };
        let text = table(&[fixtures::ready("orders")], &bare, false, now());
        assert_eq!(text.lines().count(), 1);
        assert!(
            text.trim_end()
                .ends_with("daap.dev/name=orders,daap.dev/owner-team=payments"),
            "{text}"
        );
    }

    #[test]
    fn labels_can_be_columns() {
        let table_flags = TableFlags {
            label_columns: vec!["daap.dev/owner-team".into(), "tier".into()],
            ..TableFlags::default()
        };
        let flags = OutputFlags {
            table: table_flags,
            ..OutputFlags::default()
        };
        insta::assert_snapshot!(table(&[fixtures::ready("orders")], &flags, false, now()), @r"
        NAME     OWNER-TEAM   STATE   REASON   AGE   OWNER-TEAM   TIER
        orders   payments     ready   <none>   5m    payments     <none>
        ");
    }

    #[test]
    fn deleted_databases() {
        insta::assert_snapshot!(deleted_table(&[fixtures::tombstone("orders")], &flags(OutputFormat::Table), false, now()), @r"
        NAME     OWNER-TEAM   STATE     RESTORABLE-UNTIL   DELETED-BY   ID                                     AGE
        orders   payments     deleted   2026-12-21         ada          67e55044-10b1-426f-9247-bb680e5fe0c8   60s
        ");
    }
}
