//! The rules of admission, one family a file. Each judges the final object, so that it also holds
//! when the mutating half was skipped.

#![expect(
    clippy::unnecessary_wraps,
    reason = "families share one signature, whether or not they have questions"
)]

mod administrator;
mod delete_gate;
mod deleting;
mod dependent_objects;
mod dependents;
mod immutable;
mod inherited;
mod limits;
mod name_gate;
mod naming;
mod neighbours;
mod owner_references;
mod ownership;
mod pending_delete;
mod record;
mod retained;
mod scale;
mod spec_fields;
#[cfg(test)]
mod tests;
mod tombstone;

use std::collections::{BTreeMap, BTreeSet};

use super::write::is_governed;
use super::{Facts, Operation, Resource, Unanswered, Write, restored};
use crate::object::View;
use crate::policy::Policy;
use crate::violation::Violation;

/// What a rule sees.
#[derive(Clone, Copy)]
struct Context<'a> {
    write: &'a Write,
    policy: &'a Policy,
    facts: &'a Facts,
    /// What a deleted database was, where this write brings it back.
    restored: Option<View<'a>>,
}

impl<'a> Context<'a> {
    fn new_view(self) -> Option<View<'a>> {
        self.write.new_view()
    }

    fn old_view(self) -> Option<View<'a>> {
        self.write.old_view()
    }

    /// What the new object may be no worse than: the stored one, or for a restore the one that was
    /// deleted. The limits of today do not keep a database from coming back.
    fn before(self) -> Option<View<'a>> {
        self.old_view().or(self.restored)
    }

    fn namespace(self) -> &'a str {
        &self.write.namespace
    }
}

type Verdict = Result<Vec<Violation>, Unanswered>;
type RuleFamily = fn(Context<'_>) -> Verdict;

/// What a family judges: the rows of [`FAMILIES`].
struct Family {
    resources: &'static [Resource],
    operations: &'static [Operation],
    judge: RuleFamily,
}

use Operation::{Create, Delete, Update};
use Resource::{
    Cluster, ClusterScale, ConfigMap, PersistentVolumeClaim, Pooler, PoolerScale, Secret,
};

const DEPENDENTS: &[Resource] = &Resource::DEPENDENTS;
const DATABASE: &[Resource] = &[Cluster, Pooler];
const LEFT: &[Resource] = &[PersistentVolumeClaim, Secret];

const fn family(
    resources: &'static [Resource],
    operations: &'static [Operation],
    judge: RuleFamily,
) -> Family {
    Family {
        resources,
        operations,
        judge,
    }
}

/// Which rules judge what. A new rule is a row here and a file beside this one.
const FAMILIES: &[Family] = &[
    family(&[Cluster], &[Create, Update], naming::of_cluster),
    family(&[Cluster], &[Create, Update], record::of_cluster),
    family(&[Cluster], &[Create, Update], limits::of_cluster),
    family(&[Cluster], &[Update], immutable::of_cluster),
    family(&[Cluster], &[Create, Update], record::stamps),
    family(&[Cluster], &[Create, Update, Delete], ownership::of_cluster),
    family(DATABASE, &[Create, Update], administrator::metadata),
    family(&[Cluster], &[Create, Update], inherited::of_cluster),
    family(&[Cluster], &[Create, Update], spec_fields::of_cluster),
    family(&[Cluster], &[Create, Update], owner_references::of_cluster),
    family(&[Cluster], &[Update], pending_delete::of_cluster),
    family(&[Cluster], &[Create], name_gate::of_cluster),
    family(&[Cluster], &[Delete], delete_gate::of_cluster),
    family(&[ClusterScale], &[Update], scale::of_cluster),
    family(&[Pooler], &[Create, Update], naming::of_pooler),
    family(&[Pooler], &[Create, Update], dependents::of_pooler),
    family(&[Pooler], &[Create, Update], limits::of_pooler),
    family(&[Pooler], &[Update], immutable::of_pooler),
    family(&[Pooler], &[Create, Update, Delete], ownership::of_pooler),
    family(&[Pooler], &[Create, Update], owner_references::of_pooler),
    family(&[Pooler], &[Create, Update], spec_fields::of_pooler),
    family(&[PoolerScale], &[Update], scale::of_pooler),
    family(
        DEPENDENTS,
        &[Create, Update, Delete],
        dependent_objects::of_object,
    ),
    family(DEPENDENTS, &[Create, Update], spec_fields::of_dependent),
    family(LEFT, &[Create, Update, Delete], retained::of_object),
    family(
        &[ConfigMap],
        &[Create, Update, Delete],
        tombstone::of_config_map,
    ),
];

/// Every rule that the write breaks; none means that it is allowed.
///
/// # Errors
/// Questions that have to be answered first: all that any rule has, so that they can be asked at
/// once.
pub fn judge(write: &Write, policy: &Policy, facts: &Facts) -> Verdict {
    Judging::new(write, policy).go_on(facts)
}

/// The judgement of one write, from question to question: a family that had none is done.
#[derive(Debug)]
pub struct Judging<'a> {
    write: &'a Write,
    policy: &'a Policy,
    done: Done,
}

impl<'a> Judging<'a> {
    /// Before the first family.
    #[must_use]
    pub fn new(write: &'a Write, policy: &'a Policy) -> Self {
        let done = Done::new();
        Self {
            write,
            policy,
            done,
        }
    }

    /// As [`judge`], with all that has been learnt since.
    ///
    /// # Errors
    /// The questions of the families that are not done.
    pub fn go_on(&mut self, facts: &Facts) -> Verdict {
        let (write, policy) = (self.write, self.policy);
        if !write.is_governed() {
            return ungoverned(write, policy, facts);
        }
        let (restored, open) = match restored::object(write, facts) {
            Ok(restored) => (restored, Unanswered::default()),
            Err(open) => (None, open),
        };
        let context = Context {
            write,
            policy,
            facts,
            restored: restored.as_ref().map(View),
        };
        let is_ending = write.operation == Operation::Update
            && write.old_view().is_some_and(View::is_being_deleted);
        if is_ending {
            let families = deleting::families(write.resource);
            return collect(families, context, open, &mut self.done);
        }
        let applicable = FAMILIES
            .iter()
            .filter(|family| family.resources.contains(&write.resource))
            .filter(|family| family.operations.contains(&write.operation))
            .map(|family| family.judge);
        collect(applicable, context, open, &mut self.done)
    }
}

/// What families have found that have no more questions, by their place among those that apply.
type Done = BTreeMap<usize, Vec<Violation>>;

/// What is not ours is left alone, as long as it leaves ours alone.
fn ungoverned(write: &Write, policy: &Policy, facts: &Facts) -> Verdict {
    let context = Context {
        write,
        policy,
        facts,
        restored: None,
    };
    if write.operation == Operation::Delete || !DATABASE.contains(&write.resource) {
        return Ok(Vec::new());
    }
    neighbours::of_ungoverned(context)
}

/// What is wrong with the new Cluster of `write` by its values alone, whoever writes it: no question
/// is asked. For whoever was refused for another reason and wants to know all.
#[must_use]
pub fn judge_values(write: &Write, policy: &Policy) -> Vec<Violation> {
    let context = Context {
        write,
        policy,
        facts: &Facts::default(),
        restored: None,
    };
    let families: [RuleFamily; 3] = [naming::of_cluster, record::of_cluster, limits::of_cluster];
    let mut done = Done::new();
    collect(families, context, Unanswered::default(), &mut done).unwrap_or_default()
}

fn collect(
    families: impl IntoIterator<Item = RuleFamily>,
    context: Context<'_>,
    mut unanswered: Unanswered,
    done: &mut Done,
) -> Verdict {
    // What a family says before it is known what is restored is not its last word.
    let is_final = unanswered.0.is_empty();
    for (place, judge) in families.into_iter().enumerate() {
        if done.contains_key(&place) {
            continue;
        }
        match judge(context) {
            Ok(found) if is_final => {
                done.insert(place, found);
            }
            Ok(_) => {}
            Err(Unanswered(questions)) => unanswered.0.extend(questions),
        }
    }
    if !unanswered.0.is_empty() {
        return Err(unanswered);
    }
    let mut violations: Vec<Violation> = std::mem::take(done).into_values().flatten().collect();
    let mut seen = BTreeSet::new();
    violations
        .retain(|violation| seen.insert((violation.field.clone(), violation.message.clone())));
    Ok(violations)
}

/// Judges the new object by its values alone, and forgives what the old one broke in the very same
/// way: an object from before a rule may be changed as long as it gets no worse. One that was not
/// ours has kept no rule at all: nothing of it is forgiven when it becomes ours.
fn no_worse(context: Context<'_>, judge: impl Fn(View<'_>) -> Vec<Violation>) -> Vec<Violation> {
    let Some(new) = context.new_view() else {
        return Vec::new();
    };
    let mut violations = judge(new);
    let old = context.before().filter(|old| is_governed(*old));
    if let Some(old) = old.filter(|_| !violations.is_empty()) {
        let before = judge(old);
        violations.retain(|violation| !before.contains(violation));
    }
    violations
}
