//! The files of the checkout whose words users read.

use std::path::{Path, PathBuf};

/// Top of the checkout.
pub(crate) fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A file, by its path below the checkout.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Files under `folder` whose names end like that; the tests among them are left out.
pub(crate) fn under(folder: &str, endings: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![checkout().join(folder)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            for entry in std::fs::read_dir(&path).unwrap() {
                open.push(entry.unwrap().path());
            }
            continue;
        }
        let name = path.strip_prefix(checkout()).unwrap().to_str().unwrap();
        if endings.iter().any(|ending| name.ends_with(ending)) {
            found.push(file(name));
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// One file.
pub(crate) fn file(path: &str) -> Source {
    Source {
        path: path.to_owned(),
        text: std::fs::read_to_string(checkout().join(path)).unwrap(),
    }
}

/// Our Rust, without its tests.
pub(crate) fn rust() -> Vec<Source> {
    let mut found: Vec<Source> = ["crds/src", "plugin/src", "webhook/src"]
        .into_iter()
        .flat_map(|folder| under(folder, &[".rs"]))
        .filter(|source| !is_test(&source.path))
        .collect();
    for source in &mut found {
        if let Some(at) = source.text.find("#[cfg(test)]\nmod tests {") {
            source.text.truncate(at);
        }
    }
    found
}

fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap();
    [
        "tests.rs",
        "fake.rs",
        "fixtures.rs",
        "faults.rs",
        "every_kind.rs",
    ]
    .contains(&name)
        || path.contains("/tests/")
}
