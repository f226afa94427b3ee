//! What is needed to open a connection: only to a database that is ready.

use base64::Engine as _;
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use daap_crds::state::State;
use secrecy::SecretString;
use serde_json::Value;

use super::{Connection, find};
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes};
use crate::login::Login;

/// Access to one database.
pub(crate) struct Access {
    k8s: Kubernetes,
    name: DatabaseName,
    connection: Connection,
}

impl Access {
    /// Access to the database of that name.
    pub(crate) async fn of(k8s: &Kubernetes, name: &DatabaseName) -> Result<Self, Failure> {
        let database = find(k8s, name)
            .await?
            .ok_or_else(|| crate::commands::not_found(name, k8s))?;
        let status = database.status();
        if status.state != State::Ready {
            let reason = status
                .reason
                .map_or_else(String::new, |reason| format!(": {reason}"));
            return Err(Failure::new(format!(
                "database/{name} is not ready but {}{reason}",
                status.state
            ))
            .hint(format!(
                "see what it waits for, and what to do: kubectl daap explain {name} -n {}",
                k8s.namespace()
            )));
        }
        Ok(Self {
            k8s: k8s.clone(),
            name: name.clone(),
            connection: Connection::of(database.view()),
        })
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_str()
    }

    pub(crate) fn namespace(&self) -> &str {
        self.k8s.namespace()
    }

    /// Address of the API server.
    pub(crate) fn server(&self) -> &str {
        self.k8s.server()
    }

    /// How to log in, with the password where it is to be shown.
    pub(crate) async fn login(&self, show_password: bool) -> Result<Login, Failure> {
        let (connection, password) = if show_password {
            let (connection, password) = self.credentials().await?;
            (connection, Some(password))
        } else {
            (self.connection.clone(), None)
        };
        Ok(Login {
            name: self.name().to_owned(),
            namespace: self.namespace().to_owned(),
            connection,
            address: None,
            authority: None,
            password,
        })
    }

    /// Without the password, and without reading any Secret.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// With user, database and password as the app Secret has them.
    pub(crate) async fn credentials(&self) -> Result<(Connection, SecretString), Failure> {
        let name = self.name.app_secret();
        let secret = self.app_secret().await?;
        let read = |key: &str| decode(&secret, &name, key);
        let connection = Connection::new(
            self.connection.host.clone(),
            read("dbname")?,
            read("username")?,
        );
        Ok((connection, SecretString::from(read("password")?)))
    }

    /// The app Secret itself.
    pub(crate) async fn app_secret(&self) -> Result<Value, Failure> {
        self.secret(&self.name.app_secret()).await
    }

    /// The authority that the pooler's certificate is verified with. Its key, in the same Secret,
    /// goes nowhere.
    pub(crate) async fn certificate_authority(&self) -> Result<String, Failure> {
        let name = self.name.ca_secret();
        decode(&self.secret(&name).await?, &name, "ca.crt")
    }

    async fn secret(&self, name: &str) -> Result<Value, Failure> {
        self.k8s.get(Kind::Secret, name).await?.ok_or_else(|| {
            Failure::new(format!(
                "Secret {name} does not exist in namespace {}",
                self.namespace()
            ))
            .hint("the operator makes it; see whether it runs")
        })
    }
}

/// A key of a Secret as text.
///
/// # Errors
/// It is not there, or no text.
pub(crate) fn decode(secret: &Value, name: &str, key: &str) -> Result<String, Failure> {
    let data = secret.get("data").unwrap_or(&Value::Null);
    View(data)
        .at(&format!("/{key}"))
        .and_then(Value::as_str)
        .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Failure::new(format!("Secret {name} has no readable {key}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_keys_and_names_what_is_missing() {
        let secret = json!({"data": {"ca.crt": "YWJj", "bad": "%%"}});
        assert_eq!(decode(&secret, "s", "ca.crt").unwrap(), "abc");
        assert_eq!(
            decode(&secret, "s", "bad").unwrap_err().to_string(),
            "Secret s has no readable bad"
        );
        assert!(decode(&json!({}), "s", "x").is_err());
    }
}
