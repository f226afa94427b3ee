//! Which arguments take what: told by the name that their value has in the help, so that a new command is
//! completed without a word of its own here.

use clap::Arg;

/// Where the values of an argument come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Databases that live.
    Live,
    /// Databases that are deleted.
    Deleted,
    /// Both.
    LiveOrDeleted,
    /// Ids that the typed name has had.
    Ids,
    /// Versions of the typed database.
    Versions,
    /// Owner teams.
    Teams,
    /// States of databases.
    States,
    /// Ways of pooling.
    PoolModes,
    /// Classes of storage.
    StorageClasses,
    /// Columns of the tables.
    Columns,
    /// Labels that every database has.
    Labels,
    /// Namespaces.
    Namespaces,
    /// Contexts of the kubeconfig.
    Contexts,
    /// Clusters of the kubeconfig.
    Clusters,
    /// Users of the kubeconfig.
    Users,
    /// Files: the shell knows them.
    Files,
    /// Folders, likewise.
    Folders,
}

impl Source {
    /// The source of an argument's values; none where the values are listed, or anybody's.
    pub(super) fn of(command: &str, argument: &Arg) -> Option<Self> {
        let name = argument.get_value_names()?.first()?.as_str();
        Some(match name {
            "NAME" if argument.is_positional() => match command {
                // A new name is to be thought of.
                "create" => return None,
                "restore" | "purge" => Self::Deleted,
                "history" | "tree" | "explain" | "events" => Self::LiveOrDeleted,
                _ => Self::Live,
            },
            "PATTERN" => Self::Live,
            "UUID" => Self::Ids,
            "VERSION" => Self::Versions,
            "TEAM" => Self::Teams,
            "STATE" => Self::States,
            "MODE" => Self::PoolModes,
            "CLASS" => Self::StorageClasses,
            "FIELD" => Self::Columns,
            "LABEL" => Self::Labels,
            "NAMESPACE" => Self::Namespaces,
            "CONTEXT" => Self::Contexts,
            "CLUSTER" => Self::Clusters,
            // Whom to impersonate is not in the kubeconfig.
            "USER" if argument.get_long() == Some("user") => Self::Users,
            "FILE" => Self::Files,
            "DIR" | "FOLDER" => Self::Folders,
            _ => return None,
        })
    }
}
