//! Who may act for whom: asked of Kubernetes' own authorizer, and kept for seconds, because one
//! write asks the same in both halves.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use daap_crds::admission::{Access, Caller};
use daap_crds::contract::rbac;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

use super::{LookupError, within};

/// Long enough for both halves of one write, short enough that a right that is taken away is gone.
const KEPT_FOR: Duration = Duration::from_secs(3);
/// Bounds the memory: some hundred bytes each, some thousand where a user has many groups.
const MOST: usize = 1024;

/// Everything that an answer depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    user: String,
    uid: String,
    groups: Vec<String>,
    extra: BTreeMap<String, Vec<String>>,
    namespace: String,
    right: Right,
}

/// A verb on a virtual resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Right {
    /// Act for this team.
    Own(String),
    /// Be an administrator.
    Administer,
}

/// Asks for rights, and remembers.
#[derive(Debug, Default)]
pub(super) struct Rights(Mutex<HashMap<Key, (Instant, Access)>>);

impl Rights {
    pub(super) async fn ask(
        &self,
        client: &Client,
        caller: &Caller,
        namespace: &str,
        right: Right,
    ) -> Result<Access, LookupError> {
        let key = key(caller, namespace, right);
        if let Some(known) = self.known(&key, Instant::now()) {
            return Ok(known);
        }
        let review = access_review(&key);
        let api: Api<SubjectAccessReview> = Api::all(client.clone());
        let params = PostParams::default();
        let answered = within("subjectaccessreviews", api.create(&params, &review)).await?;
        let status = answered.status.unwrap_or_default();
        let access = Access {
            // An error of the authorizer is no permission.
            allowed: status.allowed
                && !status.denied.unwrap_or_default()
                && status.evaluation_error.is_none(),
            reason: status.reason.unwrap_or_default(),
        };
        self.learn(key, access.clone(), Instant::now());
        Ok(access)
    }

    fn known(&self, key: &Key, now: Instant) -> Option<Access> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, access) = known.get(key)?;
        is_fresh(*since, now).then(|| access.clone())
    }

    fn learn(&self, key: Key, access: Access, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (since, _)| is_fresh(*since, now));
        }
        if known.len() < MOST || known.contains_key(&key) {
            known.insert(key, (now, access));
        }
    }
}

fn is_fresh(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) < KEPT_FOR
}

fn key(caller: &Caller, namespace: &str, right: Right) -> Key {
    let Caller {
        user,
        uid,
        groups,
        extra,
    } = caller.clone();
    Key {
        user,
        uid,
        groups,
        extra,
        namespace: namespace.to_owned(),
        right,
    }
}

fn access_review(key: &Key) -> SubjectAccessReview {
    let Key {
        user,
        uid,
        groups,
        extra,
        namespace,
        right,
    } = key.clone();
    let (verb, resource, name) = match right {
        Right::Own(team) => (rbac::OWN, rbac::TEAMS, Some(team)),
        Right::Administer => (rbac::ADMINISTER, rbac::POLICIES, None),
    };
    SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(user),
            uid: (!uid.is_empty()).then_some(uid),
            groups: Some(groups),
            extra: Some(extra),
            resource_attributes: Some(ResourceAttributes {
                group: Some(rbac::GROUP.into()),
                version: Some("v1".into()),
                resource: Some(resource.into()),
                name,
                namespace: Some(namespace),
                verb: Some(verb.into()),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(user: &str, right: Right) -> Key {
        let caller = Caller {
            user: user.into(),
            ..Caller::default()
        };
        key(&caller, "apps", right)
    }

    fn access() -> Access {
        Access {
            allowed: true,
            reason: String::new(),
        }
    }

    #[test]
    fn an_answer_is_kept_for_seconds_only_and_for_its_question_alone() {
        let (rights, now) = (Rights::default(), Instant::now());
        let key = of("ann", Right::Own("payments".into()));
        rights.learn(key.clone(), access(), now);
        assert_eq!(rights.known(&key, now), Some(access()));
        let others = [
            of("ben", Right::Own("payments".into())),
            of("ann", Right::Own("billing".into())),
            of("ann", Right::Administer),
        ];
        for other in others {
            assert_eq!(rights.known(&other, now), None);
        }
        assert_eq!(rights.known(&key, now + KEPT_FOR), None);
    }

    #[test]
    fn holds_no_more_than_it_may() {
        let (rights, now) = (Rights::default(), Instant::now());
        let nth = |n: usize| of(&n.to_string(), Right::Administer);
        for n in 0..MOST + 10 {
            rights.learn(nth(n), access(), now);
        }
        assert_eq!(rights.0.lock().unwrap().len(), MOST);
        // What was kept too long makes room.
        rights.learn(nth(MOST), access(), now + KEPT_FOR);
        assert_eq!(rights.0.lock().unwrap().len(), 1);
        assert_eq!(rights.known(&nth(MOST), now + KEPT_FOR), Some(access()));
    }
}
