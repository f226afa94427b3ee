//! Writes the inputs to begin with into a folder for each fuzz target: `seeds FOLDER`.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let folder = env::args_os()
        .nth(1)
        .map_or_else(|| "target/corpus".into(), PathBuf::from);
    for (name, _) in daap_invariants::ENTRIES {
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        for (index, seed) in daap_invariants::seeds::of(name).iter().enumerate() {
            fs::write(folder.join(format!("seed-{index}")), seed)?;
        }
    }
    Ok(())
}
