//! Versions as a table, as JSON and as YAML.
//!
//! ```json
//! {"apiVersion": "daap.dev/v1alpha1", "kind": "DatabaseVersion",
//!  "metadata": {"name": "orders", "namespace": "apps"}, "id": "…",
//!  "version": 2, "standsFor": 1, "action": "updated", "by": "ada", "reason": "…",
//!  "effectiveFrom": "…", "effectiveTo": "9999-12-31T00:00:00Z",
//!  "isCurrent": true, "isDeleted": false,
//!  "record": {"ownerTeam": "payments", "purpose": "…", "instances": 1, "storage": "1Gi"}}
//! ```

use daap_crds::contract::label;
use daap_crds::history::{Tracked, Version};
use daap_crds::object::View;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::instant::seconds;
use crate::database::API_VERSION;
use crate::output::{Table, Words, changes, whole};

/// The versions as a table, the newest last.
pub(crate) fn table(versions: &[Version], wide: bool, headers: bool) -> String {
    let mut table = Table::new(vec![
        "VERSION", "ACTION", "FROM", "TO", "BY", "CHANGES", "REASON",
    ]);
    let words = if wide { Words::Whole } else { Words::Short };
    let mut before: Option<&Tracked> = None;
    for version in versions {
        table.row(vec![
            number(version),
            action(version),
            from(version, wide),
            to(version, wide),
            version.by.clone(),
            said(before, version, words),
            version.reason.clone().unwrap_or_default(),
        ]);
        before = Some(&version.record);
    }
    table.render(headers)
}

/// One version with its whole record.
pub(super) fn record_table(version: &Version, wide: bool, headers: bool) -> String {
    let mut table = Table::new(vec![
        "VERSION",
        "OWNER-TEAM",
        "INSTANCES",
        "STORAGE",
        "PURPOSE",
        "FROM",
        "TO",
        "BY",
    ]);
    let record = &version.record;
    table.row(vec![
        number(version),
        record.owner_team.clone(),
        record.instances.to_string(),
        record.storage.clone(),
        record.purpose.clone(),
        from(version, wide),
        to(version, wide),
        version.by.clone(),
    ]);
    table.render(headers)
}

/// `4`, or `1–37` where old versions were folded into one.
pub(super) fn number(version: &Version) -> String {
    if version.stands_for > 1 {
        let first = version.version.saturating_sub(version.stands_for) + 1;
        return format!("{first}–{}", version.version);
    }
    version.version.to_string()
}

fn action(version: &Version) -> String {
    if version.stands_for > 1 {
        "folded".to_owned()
    } else {
        version.action.to_string()
    }
}

fn said(before: Option<&Tracked>, version: &Version, words: Words) -> String {
    match before {
        _ if version.stands_for > 1 => {
            format!("{} versions, details gone", version.stands_for)
        }
        Some(before) => changes(before, &version.record, words),
        None => whole(&version.record, words),
    }
}

fn from(version: &Version, wide: bool) -> String {
    if wide {
        version.effective_from.to_string()
    } else {
        seconds(version.effective_from)
    }
}

/// Without the date where it is that of the beginning, so that the table stays narrow.
fn to(version: &Version, wide: bool) -> String {
    if version.is_current {
        return "current".to_owned();
    }
    let end = version.effective_to.parse::<Timestamp>();
    let Some(end) = end.ok().filter(|_| !wide) else {
        return version.effective_to.clone();
    };
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    if day(end) == day(version.effective_from) {
        return end.strftime("%H:%M:%SZ").to_string();
    }
    seconds(end)
}

/// A version as JSON; `object` is the Cluster or the tombstone that carries the history.
pub(super) fn document(version: &Version, object: View<'_>) -> Value {
    let mut document = json!({
        "apiVersion": API_VERSION,
        "kind": "DatabaseVersion",
        "metadata": {
            "name": object.label(label::NAME),
            "namespace": object.namespace(),
        },
        "id": object.label(label::ID),
    });
    let version = serde_json::to_value(version).unwrap_or_default();
    json_patch::merge(&mut document, &version);
    document
}

#[cfg(test)]
mod tests {
    use daap_crds::history::{Action, History};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn record(instances: i64, purpose: &str) -> Tracked {
        Tracked {
            owner_team: "payments".into(),
            purpose: purpose.into(),
            instances,
            storage: "1Gi".into(),
        }
    }

    fn history() -> History {
        let (one, two) = (record(1, "order intake"), record(3, "orders and returns"));
        History::default()
            .with(
                Action::Created,
                at("2026-11-20T08:00:00.250Z"),
                "ada",
                None,
                &one,
            )
            .with(
                Action::Updated,
                at("2026-11-21T08:00:00Z"),
                "grace",
                Some("black friday"),
                &two,
            )
            .with(
                Action::RolledBack,
                at("2026-11-21T09:30:00Z"),
                "ada",
                None,
                &one,
            )
            .with(
                Action::Deleted,
                at("2026-11-22T00:00:00Z"),
                "ada",
                Some("done"),
                &one,
            )
    }

    #[test]
    fn every_version_says_when_who_what_and_why() {
        insta::assert_snapshot!(table(&history().versions(), false, true));
        insta::assert_snapshot!(table(&history().versions(), true, true));
    }

    #[test]
    fn folded_versions_are_one_line() {
        let mut history = History::default();
        for second in 0..300 {
            let record = record(second, &"x".repeat(250));
            let from = at("2026-11-21T08:00:00Z") + jiff::SignedDuration::from_secs(second);
            let purpose = Tracked {
                purpose: format!("{}{second}", "x".repeat(250)),
                ..record
            };
            history = history.with(Action::Updated, from, "ada", None, &purpose);
        }
        let versions = history.versions();
        let shown = table(versions.get(..1).unwrap(), false, false);
        let count = versions.first().unwrap().version;
        assert!(shown.starts_with(&format!("1–{count}   folded")), "{shown}");
        assert!(
            shown.contains(&format!("{count} versions, details gone")),
            "{shown}"
        );
    }

    #[test]
    fn a_version_as_json_is_whole() {
        let object = json!({"metadata": {"namespace": "apps", "labels": {"daap.dev/name": "orders", "daap.dev/id": "x"}}});
        let versions = history().versions();
        let shown = document(versions.last().unwrap(), View(&object));
        insta::assert_snapshot!(crate::output::yaml(&shown).unwrap());
        insta::assert_snapshot!(record_table(versions.get(1).unwrap(), false, true));
    }
}
