//! What the fake without processes need not make again: it makes hundreds of databases, and looking
//! after their Services and roles at every turn would be most of its work.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

/// What has been made already.
#[derive(Debug)]
pub(super) struct Prepared {
    known: Option<Mutex<HashSet<String>>>,
}

impl Prepared {
    /// Remembers only where it is to.
    pub(super) fn new(remembers: bool) -> Self {
        Self {
            known: remembers.then(Mutex::default),
        }
    }

    pub(super) fn contains(&self, what: &str) -> bool {
        let known = self.known.as_ref();
        known.is_some_and(|known| {
            let known = known.lock().unwrap_or_else(PoisonError::into_inner);
            known.contains(what)
        })
    }

    pub(super) fn remember(&self, what: String) {
        if let Some(known) = &self.known {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(what);
        }
    }
}
