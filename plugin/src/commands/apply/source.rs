//! The documents of `-f`: files, folders, stdin; YAML and JSON, several in one, lists.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::Failure;

/// What is read of a folder, as kubectl does.
const EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];

/// A document, and where it was.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Source {
    /// As in `databases.yaml, document 2`.
    pub(super) place: String,
    pub(super) document: Value,
}

/// Every document of the files, lists taken apart.
///
/// # Errors
/// A file cannot be read, or is neither YAML nor JSON; there is no document.
pub(super) fn read(files: &[PathBuf], recursive: bool) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for file in files {
        if file.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin()
                .lock()
                .read_to_string(&mut text)
                .map_err(|error| Failure::new(format!("failed to read stdin: {error}")))?;
            sources.extend(documents("stdin", &text)?);
            continue;
        }
        for path in paths(file, recursive)? {
            let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            sources.extend(documents(&path.to_string_lossy(), &text)?);
        }
    }
    if sources.is_empty() {
        let names: Vec<String> = files
            .iter()
            .map(|file| file.to_string_lossy().into_owned())
            .collect();
        return Err(Failure::new(format!("no document in {}", names.join(", "))).hint(
            "write one as `kubectl daap get NAME -o yaml` prints it; -R also reads folders within folders",
        ));
    }
    Ok(sources)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let failure = Failure::new(format!("failed to read {}: {error}", path.display()));
    if path.to_string_lossy().contains("://") {
        return failure.hint("a URL is not read; fetch it and pipe it into -f -");
    }
    failure
}

/// A file itself; of a folder the files that may be documents, in the order of their names.
fn paths(path: &Path, recursive: bool) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error: std::io::Error| unreadable(path, &error);
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
    }
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        let extension = entry.extension().and_then(|extension| extension.to_str());
        if entry.is_dir() {
            // Not into what a link leads to: it may lead back.
            if recursive && !entry.is_symlink() {
                found.extend(paths(&entry, recursive)?);
            }
        } else if extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) {
            found.push(entry);
        }
    }
    Ok(found)
}

fn documents(file: &str, text: &str) -> Result<Vec<Source>, Failure> {
    // Numbers with a leading zero as kubectl reads them.
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        with_snippet: false,
    };
    let read: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| Failure::new(format!("{file} is neither YAML nor JSON: {error}")))?;
    let mut sources = Vec::new();
    for (index, document) in read.into_iter().enumerate() {
        take_apart(
            format!("{file}, document {}", index + 1),
            document,
            &mut sources,
        );
    }
    Ok(sources)
}

fn take_apart(place: String, mut document: Value, sources: &mut Vec<Source>) {
    let is_list = document
        .get("kind")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.ends_with("List"));
    match document.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) if is_list => {
            for (index, item) in items.into_iter().enumerate() {
                take_apart(format!("{place}, items[{index}]"), item, sources);
            }
        }
        Some(items) => {
            if let Some(map) = document.as_object_mut() {
                map.insert("items".into(), items);
            }
            sources.push(Source { place, document });
        }
        None => sources.push(Source { place, document }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<String> {
        let sources = documents("a.yaml", text).unwrap();
        sources.into_iter().map(|source| source.place).collect()
    }

    #[test]
    fn documents_are_counted_and_lists_taken_apart() {
        assert_eq!(
            places("kind: Database\n---\nkind: List\nitems:\n- kind: Database\n- kind: Database\n"),
            [
                "a.yaml, document 1",
                "a.yaml, document 2, items[0]",
                "a.yaml, document 2, items[1]"
            ]
        );
        assert_eq!(places(r#"{"kind": "Database"}"#), ["a.yaml, document 1"]);
        let failure = documents("a.yaml", "a: [").unwrap_err();
        assert!(
            failure.to_string().starts_with("a.yaml is neither"),
            "{failure}"
        );
    }

    #[test]
    fn a_folder_is_read_in_the_order_of_names_and_deeper_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("deeper")).unwrap();
        for name in ["b.yaml", "a.json", "readme.md", "deeper/c.yml"] {
            fs::write(root.join(name), "kind: Database\n").unwrap();
        }
        let names = |recursive| -> Vec<String> {
            let found = paths(root, recursive).unwrap();
            let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
            found.iter().map(name).collect()
        };
        assert_eq!(names(false), ["a.json", "b.yaml"]);
        assert_eq!(names(true), ["a.json", "b.yaml", "c.yml"]);
        let failure = read(&[root.join("missing.yaml")], false).unwrap_err();
        assert!(failure.to_string().contains("missing.yaml"), "{failure}");
    }
}
