//! What each command needs of RBAC: one table for `can-i`, `doctor` and docs/rights.md. The suite
//! `rights` holds it to what the commands really send, and tries each with exactly these.

mod held;
mod missing;
mod pieces;
mod table;
mod typed;

pub(crate) use held::Held;
pub(crate) use missing::with_missing;
pub(crate) use typed::Typed;

use crate::kubernetes::{Right, Scope};

/// A right without which a command does less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Optional {
    pub(crate) right: Right,
    /// What becomes of the command without it.
    pub(crate) otherwise: &'static str,
}

/// The rights of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommandRights {
    /// As it is typed behind `kubectl daap`, with the flag that makes a difference.
    pub(crate) command: &'static str,
    /// Whether admission asks who owns the team of the database.
    pub(crate) owner: bool,
    /// Without one of these it fails.
    pub(crate) required: &'static [Right],
    /// Without one of these it does less.
    pub(crate) optional: &'static [Optional],
}

impl CommandRights {
    /// Every command, in the order of the help.
    pub(crate) const ALL: &'static [Self] = table::COMMANDS;

    /// The rights of a command, in its plain form.
    pub(crate) fn of(command: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|row| row.command == command)
    }
}

/// A right as a role names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededRight {
    /// As in `patch`.
    pub verb: &'static str,
    /// API group; empty for the core.
    pub group: &'static str,
    /// Plural, with the subresource: `pods/portforward`.
    pub resource: String,
    /// The one object that is meant, where there is only one.
    pub name: Option<&'static str>,
    /// Where.
    pub place: NeededIn,
    /// What the command does without it; none where it fails.
    pub otherwise: Option<&'static str>,
}

/// Where a right is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeededIn {
    /// In the namespace of the database.
    Namespace,
    /// In the whole cluster.
    Cluster,
    /// In the namespace of the platform team, `daap-system`.
    System,
}

/// What a command needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// As it is typed behind `kubectl daap`.
    pub command: &'static str,
    /// Whether admission asks who owns the team of the database.
    pub owner: bool,
    /// The rights.
    pub rights: Vec<NeededRight>,
}

/// What every command needs, for the documentation and its tests.
#[must_use]
pub fn needs() -> Vec<Needs> {
    let shown = |right: &Right, otherwise| NeededRight {
        verb: right.verb,
        group: right.kind.group(),
        resource: match right.kind.subresource() {
            "" => right.kind.plural().to_owned(),
            subresource => format!("{}/{subresource}", right.kind.plural()),
        },
        name: Some(right.name()).filter(|name| !name.is_empty()),
        place: match right.scope {
            Scope::Here if right.kind.is_namespaced() => NeededIn::Namespace,
            Scope::System => NeededIn::System,
            Scope::Here | Scope::Everywhere => NeededIn::Cluster,
        },
        otherwise,
    };
    let of = |row: &CommandRights| {
        let required = row.required.iter().map(|right| shown(right, None));
        let optional = { row.optional.iter() }.map(|one| shown(&one.right, Some(one.otherwise)));
        Needs {
            command: row.command,
            owner: row.owner,
            rights: required.chain(optional).collect(),
        }
    };
    CommandRights::ALL.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Also of `completion install`: a command of a command is a command.
    fn commands(command: &clap::Command, before: &str, found: &mut BTreeSet<String>) {
        for sub in command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help")
        {
            let words = format!("{before} {}", sub.get_name()).trim().to_owned();
            commands(sub, &words, found);
            if !sub.is_subcommand_required_set() {
                found.insert(words);
            }
        }
    }

    #[test]
    fn every_command_has_a_row_and_every_row_a_command() {
        let mut known = BTreeSet::new();
        commands(&crate::command(), "", &mut known);
        let names: BTreeSet<&str> = { CommandRights::ALL.iter() }
            .map(|row| row.command)
            .collect();
        assert_eq!(
            names.len(),
            CommandRights::ALL.len(),
            "a row stands there twice"
        );
        let rows: BTreeSet<String> = { CommandRights::ALL.iter() }
            .map(|row| match row.command.split_once(" -") {
                Some((command, _)) => command.to_owned(),
                None => row.command.to_owned(),
            })
            .collect();
        let missing: Vec<_> = known.difference(&rows).collect();
        let unknown: Vec<_> = rows.difference(&known).collect();
        assert!(missing.is_empty(), "no row in rights/table.rs: {missing:?}");
        assert!(unknown.is_empty(), "no such command: {unknown:?}");
    }

    #[test]
    fn no_right_is_named_twice() {
        for needs in needs() {
            for (at, right) in needs.rights.iter().enumerate() {
                let again = needs.rights.iter().skip(at + 1).any(|other| {
                    (other.verb, &other.resource, other.place)
                        == (right.verb, &right.resource, right.place)
                });
                assert!(!again, "{}: {right:?}", needs.command);
            }
        }
    }
}
