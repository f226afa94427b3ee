//! The scripts in the shells that they are for: ours, for who types `kubectl-daap`, and kubectl's, which
//! asks the plugin. A shell that is not there is left out.

use std::env;
use std::path::Path;
use std::process::Command;

use daap_tests::place::{run, text};
use daap_tests::sandbox::User;

use crate::Ground;

/// What is typed before TAB, and what the line has then.
const TYPED: [(&str, &str); 4] = [
    ("get -n few inv", "get -n few invoices"),
    ("list -n few --owner-team pay", "--owner-team payments"),
    ("list -n few --owner-team=pay", "--owner-team=payments"),
    ("list --state=pro", "--state=provisioning"),
];

/// Types in a terminal, since zsh completes nowhere else.
const ZSH: &str = r#"
zmodload zsh/zpty
zpty -b typed 'zsh -f -i'
said() {
  local out all
  local -i end=$((SECONDS + 90))
  while (( SECONDS < end )); do
    if zpty -r -t typed out; then
      all+=$out
      [[ $all == *$1* ]] && return 0
    else
      sleep 0.05
    fi
  done
  print -r -- "no '$1' in: ${(V)all}"
  return 1
}
zpty -w typed "PS1=; autoload -Uz compinit; compinit -u -d $HOME/zcompdump; source <($1 completion zsh); print rea''dy"
said ready || exit 1
zpty -n -w typed "$2"$'\t'
said "$3"
"#;

#[expect(clippy::print_stderr, reason = "what is left out is said")]
fn is_there(shell: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|folder| folder.join(shell).is_file());
    if !found {
        eprintln!("left out: {shell} is not on the PATH");
    }
    found
}

/// The shell, with kubectl, the plugin and what completes it on the PATH.
fn shell(ground: &Ground, program: &str, home: &Path) -> Command {
    let kubectl = ground.kubectl(User::PaymentsDev);
    let mut shell = Command::new(program);
    let mut path = env::var_os("PATH").unwrap_or_default();
    for (name, value) in kubectl.get_envs() {
        if name == "PATH" {
            value.unwrap_or_default().clone_into(&mut path);
        }
        shell.env(name, value.unwrap_or_default());
    }
    let beside = Path::new(kubectl.get_program()).parent().unwrap();
    let folders = std::iter::once(beside.to_owned()).chain(env::split_paths(&path));
    shell
        .env("PATH", env::join_paths(folders).unwrap())
        .env("HOME", home)
        .env("TERM", "dumb");
    shell
}

/// Has `tried` complete every line, by our own script and by kubectl's; where the shell is there.
async fn completes(program: &str, tried: impl Fn(Command, &str, &str, &str)) {
    if !is_there(program) {
        return;
    }
    let ground = Ground::shared().await;
    let home = tempfile::tempdir().unwrap();
    for (script, typed) in [
        ("kubectl-daap", "kubectl-daap"),
        ("kubectl", "kubectl daap"),
    ] {
        for (words, line) in TYPED {
            let words = format!("{typed} {words}");
            tried(shell(ground, program, home.path()), script, &words, line);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn zsh_completes() {
    completes("zsh", |mut zsh, script, words, line| {
        zsh.args(["-f", "-c", ZSH, "zsh", script, words, line]);
        let output = run(&mut zsh, None);
        assert!(output.status.success(), "{words}: {}", text(&output));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fish_completes() {
    completes("fish", |mut fish, script, words, line| {
        let asks = format!("{script} completion fish | source; complete -C '{words}'");
        let output = run(fish.args(["--no-config", "-c", &asks]), None);
        let said = text(&output);
        let wanted = line.rsplit(' ').next().unwrap();
        let found = said
            .lines()
            .any(|line| line.split('\t').next() == Some(wanted));
        assert!(found, "{words}: {said}");
    })
    .await;
}
