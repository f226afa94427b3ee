//! A real login, to see whether a password is accepted: through the pooler, as applications do, with
//! the certificate verified. psql need not be installed for it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{ErrorResponseBody, Message};
use postgres_protocol::message::frontend;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::database::Connection;
use crate::failure::Failure;
use crate::forward;
use crate::kubernetes::Kubernetes;

/// A login takes a few round trips through the API server.
const PATIENCE: Duration = Duration::from_secs(15);

/// What came of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It was accepted, and a query was answered.
    Accepted,
    /// The password is not the role's.
    Refused,
}

/// Logs in through the pooler and asks for 1.
///
/// # Errors
/// No answer to the question: something else failed. It may pass.
pub(crate) async fn attempt(
    k8s: &Kubernetes,
    pooler: &str,
    connection: &Connection,
    password: &SecretString,
    authority: &str,
) -> Result<Answer, Failure> {
    let tls = verify_full(authority)?;
    let stream = forward::stream(k8s, pooler).await?;
    let failed =
        |why: String| Failure::new(format!("failed to log in to {pooler}: {why}")).transient();
    match tokio::time::timeout(PATIENCE, log_in(stream, &tls, connection, password)).await {
        Ok(answer) => answer.map_err(|error| failed(error.to_string())),
        Err(_) => Err(failed(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

/// TLS as libpq's `verify-full` has it, but for the name, which is given with each connection.
fn verify_full(authority: &str) -> Result<TlsConnector, Failure> {
    let unusable = |why: String| {
        Failure::new(format!(
            "the certificate authority of the database is not usable: {why}"
        ))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority.as_bytes()) {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| unusable(error.to_string()))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn log_in(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    tls: &TlsConnector,
    connection: &Connection,
    password: &SecretString,
) -> io::Result<Answer> {
    /// What a server that speaks TLS answers to the wish for it.
    const WILLING: u8 = b'S';
    let mut wish = BytesMut::new();
    frontend::ssl_request(&mut wish);
    stream.write_all(&wish).await?;
    if stream.read_u8().await? != WILLING {
        return Err(io::Error::other("it does not speak TLS"));
    }
    let name = ServerName::try_from(connection.host.clone()).map_err(io::Error::other)?;
    let mut wire = Wire {
        stream: tls.connect(name, stream).await?,
        read: BytesMut::new(),
    };
    wire.send(|out| {
        let parameters = [
            ("user", connection.user.as_str()),
            ("database", &connection.database),
            ("application_name", "kubectl-daap"),
            ("client_encoding", "UTF8"),
        ];
        frontend::startup_message(parameters, out)
    })
    .await?;
    wire.converse(password).await
}

/// A connection, and what was read of it and not yet understood.
struct Wire<S> {
    stream: S,
    read: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Logs in by SCRAM-SHA-256, asks for 1, and takes its leave.
    async fn converse(&mut self, password: &SecretString) -> io::Result<Answer> {
        let password = password.expose_secret().as_bytes();
        // PgBouncer knows no channel binding.
        let mut scram = ScramSha256::new(password, ChannelBinding::unsupported());
        let mut asked = false;
        loop {
            match self.receive().await? {
                Message::AuthenticationSasl(_) => {
                    let first = |out: &mut BytesMut| {
                        frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), out)
                    };
                    self.send(first).await?;
                }
                Message::AuthenticationSaslContinue(body) => {
                    scram.update(body.data())?;
                    self.send(|out| frontend::sasl_response(scram.message(), out))
                        .await?;
                }
                Message::AuthenticationSaslFinal(body) => scram.finish(body.data())?,
                Message::ReadyForQuery(_) if asked => {
                    self.send(|out| {
                        frontend::terminate(out);
                        Ok(())
                    })
                    .await?;
                    return Ok(Answer::Accepted);
                }
                Message::ReadyForQuery(_) => {
                    self.send(|out| frontend::query("select 1", out)).await?;
                    asked = true;
                }
                Message::ErrorResponse(body) => return refusal(&body),
                Message::AuthenticationOk
                | Message::BackendKeyData(_)
                | Message::ParameterStatus(_)
                | Message::NoticeResponse(_)
                | Message::RowDescription(_)
                | Message::DataRow(_)
                | Message::CommandComplete(_) => {}
                _ => {
                    return Err(io::Error::other(
                        "it wants another login than by SCRAM-SHA-256",
                    ));
                }
            }
        }
    }

    async fn send(
        &mut self,
        message: impl FnOnce(&mut BytesMut) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut out = BytesMut::new();
        message(&mut out)?;
        self.stream.write_all(&out).await?;
        self.stream.flush().await
    }

    async fn receive(&mut self) -> io::Result<Message> {
        loop {
            if let Some(message) = Message::parse(&mut self.read)? {
                return Ok(message);
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::Error::other("the connection was closed"));
            }
        }
    }
}

/// `PostgreSQL` says 28P01; `PgBouncer` says 08P01, as of any error of the protocol, and why.
fn refusal(body: &ErrorResponseBody) -> io::Result<Answer> {
    let (mut code, mut message) = (String::new(), String::new());
    let mut fields = body.fields();
    while let Some(field) = fields.next()? {
        let value = || String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'C' => code = value(),
            b'M' => message = value(),
            _ => {}
        }
    }
    if code == "28P01" || message.contains("authentication failed") {
        return Ok(Answer::Refused);
    }
    Err(io::Error::other(message))
}
