//! Raises a sandbox and takes it down.

use std::process::ExitCode;

fn main() -> ExitCode {
    daap_tests::sandbox::cli::main()
}
