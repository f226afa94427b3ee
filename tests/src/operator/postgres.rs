//! `PostgreSQL`'s and `PgBouncer`'s programs as Debian installs them, and how they are run.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::Context as _;
use tokio::io::AsyncWriteExt as _;

use crate::sandbox::process::{Tied, Unprivileged};

/// What has to be installed, as a person types it.
const INSTALL: &str = "apt-get install -y postgresql pgbouncer";
/// Superuser of every instance.
pub(super) const SUPERUSER: &str = "postgres";

/// The programs of this machine.
#[derive(Debug)]
pub(super) struct Programs {
    folder: PathBuf,
    pub(super) pgbouncer: PathBuf,
    /// Who runs them: they refuse to be root.
    pub(super) user: Option<Unprivileged>,
    version: String,
    parameters: BTreeSet<String>,
}

impl Programs {
    /// Finds the newest `PostgreSQL` of the machine, and `PgBouncer`.
    pub(super) async fn find() -> anyhow::Result<Self> {
        let folder = newest_folder().with_context(|| {
            format!("PostgreSQL's server programs are not in /usr/lib/postgresql/*/bin nor in PATH; install them: {INSTALL}")
        })?;
        let pgbouncer = in_path("pgbouncer").with_context(|| {
            format!("pgbouncer is not in /usr/sbin, /usr/bin nor in PATH; install it: {INSTALL}")
        })?;
        let mut programs = Self {
            folder,
            pgbouncer,
            user: Unprivileged::needed(),
            version: String::new(),
            parameters: BTreeSet::new(),
        };
        programs.confirm_user().await?;
        let version = programs.run("postgres", ["--version"]).await?;
        version.trim().clone_into(&mut programs.version);
        let described = programs.run("postgres", ["--describe-config"]).await?;
        programs.parameters = described
            .lines()
            .filter_map(|line| Some(line.split('\t').next()?.to_owned()))
            .collect();
        Ok(programs)
    }

    /// `initdb` wants its user to have a name, which users of containers often lack.
    async fn confirm_user(&self) -> anyhow::Result<()> {
        let named = Tied::new("id").arg("-un").user(self.user).spawn();
        let named = named.await?.wait().await?.success();
        anyhow::ensure!(
            named,
            "the user that PostgreSQL is to run as has no name, and initdb insists on one: add the user to /etc/passwd, or run as another"
        );
        Ok(())
    }

    /// What `postgres --version` says.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Whether this version knows a parameter; images may be of another one.
    pub(super) fn knows(&self, parameter: &str) -> bool {
        parameter.contains('.') || self.parameters.contains(parameter)
    }

    /// One of the programs, tied to us and ready for more arguments.
    pub(super) fn program(&self, name: &str) -> Tied {
        // The folder that we were started in may be closed to the unprivileged user.
        Tied::new(self.folder.join(name))
            .user(self.user)
            .env("LC_ALL", "C")
            .current_dir("/")
    }

    /// Runs one of the programs to its end and gives its output.
    pub(super) async fn run(
        &self,
        name: &str,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> io::Result<String> {
        self.run_with(name, args, "").await
    }

    async fn run_with(
        &self,
        name: &str,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
        input: &str,
    ) -> io::Result<String> {
        let program = self.program(name).args(args);
        let program = program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = program.spawn().await?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its input is no error.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        let output = child.wait_with_output().await?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(format!(
            "{name} failed ({}): {}",
            output.status,
            said.trim()
        )))
    }

    /// Runs SQL as superuser through the instance's socket and gives what it returns.
    pub(super) async fn sql(
        &self,
        sockets: &Path,
        database: &str,
        sql: &str,
    ) -> io::Result<String> {
        let sockets = sockets.as_os_str();
        let args = [
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            SUPERUSER,
            "-d",
            database,
            "-f",
            "-",
            "-h",
        ];
        let args = args.iter().map(OsStr::new).chain([sockets]);
        self.run_with("psql", args, sql).await
    }

    /// Gives a file or folder to the user that the programs run as.
    pub(super) fn give(&self, path: &Path) -> io::Result<()> {
        match self.user {
            Some(user) => std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid)),
            None => Ok(()),
        }
    }

    /// Makes a folder that only that user may enter.
    pub(super) fn make_folder(&self, path: &Path) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        fs::create_dir_all(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        self.give(path)
    }

    /// Writes a file that only that user may read.
    pub(super) fn write(&self, path: &Path, content: &str) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(path, content)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        self.give(path)
    }
}

fn newest_folder() -> Option<PathBuf> {
    let complete = |folder: &PathBuf| {
        ["initdb", "postgres", "pg_basebackup", "pg_isready", "psql"]
            .iter()
            .all(|name| folder.join(name).is_file())
    };
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut folders: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, folder)| complete(folder))
        .collect();
    folders.sort();
    let newest = folders.pop().map(|(_, folder)| folder);
    newest.or_else(|| {
        let path = in_path("postgres")?;
        path.parent().map(Path::to_owned).filter(complete)
    })
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = [PathBuf::from("/usr/sbin"), PathBuf::from("/usr/bin")];
    usual
        .into_iter()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}
