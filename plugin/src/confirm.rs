//! Asking before something is destroyed.

use std::io::{IsTerminal as _, Write as _};

use crate::failure::Failure;
use crate::interrupt::Waiting;

/// Lets the user type `name` to confirm `what`, once told the `consequence`.
///
/// # Errors
/// There is no terminal to ask at, or something else was typed; Ctrl-C.
pub(crate) async fn confirm(what: &str, consequence: &str, name: &str) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(format!(
            "{what} needs a confirmation, and there is no terminal to ask at"
        ))
        .hint("say --yes to confirm; nothing was changed"));
    }
    let waiting = Waiting::begin().await;
    say(&format!("{what}: {consequence}\nType {name} to confirm: "));
    let line = tokio::select! {
        line = read_line() => line,
        () = waiting.ctrl_c() => {
            say("\n");
            return Err(Failure::interrupted("interrupted").hint("nothing was changed"));
        }
    };
    if line.trim() == name {
        return Ok(());
    }
    if !line.ends_with('\n') {
        say("\n");
    }
    Err(
        Failure::new(format!("not confirmed: '{}' is not '{name}'", line.trim()))
            .hint("nothing was changed"),
    )
}

/// Not by this thread, which hears Ctrl-C.
async fn read_line() -> String {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        // What cannot be read confirms nothing.
        let _ = std::io::stdin().read_line(&mut line);
        line
    });
    read.await.unwrap_or_default()
}

fn say(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
    let _ = stderr.flush();
}
