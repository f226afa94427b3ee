//! What a version had that the database no longer has.

use daap_crds::contract::annotation;
use daap_crds::history::{Action, History, Tracked, Version};
use daap_crds::names::{DatabaseName, Team};
use daap_crds::object::View;
use daap_crds::purpose::Purpose;
use daap_crds::size::Size;

use crate::failure::{Complaint, Failure};
use crate::operation::Changes;

/// Where a rollback goes.
#[derive(Debug)]
pub(crate) struct Target {
    /// The fields that differ.
    pub(super) changes: Changes,
    /// Why the storage stays as it is, where the version had less.
    pub(super) storage_stays: Option<String>,
}

impl Target {
    /// What leads from `cluster` to the values of version `to` of its history.
    ///
    /// # Errors
    /// There is no such version, its values are no longer known, or are no longer possible.
    pub(super) fn of(
        cluster: View<'_>,
        name: &DatabaseName,
        to: u64,
        reason: Option<String>,
    ) -> Result<Self, Failure> {
        let history = match cluster.annotation(annotation::HISTORY).map(History::parse) {
            None => History::default(),
            Some(Ok(history)) => history,
            Some(Err(error)) => return Err(Failure::new(format!("database/{name}: {error}"))),
        };
        let versions = history.versions();
        let version = find(&versions, to).map_err(|text| {
            Failure::fields(
                format!("database/{name} not rolled back"),
                vec![Complaint::new("--to", text)],
            )
            .hint(format!(
                "see its versions: kubectl daap history {name} -n {}",
                cluster.namespace()
            ))
        })?;
        Self::between(&Tracked::of(cluster), &version.record, to, reason).map_err(|complaints| {
            Failure::fields(
                format!("database/{name} cannot go back to version {to}"),
                complaints,
            )
        })
    }

    fn between(
        is: &Tracked,
        was: &Tracked,
        to: u64,
        reason: Option<String>,
    ) -> Result<Self, Vec<Complaint>> {
        let mut complaints = Vec::new();
        let mut complain = |field: &str, error: String| {
            complaints.push(Complaint::new(
                field,
                format!("{error}; version {to} had it, but it is no longer possible"),
            ));
        };
        let team = (is.owner_team != was.owner_team)
            .then(|| Team::parse(&was.owner_team))
            .transpose()
            .map_err(|error| complain("--owner-team", error.to_string()));
        let purpose = (is.purpose != was.purpose)
            .then(|| Purpose::parse(&was.purpose))
            .transpose()
            .map_err(|error| complain("--purpose", error.to_string()));
        let instances = (is.instances != was.instances)
            .then(|| u32::try_from(was.instances))
            .transpose()
            .map_err(|error| complain("--instances", error.to_string()));
        let wanted =
            Size::parse(&was.storage).map_err(|error| complain("--storage", error.to_string()));
        let (Ok(team), Ok(purpose), Ok(instances), Ok(wanted)) = (team, purpose, instances, wanted)
        else {
            return Err(complaints);
        };
        let has = Size::parse(&is.storage).ok();
        let smaller = has.as_ref().is_some_and(|has| wanted < *has);
        let differs = has.as_ref() != Some(&wanted);
        Ok(Self {
            storage_stays: smaller.then(|| {
                format!(
                    "its storage stays {}: version {to} had {wanted}, and volumes never shrink",
                    is.storage
                )
            }),
            changes: Changes {
                team,
                purpose,
                instances,
                storage: (differs && !smaller).then_some(wanted),
                reason,
                ..Changes::default()
            },
        })
    }

    /// The record once it is done.
    pub(super) fn record(&self, is: &Tracked) -> Tracked {
        let Changes {
            team,
            purpose,
            instances,
            storage,
            // Not recorded.
            image: _,
            pool_mode: _,
            pool_instances: _,
            reason: _,
        } = &self.changes;
        Tracked {
            owner_team: team
                .as_ref()
                .map_or_else(|| is.owner_team.clone(), |team| team.as_str().to_owned()),
            purpose: purpose
                .as_ref()
                .map_or_else(|| is.purpose.clone(), |purpose| purpose.as_str().to_owned()),
            instances: instances.map_or(is.instances, i64::from),
            storage: storage
                .as_ref()
                .map_or_else(|| is.storage.clone(), |size| size.as_str().to_owned()),
        }
    }
}

fn find(versions: &[Version], to: u64) -> Result<&Version, String> {
    let (Some(first), Some(last)) = (versions.first(), versions.last()) else {
        return Err("the database has no history; there is nothing to go back to".to_owned());
    };
    let Some(at) = versions.iter().position(|version| version.version == to) else {
        let known = if first.version == last.version {
            format!("there is only version {}", last.version)
        } else {
            format!("there are versions {} to {}", first.version, last.version)
        };
        if to >= 1 && to < first.version {
            return Err(format!(
                "the values of version {to} are gone: versions 1–{} were folded into one; {known}",
                first.version
            ));
        }
        return Err(format!("there is no version {to}; {known}"));
    };
    match versions.get(at) {
        Some(version) if version.action == Action::Deleted => Err(format!(
            "version {to} is its deletion; the values that it had then are those of version {}",
            to.saturating_sub(1)
        )),
        Some(version) => Ok(version),
        None => Err(format!("there is no version {to}")),
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    fn record(instances: i64, storage: &str, purpose: &str) -> Tracked {
        Tracked {
            owner_team: "payments".into(),
            purpose: purpose.into(),
            instances,
            storage: storage.into(),
        }
    }

    fn history(count: usize, purpose: &str) -> History {
        let mut history = History::default();
        let mut at = Timestamp::UNIX_EPOCH;
        for index in 0..count {
            let record = record(1, "1Gi", &format!("{purpose}{index}"));
            history = history.with(Action::Updated, at, "ada", None, &record);
            at += SignedDuration::from_secs(1);
        }
        history
    }

    #[test]
    fn only_what_differs_is_changed() {
        let is = record(3, "1Gi", "a");
        let target = Target::between(&is, &record(1, "1024Mi", "b"), 1, None).unwrap();
        assert_eq!(target.changes.instances, Some(1));
        assert_eq!(
            target.changes.purpose.as_ref().map(Purpose::as_str),
            Some("b")
        );
        assert!(target.changes.team.is_none() && target.changes.storage.is_none());
        assert_eq!(target.record(&is), record(1, "1Gi", "b"));
    }

    #[test]
    fn storage_stays_where_it_was_less_and_the_rest_goes_back() {
        let is = record(3, "2Gi", "a");
        let target = Target::between(&is, &record(1, "1Gi", "a"), 4, None).unwrap();
        assert_eq!(
            target.storage_stays.as_deref(),
            Some("its storage stays 2Gi: version 4 had 1Gi, and volumes never shrink")
        );
        assert!(target.changes.storage.is_none());
        assert_eq!(target.record(&is), record(1, "2Gi", "a"));
    }

    #[test]
    fn values_that_are_no_longer_possible_are_all_named() {
        let failure = Target::between(&record(1, "1Gi", "a"), &record(-1, "much", ""), 1, None);
        let fields: Vec<String> = failure
            .unwrap_err()
            .into_iter()
            .map(|complaint| complaint.field)
            .collect();
        assert_eq!(fields, ["--purpose", "--instances", "--storage"]);
    }

    #[test]
    fn a_version_that_is_not_there_is_told_with_those_that_are() {
        let versions = history(3, "a").versions();
        assert_eq!(find(&versions, 2).unwrap().version, 2);
        let unknown = |to| find(&versions, to).unwrap_err();
        assert_eq!(
            unknown(9),
            "there is no version 9; there are versions 1 to 3"
        );
        assert_eq!(
            unknown(0),
            "there is no version 0; there are versions 1 to 3"
        );
        assert!(find(&[], 1).unwrap_err().contains("no history"));
        let folded = history(300, &"x".repeat(240)).versions();
        let gone = find(&folded, 1).unwrap_err();
        assert!(gone.contains("were folded into one"), "{gone}");
    }

    #[test]
    fn a_deletion_is_nothing_to_go_back_to() {
        let one = record(1, "1Gi", "a");
        let at = Timestamp::UNIX_EPOCH;
        let history = history(1, "a")
            .with(
                Action::Deleted,
                at + SignedDuration::from_secs(5),
                "ada",
                None,
                &one,
            )
            .with(
                Action::Restored,
                at + SignedDuration::from_secs(9),
                "ada",
                None,
                &one,
            );
        assert_eq!(
            find(&history.versions(), 2).unwrap_err(),
            "version 2 is its deletion; the values that it had then are those of version 1"
        );
    }
}
