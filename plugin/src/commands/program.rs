//! A program of the user's that runs with what we give it, and whose end is ours.

use std::process::{ExitCode, ExitStatus};

use tokio::process::Command;

use crate::failure::Failure;
use crate::interrupt;

/// Runs it to its end; its exit code is ours. `missing` is what there is to say where it is not
/// installed.
pub(super) async fn run(mut command: Command, missing: Failure) -> Result<ExitCode, Failure> {
    let program = command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned();
    let mut child = command
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => missing,
            _ => Failure::new(format!("failed to run {program}: {error}")),
        })?;
    loop {
        tokio::select! {
            status = child.wait() => {
                return status
                    .map(exit_code)
                    .map_err(|error| Failure::new(format!("failed to wait for {program}: {error}")));
            }
            // The terminal has sent it to the program as well, which knows what to do with it: psql
            // cancels its query.
            () = interrupt::ctrl_c() => {}
        }
    }
}

fn exit_code(status: ExitStatus) -> ExitCode {
    /// What a shell says of a process that a signal ended.
    const SIGNALLED: i32 = 128;
    #[cfg(unix)]
    let code = {
        use std::os::unix::process::ExitStatusExt as _;
        status
            .code()
            .or_else(|| status.signal().map(|signal| SIGNALLED + signal))
    };
    #[cfg(not(unix))]
    let code = status.code().or(Some(SIGNALLED));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
