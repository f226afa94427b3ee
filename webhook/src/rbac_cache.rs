//! Answers of the authorizer, kept for seconds: one write asks the same in both halves.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use daap_crds::admission::{Access, Caller};

/// Long enough for both halves of one write, short enough that a right that is taken away is gone.
const KEPT_FOR: Duration = Duration::from_secs(3);
/// Bounds the memory: some hundred bytes each.
const MOST: usize = 4096;

/// Everything that an answer depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) user: String,
    pub(crate) uid: String,
    pub(crate) groups: Vec<String>,
    pub(crate) extra: BTreeMap<String, Vec<String>>,
    pub(crate) namespace: String,
    pub(crate) resource: &'static str,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(
        caller: &Caller,
        namespace: &str,
        resource: &'static str,
        name: &str,
    ) -> Self {
        let Caller {
            user,
            uid,
            groups,
            extra,
        } = caller.clone();
        Self {
            user,
            uid,
            groups,
            extra,
            namespace: namespace.to_owned(),
            resource,
            name: name.to_owned(),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct RbacCache(Mutex<HashMap<Key, (Instant, Access)>>);

impl RbacCache {
    pub(crate) fn get(&self, key: &Key) -> Option<Access> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, access) = known.get(key)?;
        (since.elapsed() < KEPT_FOR).then(|| access.clone())
    }

    pub(crate) fn put(&self, key: Key, access: Access) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (since, _)| since.elapsed() < KEPT_FOR);
        }
        if known.len() < MOST {
            known.insert(key, (Instant::now(), access));
        }
    }
}
