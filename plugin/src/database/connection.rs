//! How clients reach a database: through its pooler, with the certificate verified.

use daap_crds::contract::label;
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use serde::Serialize;

/// Port of PostgreSQL, of `PgBouncer` and of their Services.
pub(crate) const PORT: u16 = 5432;
/// Database and role that CNPG makes where `bootstrap.initdb` names none.
const APP: &str = "app";

/// Connection details, without the password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connection {
    /// DNS name of the Pooler's Service within the cluster; the certificate has it.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// Database.
    pub(crate) database: String,
    /// Role.
    pub(crate) user: String,
    /// `verify-full`: encrypted, and to nobody else.
    pub(crate) ssl_mode: &'static str,
    /// URI without a password.
    pub(crate) uri: String,
}

impl Connection {
    /// The connection of a Cluster's database through its Pooler. (CNPG's own Secret points past
    /// the pooler.)
    pub(crate) fn of(cluster: View<'_>) -> Self {
        let pooler = cluster
            .label(label::NAME)
            .and_then(|name| DatabaseName::parse(name).ok())
            .map_or_else(
                || format!("{}-pooler", cluster.name()),
                |name| name.pooler(),
            );
        let host = format!("{pooler}.{}.svc", cluster.namespace());
        let initdb = |field: &str| {
            cluster
                .text(&format!("/spec/bootstrap/initdb/{field}"))
                .filter(|text| !text.is_empty())
        };
        let database = initdb("database").unwrap_or(APP).to_owned();
        let user = initdb("owner").unwrap_or(&database).to_owned();
        Self::new(host, database, user)
    }

    /// A connection to that host.
    pub(crate) fn new(host: String, database: String, user: String) -> Self {
        let mut connection = Self {
            host,
            port: PORT,
            database,
            user,
            ssl_mode: "verify-full",
            uri: String::new(),
        };
        connection.uri = connection.uri_with(None, &[]);
        connection
    }

    /// The URI, with a password where one is given, and with further parameters.
    pub(crate) fn uri_with(&self, password: Option<&str>, parameters: &[(&str, &str)]) -> String {
        let credentials = match password {
            Some(password) => format!("{}:{}", encode(&self.user), encode(password)),
            None => encode(&self.user),
        };
        let mut uri = format!(
            "postgresql://{credentials}@{}:{}/{}?sslmode={}",
            self.host,
            self.port,
            encode(&self.database),
            self.ssl_mode
        );
        for (key, value) in parameters {
            uri.push('&');
            uri.push_str(key);
            uri.push('=');
            uri.push_str(&encode_parameter(value));
        }
        uri
    }
}

/// Percent-encodes what RFC 3986 does not leave unreserved.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The same for what stands behind a `?`, where RFC 3986 leaves `/` alone: a path stays readable.
pub(crate) fn encode_parameter(text: &str) -> String {
    encode(text).replace("%2F", "/")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn goes_through_the_pooler() {
        let cluster = json!({"metadata": {"name": "daap-orders", "namespace": "apps", "labels": {"daap.dev/name": "orders"}}});
        let connection = Connection::of(View(&cluster));
        assert_eq!(
            connection.uri,
            "postgresql://app@daap-orders-pooler.apps.svc:5432/app?sslmode=verify-full"
        );
        assert_eq!(
            connection.uri_with(Some("p@ss/wörd"), &[]),
            "postgresql://app:p%40ss%2Fw%C3%B6rd@daap-orders-pooler.apps.svc:5432/app?sslmode=verify-full"
        );
    }

    #[test]
    fn follows_the_names_of_the_cluster() {
        let cluster = json!({
            "metadata": {"name": "daap-orders", "namespace": "apps"},
            "spec": {"bootstrap": {"initdb": {"database": "shop", "owner": "seller"}}}
        });
        let connection = Connection::of(View(&cluster));
        assert_eq!(
            (connection.database.as_str(), connection.user.as_str()),
            ("shop", "seller")
        );
        assert_eq!(connection.host, "daap-orders-pooler.apps.svc");
    }
}
