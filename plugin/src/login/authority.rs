//! The certificate authority as a file: what `sslrootcert` names.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use tempfile::NamedTempFile;

use crate::database::Access;
use crate::failure::Failure;
use crate::output::stderr_line;

/// Where the certificate authority is put.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct AuthorityFlags {
    /// Put the certificate authority into this file, which the output names [default: below ~/.kube/daap]
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// Fetches the authority and puts it where the output names it. Where nobody asked for a certain
/// file, that it cannot be had is a warning: the rest is of use without it.
pub(crate) async fn authority(
    access: &Access,
    flags: &AuthorityFlags,
) -> Result<Option<PathBuf>, Failure> {
    let placed = place(access, flags).await;
    match (placed, &flags.ca_file) {
        (Ok(path), _) => Ok(Some(path)),
        (Err(failure), Some(_)) => Err(failure),
        (Err(failure), None) => {
            stderr_line(&format!(
                "Warning: {failure}; without sslrootcert, clients do not find the certificate authority"
            ));
            Ok(None)
        }
    }
}

async fn place(access: &Access, flags: &AuthorityFlags) -> Result<PathBuf, Failure> {
    let path = match &flags.ca_file {
        Some(path) => std::path::absolute(path).map_err(|error| cannot(path, &error))?,
        None => default_path(access).ok_or_else(|| {
            Failure::new("no home folder to put the certificate authority into")
                .hint("name a file: --ca-file FILE")
        })?,
    };
    let pem = access.certificate_authority().await?;
    write(&path, &pem).map_err(|error| cannot(&path, &error))?;
    Ok(path)
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!(
        "failed to write the certificate authority to {}: {error}",
        path.display()
    ))
    .hint("name another file: --ca-file FILE")
}

/// Beside kubectl's caches, which it keeps by server, too. The same database has the same file for
/// ever, so that what names it stays good when the authority is renewed.
fn default_path(access: &Access) -> Option<PathBuf> {
    let server: String = access
        .server()
        .trim_start_matches("https://")
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let home = std::env::home_dir().filter(|home| home.is_absolute())?;
    let folder = home.join(".kube").join("daap").join(server);
    Some(
        folder
            .join(access.namespace())
            .join(format!("{}.crt", access.name())),
    )
}

/// Whoever reads the file meanwhile sees the old or the new one.
fn write(path: &Path, pem: &str) -> std::io::Result<()> {
    if std::fs::read(path).is_ok_and(|is| is == pem.as_bytes()) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(pem.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_only_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a").join("ca.crt");
        write(&path, "one").unwrap();
        let before = std::fs::metadata(&path).unwrap().modified().unwrap();
        write(&path, "one").unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().modified().unwrap(),
            before
        );
        write(&path, "two").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1
        );
    }
}
