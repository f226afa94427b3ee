//! Reading the arguments of `create`.

use daap_crds::names::{DatabaseId, DatabaseName, Team};
use daap_crds::policy::PoolMode;
use daap_crds::purpose::Purpose;
use daap_crds::size::Size;

use super::CreateArgs;
use crate::commands::input::{Input, count, given, reason, text};
use crate::database::Name;
use crate::operation::Asked;

/// What was read of the arguments; absent where it is wrong.
pub(super) struct Fields {
    name: Option<DatabaseName>,
    team: Option<Team>,
    purpose: Option<Purpose>,
    id: Option<DatabaseId>,
    instances: Option<u32>,
    storage: Option<Size>,
    storage_class: Option<String>,
    image: Option<String>,
    pool_mode: Option<PoolMode>,
    pool_instances: Option<u32>,
    change_reason: Option<String>,
}

impl Fields {
    pub(super) fn read(args: &CreateArgs, input: &mut Input) -> Self {
        Self {
            name: input.optional("name", Some(&args.name), |name| {
                DatabaseName::parse(Name::text(name.as_ref()).unwrap_or(name))
            }),
            team: input.required(
                "--owner-team",
                given(args.owner_team.as_ref()),
                "it is missing; name the team that owns the database",
                Team::parse,
            ),
            purpose: input.required(
                "--purpose",
                given(args.purpose.as_ref()),
                "it is missing; say in a few words what the database is for",
                Purpose::parse,
            ),
            instances: input.optional("--instances", given(args.instances.as_ref()), count),
            storage: input.optional("--storage", given(args.storage.as_ref()), Size::parse),
            storage_class: input.optional(
                "--storage-class",
                given(args.storage_class.as_ref()),
                text,
            ),
            image: input.optional("--image", given(args.image.as_ref()), text),
            pool_mode: input.optional("--pool-mode", given(args.pool_mode.as_ref()), str::parse),
            pool_instances: input.optional(
                "--pool-instances",
                given(args.pool_instances.as_ref()),
                count,
            ),
            change_reason: input.optional(
                "--change-reason",
                given(args.change_reason.as_ref()),
                reason,
            ),
            id: input.optional("--id", given(args.id.as_ref()), DatabaseId::parse),
        }
    }

    /// With something harmless in the place of what is wrong: to be judged, never to be stored.
    pub(super) fn with_placeholders(self) -> Option<Asked> {
        Some(Asked {
            name: self
                .name
                .or_else(|| DatabaseName::parse("placeholder").ok())?,
            team: self.team.or_else(|| Team::parse("placeholder").ok())?,
            purpose: self
                .purpose
                .or_else(|| Purpose::parse("placeholder").ok())?,
            id: self.id,
            instances: self.instances,
            storage: self.storage,
            storage_class: self.storage_class,
            image: self.image,
            pool_mode: self.pool_mode,
            pool_instances: self.pool_instances,
            change_reason: self.change_reason,
        })
    }
}
