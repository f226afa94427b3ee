//! Asking before something is destroyed.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use crate::failure::Failure;

/// Lets the user type `name` to confirm `what`, once told the `consequence`.
///
/// # Errors
/// There is no terminal to ask at, or something else was typed.
pub(crate) fn confirm(what: &str, consequence: &str, name: &str) -> Result<(), Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Failure::new(format!(
            "{what} needs a confirmation, and there is no terminal to ask at"
        ))
        .hint("say --yes to confirm; nothing was changed"));
    }
    let mut stderr = std::io::stderr().lock();
    let _ = write!(stderr, "{what}: {consequence}\nType {name} to confirm: ");
    let _ = stderr.flush();
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    match read {
        Ok(_) if line.trim() == name => Ok(()),
        _ => Err(
            Failure::new(format!("not confirmed: '{}' is not '{name}'", line.trim()))
                .hint("nothing was changed"),
        ),
    }
}
