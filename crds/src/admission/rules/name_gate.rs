//! CNPG adopts volumes and trusts Secrets by their names alone, and applies what names a Cluster to
//! whichever is called so: a Cluster comes only where nothing foreign lies under its names, or names it.

use serde_json::Value;

use super::super::{Question, Unanswered};
use super::ownership::must_own;
use super::{Context, Verdict};
use crate::contract::{annotation, cnpg, label};
use crate::object::View;
use crate::record::{annotation_field, label_field};
use crate::tombstone::{Stage, Tombstone};
use crate::violation::{Rule, Violation};

pub(super) fn of_cluster(context: Context<'_>) -> Verdict {
    let Some(new) = context.new_view() else {
        return Ok(Vec::new());
    };
    let (namespace, id) = (
        context.namespace(),
        new.label(label::ID).unwrap_or_default(),
    );
    let found = context.facts.objects(Question::UnderNames {
        namespace: namespace.to_owned(),
        cluster: new.name().to_owned(),
    });
    let naming = context.facts.objects(Question::Naming {
        namespace: namespace.to_owned(),
        cluster: new.name().to_owned(),
    });
    let others = context.facts.objects(Question::ClustersWithId {
        namespace: namespace.to_owned(),
        id: id.to_owned(),
    });
    let tombstone = context.facts.object(Question::Tombstone {
        namespace: namespace.to_owned(),
        id: id.to_owned(),
    });
    let ((found, naming), (others, tombstone)) =
        both(both(found, naming), both(others, tombstone))?;
    let mut violations: Vec<Violation> = others
        .iter()
        .map(View)
        .filter(|other| other.name() != new.name())
        .map(|other| id_taken(other))
        .collect();
    let tombstone = tombstone.map(View);
    if let Some(tombstone) = tombstone {
        violations.extend(restores(context, new, tombstone)?);
    }
    let foreign: Vec<View<'_>> = found
        .iter()
        .map(View)
        .filter(|object| {
            !tombstone.is_some_and(|tombstone| belongs(*object, new.name(), id, tombstone))
        })
        .collect();
    if !foreign.is_empty() {
        violations.push(occupied(new, &foreign));
    }
    let foreign: Vec<View<'_>> = naming
        .iter()
        .map(View)
        .filter(|object| {
            !tombstone.is_some_and(|tombstone| {
                was_there(*object, tombstone) || is_its_pooler(*object, id)
            })
        })
        .collect();
    if !foreign.is_empty() {
        violations.push(named_already(new, &foreign));
    }
    Ok(violations)
}

/// Two answers, or every question of the two that is open.
fn both<A, B>(
    one: Result<A, Unanswered>,
    other: Result<B, Unanswered>,
) -> Result<(A, B), Unanswered> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (one, other) => {
            let mut open = Unanswered::default();
            for questions in [one.err(), other.err()].into_iter().flatten() {
                open.0.extend(questions.0);
            }
            Err(open)
        }
    }
}

/// Whether it named the Cluster before that was deleted, so that it is the same team's. Both times are
/// the API server's.
fn was_there(object: View<'_>, tombstone: View<'_>) -> bool {
    let made = |object: View<'_>| {
        let made = object.text("/metadata/creationTimestamp")?;
        made.parse::<jiff::Timestamp>().ok()
    };
    match (made(object), made(tombstone)) {
        (Some(object), Some(tombstone)) => object <= tombstone,
        _ => false,
    }
}

/// Whether it is the Pooler of this very database, which another restore has brought back just now: who
/// comes second is told by the API server that the Cluster exists. (A Pooler's id is its Cluster's.)
fn is_its_pooler(object: View<'_>, id: &str) -> bool {
    object.text("/kind") == Some("Pooler") && object.label(label::ID) == Some(id)
}

/// Whether it is what the tombstone retains. CNPG adopts what nobody owns: what carries the id and
/// was not retained was made up since, or still belongs to the Cluster that is going. (CNPG labels
/// the CA Secret with nothing, so that its name alone tells.)
fn belongs(object: View<'_>, cluster: &str, id: &str, tombstone: View<'_>) -> bool {
    let found = object.label(label::ID);
    if found.is_some_and(|found| found != id) {
        return false;
    }
    // What names another owner, one that lives, would stay.
    let of_cluster = |owner: &Value| {
        let owner = View(owner);
        let group = owner
            .text("/apiVersion")
            .and_then(|version| version.split('/').next());
        group == Some(cnpg::GROUP)
            && owner.text("/kind") == Some("Cluster")
            && owner.text("/name") == Some(cluster)
    };
    let owners = object.owner_references();
    let is_leaving = found.is_some() && !owners.is_empty() && owners.iter().all(of_cluster);
    let Some(retained) = Tombstone::read(tombstone).map(|tombstone| tombstone.retained) else {
        return false;
    };
    let names = if found.is_some() {
        [retained.volumes, retained.secrets].concat()
    } else {
        retained.secrets
    };
    is_leaving || names.iter().any(|name| name == object.name())
}

/// With a tombstone of the id this is a restore: by its owner, and of this very record.
fn restores(
    context: Context<'_>,
    new: View<'_>,
    tombstone: View<'_>,
) -> Result<Vec<Violation>, Unanswered> {
    let mut violations: Vec<Violation> = must_own(context, tombstone.label(label::OWNER_TEAM))?
        .into_iter()
        .collect();
    let differs = |field: String, before: Option<&str>, after: Option<&str>| {
        (before != after).then(|| {
            Violation::new(
                Rule::NameGate,
                field,
                format!(
                    "the deleted database of this id has '{}', not '{}'",
                    before.unwrap_or_default(),
                    after.unwrap_or_default()
                ),
                "restore it with the record that it had, and change it afterwards",
            )
        })
    };
    if Tombstone::read(tombstone).is_some_and(|read| read.stage == Stage::Purged) {
        violations.push(Violation::new(
            Rule::NameGate,
            label_field(label::ID),
            "the data of the deleted database of this id was destroyed",
            "leave the label out, and the webhook gives a new id",
        ));
    }
    for key in label::RECORD {
        violations.extend(differs(
            label_field(key),
            tombstone.label(key),
            new.label(key),
        ));
    }
    let key = annotation::PURPOSE;
    violations.extend(differs(
        annotation_field(key),
        tombstone.annotation(key),
        new.annotation(key),
    ));
    Ok(violations)
}

fn id_taken(other: View<'_>) -> Violation {
    Violation::new(
        Rule::NameGate,
        label_field(label::ID),
        format!("cluster '{}' has this id already", other.name()),
        "leave the label out, and the webhook gives a new id",
    )
}

fn occupied(new: View<'_>, found: &[View<'_>]) -> Violation {
    let name = new.label(label::NAME).unwrap_or("NAME");
    let namespace = new.namespace();
    Violation::new(
        Rule::NameGate,
        "metadata.name",
        format!(
            "what lies under the names of cluster '{}' would become part of it: {}",
            new.name(),
            listed(found)
        ),
        format!(
            "if a deleted database '{name}' left it, give it up: kubectl daap purge {name} -n {namespace}; if it is still being removed, try again"
        ),
    )
}

fn named_already(new: View<'_>, found: &[View<'_>]) -> Violation {
    let named: Vec<String> = found
        .iter()
        .map(|object| {
            let kind = object.text("/kind").unwrap_or_default().to_lowercase();
            format!("{kind}.{}/{}", cnpg::GROUP, object.name())
        })
        .collect();
    Violation::new(
        Rule::NameGate,
        "metadata.name",
        format!(
            "what names cluster '{}' in spec.cluster.name would work on this one: {}",
            new.name(),
            listed(found)
        ),
        format!(
            "remove it first, or choose another name: kubectl delete -n {} {}",
            new.namespace(),
            named.join(" ")
        ),
    )
}

/// Kinds and names.
fn listed(found: &[View<'_>]) -> String {
    let names: Vec<String> = found
        .iter()
        .map(|object| {
            format!(
                "{} '{}'",
                object.text("/kind").unwrap_or("object"),
                object.name()
            )
        })
        .collect();
    names.join(", ")
}
