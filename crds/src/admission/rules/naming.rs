use super::{Context, Verdict, no_worse};
use crate::contract::{NAME_PREFIX, label};
use crate::names::DatabaseName;
use crate::object::View;
use crate::policy::Policy;
use crate::record::label_field;
use crate::violation::{Rule, Violation};

const NAME_RULES: &str =
    "choose a name of 3–63 lower-case letters, digits and hyphens that begins with a letter";

pub(super) fn of_cluster(context: Context<'_>) -> Verdict {
    Ok(no_worse(context, |cluster| judge(cluster, context.policy)))
}

fn judge(cluster: View<'_>, policy: &Policy) -> Vec<Violation> {
    if cluster.name().is_empty() {
        return vec![naming(
            "metadata.generateName",
            "a database cannot have a generated name: its objects are named after it",
            "set metadata.name to daap-NAME",
        )];
    }
    let Some(label) = cluster.label(label::NAME) else {
        return vec![unlabelled(cluster.name())];
    };
    let name = match DatabaseName::parse(label) {
        Ok(name) => name,
        Err(error) => {
            return vec![naming(
                &label_field(label::NAME),
                &error.to_string(),
                NAME_RULES,
            )];
        }
    };
    let mut violations = by_policy(&name, policy);
    if name.cluster() != cluster.name() {
        let message = format!(
            "the cluster of database '{name}' is called '{}', not '{}'",
            name.cluster(),
            cluster.name()
        );
        let hint = format!(
            "call it {}, or correct the label {}",
            name.cluster(),
            label::NAME
        );
        violations.push(naming("metadata.name", &message, &hint));
    }
    violations
}

/// The mutating half labels every Cluster whose logical name can be told: this one's cannot.
fn unlabelled(cluster: &str) -> Violation {
    match cluster.strip_prefix(NAME_PREFIX).map(DatabaseName::parse) {
        Some(Err(error)) => naming("metadata.name", &error.to_string(), NAME_RULES),
        Some(Ok(_)) => naming(
            &label_field(label::NAME),
            "it is missing; it holds the logical name",
            "set it to the name of the database",
        ),
        None => naming(
            "metadata.name",
            &format!("'{cluster}' carries daap.dev labels but does not begin with '{NAME_PREFIX}'"),
            "call it daap-NAME, or remove the labels",
        ),
    }
}

fn by_policy(name: &DatabaseName, policy: &Policy) -> Vec<Violation> {
    let mut violations = Vec::new();
    let field = label_field(label::NAME);
    if policy
        .names
        .reserved
        .iter()
        .any(|reserved| reserved == name.as_str())
    {
        violations.push(naming(
            &field,
            &format!("'{name}' is reserved by the platform's policy"),
            "choose another name",
        ));
    }
    if let Some(pattern) = &policy.names.pattern
        && !pattern.matches(name.as_str())
    {
        violations.push(naming(
            &field,
            &format!("'{name}' does not match the platform's pattern '{pattern}'"),
            "choose a name that does",
        ));
    }
    violations
}

/// A Pooler that is called `daap-…` is its Cluster's own; others are called as one likes.
pub(super) fn of_pooler(context: Context<'_>) -> Verdict {
    Ok(no_worse(context, |pooler| {
        if pooler.name().is_empty() && pooler.generate_name().starts_with(NAME_PREFIX) {
            return vec![naming(
                "metadata.generateName",
                "a pooler of a database cannot have a generated name",
                "set metadata.name to CLUSTER-pooler",
            )];
        }
        let cluster = pooler.text("/spec/cluster/name").unwrap_or_default();
        let expected = format!("{cluster}-pooler");
        if !pooler.name().starts_with(NAME_PREFIX) || pooler.name() == expected {
            return Vec::new();
        }
        vec![naming(
            "metadata.name",
            &format!(
                "the pooler of cluster '{cluster}' is called '{expected}', not '{}'",
                pooler.name()
            ),
            &format!(
                "call it {expected}, or give it a name that does not begin with '{NAME_PREFIX}'"
            ),
        )]
    }))
}

fn naming(field: &str, message: &str, hint: &str) -> Violation {
    Violation::new(Rule::Naming, field, message, hint)
}
