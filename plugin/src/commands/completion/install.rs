//! `kubectl daap completion install`

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::completion::{COMMAND, PROGRAM};
use crate::failure::Failure;
use crate::output::{stderr_line, stdout_line};

const EXAMPLES: &str = "\
Examples:
  kubectl daap completion install
  kubectl daap completion install --dir ~/.local/bin";

/// Arguments of `completion install`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct InstallArgs {
    /// Folder on the PATH to write to; the one that `kubectl-daap` lies in where none is given
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// What is to be written, and where.
#[derive(Debug, PartialEq, Eq)]
struct Link {
    /// `…/kubectl_complete-daap`
    path: PathBuf,
    /// The plugin, relative where it lies beside.
    target: PathBuf,
}

/// Writes what kubectl looks for: krew puts one program of a plugin on the PATH, not two.
pub(super) fn run(args: &InstallArgs) -> Result<(), Failure> {
    let plugin = plugin()?;
    let link = Link::to(&plugin, args.dir.as_deref())?;
    let done = if link.is_there()? {
        "unchanged"
    } else {
        link.write()?
    };
    stdout_line(&format!("{} {done}", link.path.display()))?;
    if let Some(folder) = link.path.parent().filter(|folder| !is_on_path(folder)) {
        stderr_line(&format!(
            "Warning: {} is not on the PATH, where kubectl looks for it; add it there, or choose another folder with --dir",
            folder.display()
        ));
    }
    stderr_line(&what_to_type(env::var_os("SHELL").as_deref()));
    Ok(())
}

/// The plugin as kubectl finds it: not what a link leads to, which krew replaces at an upgrade.
fn plugin() -> Result<PathBuf, Failure> {
    let program = env::args_os().next().unwrap_or_default();
    let given = Path::new(&program);
    let found = if given.components().count() > 1 {
        std::path::absolute(given).ok()
    } else {
        on_path(&program)
    };
    found.or_else(|| env::current_exe().ok()).ok_or_else(|| {
        Failure::new("failed to find out where kubectl-daap is").hint("put it on the PATH")
    })
}

fn on_path(program: &OsStr) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn is_on_path(folder: &Path) -> bool {
    let same = |other: &Path| {
        other == folder
            || matches!((other.canonicalize(), folder.canonicalize()), (Ok(one), Ok(two)) if one == two)
    };
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|other| same(&other)))
}

impl Link {
    fn to(plugin: &Path, folder: Option<&Path>) -> Result<Self, Failure> {
        let beside = plugin.parent().unwrap_or(Path::new("/"));
        let folder = match folder {
            Some(folder) => std::path::absolute(folder).map_err(|error| failed(folder, &error))?,
            None => beside.to_owned(),
        };
        if !folder.is_dir() {
            return Err(
                Failure::new(format!("--dir: {} is no folder", folder.display()))
                    .hint(format!("make it first: mkdir -p {}", folder.display())),
            );
        }
        let target = match plugin.file_name() {
            Some(name) if folder == beside => PathBuf::from(name),
            _ => plugin.to_owned(),
        };
        let mut name = OsString::from(PROGRAM);
        if cfg!(windows) {
            name.push(".cmd");
        }
        Ok(Self {
            path: folder.join(name),
            target,
        })
    }

    /// Whether it is there as it should be. What is there and is not ours is an error.
    fn is_there(&self) -> Result<bool, Failure> {
        match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed(&self.path, &error)),
            Ok(found) if found.is_symlink() => {
                Ok(fs::read_link(&self.path).is_ok_and(|target| target == self.target))
            }
            Ok(_) if cfg!(windows) => {
                Ok(fs::read_to_string(&self.path).is_ok_and(|text| text == self.script()))
            }
            Ok(_) => Err(Failure::new(format!(
                "{} is there already, and is not a link of ours",
                self.path.display()
            ))
            .hint(format!(
                "look at it, and remove it if nobody needs it: rm {}",
                self.path.display()
            ))),
        }
    }

    /// Writes it, and says what was done.
    fn write(&self) -> Result<&'static str, Failure> {
        let done = match fs::remove_file(&self.path) {
            Ok(()) => "configured",
            Err(_) => "created",
        };
        self.make().map_err(|error| failed(&self.path, &error))?;
        Ok(done)
    }

    #[cfg(unix)]
    fn make(&self) -> io::Result<()> {
        std::os::unix::fs::symlink(&self.target, &self.path)
    }

    // Links are an administrator's there.
    #[cfg(not(unix))]
    fn make(&self) -> io::Result<()> {
        fs::write(&self.path, self.script())
    }

    /// What asks the plugin, where there are no links.
    fn script(&self) -> String {
        let plugin = if self.target.is_absolute() {
            self.target.display().to_string()
        } else {
            format!("%~dp0{}", self.target.display())
        };
        format!("@\"{plugin}\" {COMMAND} %*\r\n")
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("failed to write {}: {error}", path.display()))
        .hint("choose a folder on your PATH that you may write to, with --dir")
}

/// kubectl completes plugins only where its own completion is loaded.
fn what_to_type(shell: Option<&OsStr>) -> String {
    let shell = shell
        .map(Path::new)
        .and_then(Path::file_name)
        .and_then(OsStr::to_str);
    let load = match shell {
        Some("bash") => "source <(kubectl completion bash)",
        Some("zsh") => "source <(kubectl completion zsh)",
        Some("fish") => "kubectl completion fish | source",
        _ => "kubectl completion --help",
    };
    format!(
        "kubectl completes what follows `kubectl daap` now, wherever its own completion is loaded: {load}\n\
         try it: kubectl daap get <TAB>"
    )
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn link(folder: &Path, to: Option<&Path>) -> Result<Link, Failure> {
        Link::to(&folder.join("kubectl-daap"), to)
    }

    #[test]
    fn beside_the_plugin_the_link_is_relative_and_elsewhere_it_is_not() {
        let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_eq!(
            link(home.path(), None).unwrap().target,
            Path::new("kubectl-daap")
        );
        let elsewhere = link(home.path(), Some(other.path())).unwrap();
        assert_eq!(elsewhere.target, home.path().join("kubectl-daap"));
        assert_eq!(elsewhere.path, other.path().join(PROGRAM));
    }

    #[test]
    fn it_is_written_once_and_repaired_when_it_leads_elsewhere() {
        let home = tempfile::tempdir().unwrap();
        let link = link(home.path(), None).unwrap();
        assert!(!link.is_there().unwrap());
        assert_eq!(link.write().unwrap(), "created");
        assert!(link.is_there().unwrap());
        fs::remove_file(&link.path).unwrap();
        std::os::unix::fs::symlink("/gone", &link.path).unwrap();
        assert!(!link.is_there().unwrap());
        assert_eq!(link.write().unwrap(), "configured");
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let link = link(home.path(), None).unwrap();
        fs::write(&link.path, "mine").unwrap();
        let failure = link.is_there().unwrap_err();
        assert!(failure.render().contains("rm "), "{}", failure.render());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let failure =
            Link::to(Path::new("/bin/kubectl-daap"), Some(Path::new("/no/such"))).unwrap_err();
        assert!(failure.to_string().contains("/no/such"), "{failure}");
    }

    #[test]
    fn the_script_asks_the_plugin_beside_it() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(
            link(home.path(), None).unwrap().script(),
            "@\"%~dp0kubectl-daap\" __complete %*\r\n"
        );
    }
}
