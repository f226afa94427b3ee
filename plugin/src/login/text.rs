//! A login as text, in every format that a client reads by itself.

use serde_json::{Value, json};

use super::quote::{in_conninfo, in_dotenv, in_pgpass, in_shell};
use super::{Login, Shape};
use crate::database::API_VERSION;
use crate::failure::Failure;
use crate::output::{Table, json as to_json, lines, yaml};

impl Login {
    /// The login in that format.
    ///
    /// # Errors
    /// The format cannot say it.
    pub(crate) fn text(&self, shape: Shape) -> Result<String, Failure> {
        let instead = |failure: Failure| {
            failure.hint(format!(
                "use another format, or change the password: kubectl daap credentials rotate {} -n {}",
                self.name, self.namespace
            ))
        };
        Ok(match shape {
            Shape::Uri => format!("{}\n", self.uri()),
            Shape::Env => lines(
                self.variables()
                    .into_iter()
                    .map(|(name, value)| format!("export {name}={}", in_shell(&value))),
            ),
            Shape::Dotenv => self.dotenv(),
            Shape::Json => to_json(&self.document())?,
            Shape::Yaml => yaml(&self.document())?,
            Shape::Psql => self.psql(),
            Shape::Pgpass => self.pgpass().map_err(instead)?,
            Shape::Service => self.service().map_err(instead)?,
            Shape::Jdbc => format!("{}\n", self.jdbc()),
            Shape::Password => format!("{}\n", self.password().unwrap_or_default()),
            Shape::Table | Shape::Ca | Shape::Manifest => self.table(),
        })
    }

    /// libpq's environment variables.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let connection = &self.connection;
        let mut variables = vec![("PGHOST", connection.host.clone())];
        if let Some(address) = self.address {
            variables.push(("PGHOSTADDR", address.to_string()));
        }
        variables.extend([
            ("PGPORT", connection.port.to_string()),
            ("PGDATABASE", connection.database.clone()),
            ("PGUSER", connection.user.clone()),
            ("PGSSLMODE", connection.ssl_mode.to_owned()),
        ]);
        if let Some(authority) = self.authority() {
            variables.push(("PGSSLROOTCERT", authority));
        }
        if let Some(password) = self.password() {
            variables.push(("PGPASSWORD", password.to_owned()));
        }
        variables
    }

    /// libpq's variables, and `DATABASE_URL` for who is not libpq.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = self.variables();
        variables.push(("DATABASE_URL", self.portable().uri()));
        variables
    }

    fn dotenv(&self) -> String {
        lines(
            self.environment()
                .into_iter()
                .map(|(name, value)| format!("{name}={}", in_dotenv(&value))),
        )
    }

    /// Keywords of a connection string; without the password, which belongs into no argument.
    fn keywords(&self) -> Vec<(&'static str, String)> {
        let connection = &self.connection;
        let mut keywords = vec![("host", connection.host.clone())];
        if let Some(address) = self.address {
            keywords.push(("hostaddr", address.to_string()));
        }
        keywords.extend([
            ("port", connection.port.to_string()),
            ("dbname", connection.database.clone()),
            ("user", connection.user.clone()),
            ("sslmode", connection.ssl_mode.to_owned()),
        ]);
        if let Some(authority) = self.authority() {
            keywords.push(("sslrootcert", authority));
        }
        keywords
    }

    fn psql(&self) -> String {
        let keywords: Vec<String> = self
            .keywords()
            .into_iter()
            .map(|(key, value)| format!("{key}={}", in_conninfo(&value)))
            .collect();
        let password = self.password().map_or_else(String::new, |password| {
            format!("PGPASSWORD={} ", in_shell(password))
        });
        format!("{password}psql {}\n", in_shell(&keywords.join(" ")))
    }

    fn pgpass(&self) -> Result<String, Failure> {
        let connection = &self.connection;
        let password = self.password().unwrap_or_default();
        let port = connection.port.to_string();
        let fields = [
            connection.host.as_str(),
            &port,
            &connection.database,
            &connection.user,
            password,
        ];
        on_one_line(&fields, Shape::Pgpass)?;
        Ok(format!("{}\n", fields.map(in_pgpass).join(":")))
    }

    /// libpq takes what stands behind the first `=` as it is, but for white space around it.
    fn service(&self) -> Result<String, Failure> {
        let mut keywords = self.keywords();
        if let Some(password) = self.password() {
            keywords.push(("password", password.to_owned()));
        }
        for (_, value) in &keywords {
            on_one_line(&[value], Shape::Service)?;
            if value.trim() != value {
                return Err(cannot_say(Shape::Service, "white space at an end"));
            }
        }
        let mut text = format!("[{}]\n", self.name);
        text.push_str(&lines(
            keywords
                .into_iter()
                .map(|(key, value)| format!("{key}={value}")),
        ));
        Ok(text)
    }

    /// The shape in which it is printed as JSON and YAML.
    pub(crate) fn document(&self) -> Value {
        let connection = &self.connection;
        let mut document = json!({
            "apiVersion": API_VERSION,
            "kind": "Credentials",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "host": connection.host,
            "port": connection.port,
            "database": connection.database,
            "user": connection.user,
            "sslMode": connection.ssl_mode,
            "uri": self.uri(),
            "jdbcUrl": self.jdbc(),
        });
        let more = [
            ("hostAddress", self.address.map(|ip| ip.to_string())),
            ("sslRootCert", self.authority()),
            ("password", self.password().map(str::to_owned)),
        ];
        if let Some(map) = document.as_object_mut() {
            for (key, value) in more {
                if let Some(value) = value {
                    map.insert(key.into(), value.into());
                }
            }
        }
        document
    }

    fn table(&self) -> String {
        let mut table = Table::new(vec!["KEY", "VALUE"]);
        let connection = &self.connection;
        let hidden = "<hidden; use --show-password>";
        for (key, value) in [
            ("host", connection.host.clone()),
            ("port", connection.port.to_string()),
            ("database", connection.database.clone()),
            ("user", connection.user.clone()),
            ("password", self.password().unwrap_or(hidden).to_owned()),
            ("sslmode", connection.ssl_mode.to_owned()),
            ("sslrootcert", self.authority().unwrap_or_default()),
            ("uri", self.uri()),
        ] {
            table.row(vec![key.to_owned(), value]);
        }
        table.render(true)
    }
}

fn on_one_line(values: &[&str], shape: Shape) -> Result<(), Failure> {
    if values
        .iter()
        .any(|value| value.contains(['\n', '\r', '\0']))
    {
        return Err(cannot_say(shape, "a line break"));
    }
    Ok(())
}

fn cannot_say(shape: Shape, what: &str) -> Failure {
    Failure::new(format!(
        "-o {}: a value has {what}, which this format cannot say",
        shape.word()
    ))
}

#[cfg(test)]
mod tests;
