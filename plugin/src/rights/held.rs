//! Which of the rights of commands the caller holds.

use std::collections::HashSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::CommandRights;
use crate::failure::Failure;
use crate::kubernetes::{Kubernetes, Right};

/// Questions at once: an API server counts them against everybody's.
const AT_ONCE: usize = 8;

/// What the authorizer says of rights.
pub(crate) struct Held(HashSet<Right>);

impl Held {
    /// Asks for the rights of these commands, each once.
    pub(crate) async fn of(
        k8s: &Kubernetes,
        commands: impl IntoIterator<Item = &'static CommandRights>,
    ) -> Result<Self, Failure> {
        let mut asked: Vec<Right> = Vec::new();
        for row in commands {
            let optional = row.optional.iter().map(|optional| optional.right);
            for right in row.required.iter().copied().chain(optional) {
                if !asked.contains(&right) {
                    asked.push(right);
                }
            }
        }
        let answers = asked
            .into_iter()
            .map(|right| async move { Ok::<_, Failure>((right, k8s.may(right).await?)) });
        let answers: Vec<(Right, bool)> = stream::iter(answers)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let held = answers.into_iter().filter(|(_, allowed)| *allowed);
        Ok(Self(held.map(|(right, _)| right).collect()))
    }

    /// Whether the caller holds a right; what was not asked for it does not.
    pub(crate) fn holds(&self, right: Right) -> bool {
        self.0.contains(&right)
    }

    /// What the command cannot do without.
    pub(crate) fn missing(&self, row: &CommandRights) -> Vec<Right> {
        let required = row.required.iter().copied();
        required.filter(|right| !self.holds(*right)).collect()
    }

    /// What the command does less without it.
    pub(crate) fn less(&self, row: &CommandRights) -> Vec<&'static super::Optional> {
        let optional = row.optional.iter();
        optional.filter(|one| !self.holds(one.right)).collect()
    }
}
