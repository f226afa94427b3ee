//! What a list of databases is asked for.

use crate::kubernetes::{Ask, Kind};

/// Which databases to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    /// Namespace; all where none is given.
    pub(crate) namespace: Option<String>,
    /// Label selector of the Clusters.
    pub(crate) selector: String,
    /// Objects to ask for at once; 0 for all.
    pub(crate) chunk: u32,
    /// At most so many that `keep` keeps; 0 for all.
    pub(crate) limit: usize,
    /// Where to go on.
    pub(crate) from: Option<String>,
    /// Whether changes are followed from there on: then the version of every part is read, too.
    pub(crate) watched: bool,
}

impl Listing {
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
