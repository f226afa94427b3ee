//! What RBAC answers: who may not do what, and where.

use std::fmt;

/// The user that RBAC's message names.
pub(super) fn user(message: &str) -> &str {
    message
        .split_once("User \"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("the user of this context", |(user, _)| user)
}

/// Where somebody may not do something.
#[derive(Debug)]
pub(crate) enum Place {
    /// One namespace.
    Namespace(String),
    /// All of them at once.
    AllNamespaces,
    /// The kind lies in none.
    Cluster,
}

impl Place {
    pub(super) fn of(message: &str, namespace: &str) -> Self {
        // As RBAC says it of a kind without namespaces, and of all namespaces.
        let whole_cluster = message.contains(" at the cluster scope");
        match namespace {
            "" => Self::AllNamespaces,
            _ if whole_cluster => Self::Cluster,
            namespace => Self::Namespace(namespace.to_owned()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(namespace) => write!(formatter, " in namespace {namespace}"),
            Self::AllNamespaces => formatter.write_str(" in all namespaces"),
            Self::Cluster => Ok(()),
        }
    }
}

/// Whom somebody wanted to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Impersonation {
    /// Plural, as in `users`.
    resource: String,
    name: String,
    /// Of a service account.
    namespace: Option<String>,
}

impl Impersonation {
    /// What the API server says before it looks at the request itself; none where it says something
    /// else. `as_user` is whom the request wanted to be.
    pub(super) fn refused(message: &str, as_user: Option<&str>) -> Option<Self> {
        // As in `users "ada" is forbidden: User "bob" cannot impersonate resource "users" in API
        // group "" at the cluster scope`. From 1.36 on it is what would have been asked that is
        // named, and not whom: `clusters is forbidden: User "bob" cannot
        // impersonate-on:user-info:list resource "clusters"`.
        let (whom, rest) = message.split_once("forbidden: User ")?;
        let (_, rest) = rest.split_once(" cannot impersonate")?;
        if rest.starts_with("-on:") {
            return Some(Self::of_user(as_user.unwrap_or("somebody else")));
        }
        let (_, rest) = rest.split_once(" resource \"")?;
        let (resource, rest) = rest.split_once('"')?;
        let (_, name) = whom.split_once('"')?;
        let (name, _) = name.split_once('"')?;
        let namespace = rest.split_once("in the namespace \"");
        Some(Self {
            resource: resource.to_owned(),
            name: name.to_owned(),
            namespace: namespace
                .and_then(|(_, rest)| rest.split_once('"'))
                .map(|(namespace, _)| namespace.to_owned()),
        })
    }

    /// A user name, which may be that of a service account.
    fn of_user(user: &str) -> Self {
        let account = user.strip_prefix("system:serviceaccount:");
        match account.and_then(|account| account.split_once(':')) {
            Some((namespace, name)) => Self {
                resource: "serviceaccounts".to_owned(),
                name: name.to_owned(),
                namespace: Some(namespace.to_owned()),
            },
            None => Self {
                resource: "users".to_owned(),
                name: user.to_owned(),
                namespace: None,
            },
        }
    }

    /// The flag that asks for it.
    pub(super) fn flag(&self) -> &'static str {
        match self.resource.as_str() {
            "groups" => "--as-group",
            "uids" => "--as-uid",
            _ => "--as",
        }
    }

    /// As a role names it.
    pub(super) fn object(&self) -> String {
        let Self { resource, name, .. } = self;
        match &self.namespace {
            Some(namespace) => format!("{resource} '{name}' in namespace {namespace}"),
            None => format!("{resource} '{name}'"),
        }
    }
}

impl fmt::Display for Impersonation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.resource.as_str() {
            "users" => "user",
            "groups" => "group",
            "uids" => "uid",
            "serviceaccounts" => "service account",
            other => other,
        };
        write!(formatter, "{kind} '{}'", self.name)?;
        match &self.namespace {
            Some(namespace) => write!(formatter, " of namespace {namespace}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"users "ada" is forbidden: User "bob" cannot impersonate resource "users" in API group "" at the cluster scope"#, "user 'ada'", "--as")]
    #[case(r#"groups "a b" is forbidden: User "bob" cannot impersonate resource "groups" in API group "" at the cluster scope"#, "group 'a b'", "--as-group")]
    #[case(r#"uids.authentication.k8s.io "1" is forbidden: User "bob" cannot impersonate resource "uids" in API group "authentication.k8s.io" at the cluster scope"#, "uid '1'", "--as-uid")]
    #[case(r#"serviceaccounts "robot" is forbidden: User "bob" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "apps""#, "service account 'robot' of namespace apps", "--as")]
    #[case(r#"clusters.postgresql.cnpg.io is forbidden: User "bob" cannot impersonate-on:user-info:list resource "clusters" in API group "postgresql.cnpg.io" in the namespace "apps""#, "user 'grace'", "--as")]
    #[case(
        r#"forbidden: User "bob" cannot impersonate-on:user-info:get path "/api""#,
        "user 'grace'",
        "--as"
    )]
    fn whom_is_told(#[case] message: &str, #[case] whom: &str, #[case] flag: &str) {
        let refused = Impersonation::refused(message, Some("grace")).unwrap();
        assert_eq!((refused.to_string().as_str(), refused.flag()), (whom, flag));
    }

    #[test]
    fn a_service_account_is_told_as_one() {
        let message =
            r#"x is forbidden: User "bob" cannot impersonate-on:serviceaccount:list resource "x""#;
        let user = "system:serviceaccount:apps:robot";
        let refused = Impersonation::refused(message, Some(user)).unwrap();
        assert_eq!(
            refused.to_string(),
            "service account 'robot' of namespace apps"
        );
    }

    #[test]
    fn other_refusals_are_no_impersonation() {
        let message = r#"clusters is forbidden: User "bob" cannot list resource "clusters""#;
        assert_eq!(Impersonation::refused(message, None), None);
    }
}
