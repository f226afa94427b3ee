//! What a list of databases is asked for.

use crate::kubernetes::{Ask, Kind};

/// Which databases to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    /// Namespace; all where none is given.
    pub(crate) namespace: Option<String>,
    /// Label selector of the Clusters.
    pub(crate) selector: String,
    /// Objects to ask for at once, one page after the other; 0 for all. As is fastest where none is given.
    pub(crate) chunk: Option<u32>,
    /// At most so many that `keep` keeps; 0 for all.
    pub(crate) limit: usize,
    /// Where to go on.
    pub(crate) from: Option<String>,
    /// Whether changes are followed from there on: then the version of every part is read, too.
    pub(crate) watched: bool,
}

impl Listing {
    /// Whether all are wanted, however they are asked for.
    pub(super) fn is_whole(&self) -> bool {
        self.chunk.is_none() && self.limit == 0 && self.from.is_none()
    }

    /// What asks for every object of this kind where this selector selects it.
    pub(super) fn all<'a>(&'a self, kind: Kind, selector: &'a str) -> Ask<'a> {
        Ask {
            kind,
            namespace: self.namespace.as_deref(),
            selector,
            size: 0,
            from: None,
        }
    }
}
