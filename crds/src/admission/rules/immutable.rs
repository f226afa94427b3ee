use serde_json::Value;

use super::{Context, Verdict};
use crate::contract::label;
use crate::object::View;
use crate::record::label_field;
use crate::violation::{Rule, Violation};

/// What CNPG's own defaulting writes into a `bootstrap` that was left out.
const DEFAULTED_INITDB: [&str; 6] = [
    "database",
    "owner",
    "encoding",
    "localeCollate",
    "localeCType",
    "secret",
];

pub(super) fn of_cluster(context: Context<'_>) -> Verdict {
    let (Some(new), Some(old)) = (context.new_view(), context.old_view()) else {
        return Ok(Vec::new());
    };
    let mut violations = Vec::new();
    for key in [label::NAME, label::ID] {
        // A Cluster from before the webhook has neither: then they are given now.
        let before = old.label(key);
        if before.is_some() && before != new.label(key) {
            violations.push(fixed(&label_field(key), before, new.label(key)));
        }
    }
    // Both are accepted by CNPG and ignored: the manifest would say what is not so.
    let class = "/spec/storage/storageClass";
    if old.text(class) != new.text(class) {
        violations.push(fixed(
            "spec.storage.storageClass",
            old.text(class),
            new.text(class),
        ));
    }
    if bootstrap_changed(old, new) {
        violations.push(Violation::new(
            Rule::Immutable,
            "spec.bootstrap",
            "it is read only once, when the database is created",
            "keep it as it is",
        ));
    }
    Ok(violations)
}

fn bootstrap_changed(old: View<'_>, new: View<'_>) -> bool {
    match (old.at("/spec/bootstrap"), new.at("/spec/bootstrap")) {
        (None | Some(Value::Null), Some(Value::Object(given))) => {
            !given.iter().all(|(method, options)| {
                method == "initdb"
                    && options.as_object().is_some_and(|options| {
                        options
                            .keys()
                            .all(|key| DEFAULTED_INITDB.contains(&key.as_str()))
                    })
            })
        }
        (None, None) => false,
        (before, after) => before != after,
    }
}

pub(super) fn of_pooler(context: Context<'_>) -> Verdict {
    let (Some(new), Some(old)) = (context.new_view(), context.old_view()) else {
        return Ok(Vec::new());
    };
    let cluster = "/spec/cluster/name";
    if old.text(cluster) == new.text(cluster) {
        return Ok(Vec::new());
    }
    Ok(vec![fixed(
        "spec.cluster.name",
        old.text(cluster),
        new.text(cluster),
    )])
}

fn fixed(field: &str, before: Option<&str>, after: Option<&str>) -> Violation {
    let shown = |value: Option<&str>| {
        value.map_or_else(|| "nothing".to_owned(), |value| format!("'{value}'"))
    };
    Violation::new(
        Rule::Immutable,
        field,
        format!(
            "it never changes: it is {}, not {}",
            shown(before),
            shown(after)
        ),
        "keep it as it is, or create another database",
    )
}
