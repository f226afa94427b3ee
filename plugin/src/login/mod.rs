//! How a client logs in, in the words of whatever client it is.

mod attempt;
mod authority;
mod quote;
mod text;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::ValueEnum;
use secrecy::{ExposeSecret as _, SecretString};

pub(crate) use attempt::{Answer, attempt};
pub(crate) use authority::{AuthorityFlags, authority};
pub(crate) use quote::in_pgpass;

use crate::database::{Connection, encode, encode_parameter};

/// Formats that say how to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    /// A table
    #[value(hide = true)]
    Table,
    /// One URI, through the pooler
    Uri,
    /// libpq's variables, exported: for eval in a shell
    Env,
    /// libpq's variables and `DATABASE_URL`, for a .env file
    Dotenv,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// A command that runs psql
    Psql,
    /// A line of ~/.pgpass; holds the password
    Pgpass,
    /// A section of libpq's service file, which `psql service=NAME` reads
    Service,
    /// A URL for JDBC
    Jdbc,
    /// The password and nothing else
    Password,
    /// The certificate authority, in PEM
    Ca,
    /// What binds a workload to the Secret, as a Kubernetes manifest; holds no password
    Manifest,
}

impl Shape {
    /// Those that make sense of a port that is forwarded here.
    pub(crate) const LOCAL: [Self; 9] = [
        Self::Uri,
        Self::Env,
        Self::Dotenv,
        Self::Json,
        Self::Yaml,
        Self::Psql,
        Self::Pgpass,
        Self::Service,
        Self::Jdbc,
    ];

    /// Whether asking for it is asking for the password.
    pub(crate) fn is_secret(self) -> bool {
        matches!(self, Self::Pgpass | Self::Password)
    }

    /// The word that is typed.
    pub(crate) fn word(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}

/// Everything that a login needs.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    /// Logical name of the database, and its namespace.
    pub(crate) name: String,
    pub(crate) namespace: String,
    /// Where the pooler is, and as whom to log in.
    pub(crate) connection: Connection,
    /// Where the host is reached from here, if not by its name.
    pub(crate) address: Option<IpAddr>,
    /// The file with the certificate authority.
    pub(crate) authority: Option<PathBuf>,
    /// The password, where it is to be shown.
    pub(crate) password: Option<SecretString>,
}

impl Login {
    fn password(&self) -> Option<&str> {
        self.password.as_ref().map(SecretString::expose_secret)
    }

    fn authority(&self) -> Option<String> {
        self.authority
            .as_ref()
            .map(|path| path.to_string_lossy().into_owned())
    }

    /// For libpq, which verifies the host's name and connects to the address.
    pub(crate) fn uri(&self) -> String {
        let address = self.address.map(|address| address.to_string());
        let authority = self.authority();
        let mut parameters = Vec::new();
        if let Some(address) = &address {
            parameters.push(("hostaddr", address.as_str()));
        }
        if let Some(authority) = &authority {
            parameters.push(("sslrootcert", authority.as_str()));
        }
        self.connection.uri_with(self.password(), &parameters)
    }

    /// For clients that do not know `hostaddr`: the certificate is verified, and as the name that is
    /// connected to is another one than its own, not the name. Only this database's pooler and
    /// instances have certificates of its authority.
    pub(crate) fn portable(&self) -> Self {
        let Some(address) = self.address else {
            return self.clone();
        };
        let host = match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        let mut portable = self.clone();
        portable.address = None;
        portable.connection.host = host;
        portable.connection.ssl_mode = "verify-ca";
        portable
    }

    fn jdbc(&self) -> String {
        let login = self.portable();
        let connection = &login.connection;
        let authority = login.authority();
        let mut parameters = vec![("user", connection.user.as_str())];
        if let Some(password) = login.password() {
            parameters.push(("password", password));
        }
        parameters.push(("sslmode", connection.ssl_mode));
        if let Some(authority) = &authority {
            parameters.push(("sslrootcert", authority));
        }
        let parameters: Vec<String> = parameters
            .into_iter()
            .map(|(key, value)| format!("{key}={}", encode_parameter(value)))
            .collect();
        format!(
            "jdbc:postgresql://{}:{}/{}?{}",
            connection.host,
            connection.port,
            encode(&connection.database),
            parameters.join("&")
        )
    }
}
