//! `kubectl daap credentials`

use std::ffi::OsString;

use clap::{Args, ValueEnum};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::context::Context;
use crate::database::{Access, Connection, Name};
use crate::failure::Failure;
use crate::output::{Table, json as to_json, lines, stdout, yaml};

const EXAMPLES: &str = "\
Examples:
  kubectl daap credentials orders -n apps
  kubectl daap credentials orders -o uri --show-password
  kubectl daap credentials orders -o ca > ca.crt
  kubectl daap credentials orders -o env --show-password > .env";

/// Arguments of `credentials`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CredentialsArgs {
    /// Name of the database
    #[arg(value_name = "NAME")]
    name: OsString,
    /// Show the password as well
    #[arg(long)]
    show_password: bool,
    /// How to print
    #[arg(
        short = 'o',
        long,
        value_enum,
        value_name = "FORMAT",
        default_value = "table",
        hide_default_value = true
    )]
    output: Shape,
}

/// How credentials are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// A table
    #[value(hide = true)]
    Table,
    /// One URI, through the pooler
    Uri,
    /// libpq's environment variables
    Env,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// The certificate authority, in PEM
    Ca,
}

/// Shows how to connect.
pub(crate) async fn run(context: &Context, args: CredentialsArgs) -> Result<(), Failure> {
    let CredentialsArgs {
        name,
        show_password,
        output,
    } = args;
    let name = Name::parse(&name)?;
    let access = Access::of(context.kubernetes().await?, &name).await?;
    if output == Shape::Ca {
        return stdout(&access.certificate_authority().await?);
    }
    let (connection, password) = if show_password {
        let (connection, password) = access.credentials().await?;
        (connection, Some(password))
    } else {
        (access.connection().clone(), None)
    };
    stdout(&match output {
        Shape::Uri => format!("{}\n", connection.uri_with(exposed(password.as_ref()))),
        Shape::Env => env(&connection, password.as_ref()),
        Shape::Json => to_json(&document(&access, &connection, password.as_ref()))?,
        Shape::Yaml => yaml(&document(&access, &connection, password.as_ref()))?,
        Shape::Table | Shape::Ca => table(&connection, password.as_ref()),
    })
}

fn exposed(password: Option<&SecretString>) -> Option<&str> {
    password.map(SecretString::expose_secret)
}

fn table(connection: &Connection, password: Option<&SecretString>) -> String {
    let mut table = Table::new(vec!["KEY", "VALUE"]);
    let hidden = "<hidden; use --show-password>";
    for (key, value) in [
        ("host", connection.host.clone()),
        ("port", connection.port.to_string()),
        ("database", connection.database.clone()),
        ("user", connection.user.clone()),
        ("password", exposed(password).unwrap_or(hidden).to_owned()),
        ("sslmode", connection.ssl_mode.to_owned()),
        ("uri", connection.uri_with(exposed(password))),
    ] {
        table.row(vec![key.to_owned(), value]);
    }
    table.render(true)
}

fn env(connection: &Connection, password: Option<&SecretString>) -> String {
    let port = connection.port.to_string();
    let mut variables = vec![
        ("PGHOST", connection.host.as_str()),
        ("PGPORT", port.as_str()),
        ("PGDATABASE", connection.database.as_str()),
        ("PGUSER", connection.user.as_str()),
        ("PGSSLMODE", connection.ssl_mode),
    ];
    if let Some(password) = exposed(password) {
        variables.push(("PGPASSWORD", password));
    }
    lines(
        variables
            .into_iter()
            .map(|(name, value)| format!("{name}={}", quoted(value))),
    )
}

/// For a shell: quoted where it has to be.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._/:@".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "'\\''"))
}

fn document(access: &Access, connection: &Connection, password: Option<&SecretString>) -> Value {
    let mut document = json!({
        "apiVersion": "daap.dev/v1alpha1",
        "kind": "Credentials",
        "metadata": {"name": access.name(), "namespace": access.namespace()},
        "host": connection.host,
        "port": connection.port,
        "database": connection.database,
        "user": connection.user,
        "sslMode": connection.ssl_mode,
        "uri": connection.uri_with(exposed(password)),
    });
    if let (Some(map), Some(password)) = (document.as_object_mut(), exposed(password)) {
        map.insert("password".into(), password.into());
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        Connection::new(
            "daap-orders-pooler.apps.svc".into(),
            "app".into(),
            "app".into(),
        )
    }

    #[test]
    fn the_password_is_shown_only_when_it_is_given() {
        assert!(!env(&connection(), None).contains("PGPASSWORD"));
        let password = SecretString::from("it's secret");
        assert!(env(&connection(), Some(&password)).ends_with("PGPASSWORD='it'\\''s secret'\n"));
        insta::assert_snapshot!(table(&connection(), None), @r"
        KEY        VALUE
        host       daap-orders-pooler.apps.svc
        port       5432
        database   app
        user       app
        password   <hidden; use --show-password>
        sslmode    verify-full
        uri        postgresql://app@daap-orders-pooler.apps.svc:5432/app?sslmode=verify-full
        ");
    }
}
