//! Writes the man pages: `cargo run -p kubectl-daap --example man -- FOLDER`.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| {
        let usage = "usage: cargo run -p kubectl-daap --example man -- FOLDER";
        io::Error::new(io::ErrorKind::InvalidInput, usage)
    })?;
    fs::create_dir_all(&folder)?;
    // Pages are found by one word: `man kubectl-daap-create`.
    clap_mangen::generate_to(kubectl_daap::command(), &folder)
}
