//! SECURITY.md names tests as its evidence: each of them is there, and of each hole that others had
//! one is on a real API server.

use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Tests that the last column of a row names, where evidence stands.
fn evidence(row: &str) -> Vec<&str> {
    let cell = row.trim_end_matches(" |").rsplit(" | ").next();
    cell.unwrap_or_default()
        .split('`')
        .skip(1)
        .step_by(2)
        .collect()
}

fn rows(page: &str) -> impl Iterator<Item = &str> {
    page.lines().filter(|line| line.starts_with("| "))
}

fn page() -> String {
    std::fs::read_to_string(root().join("SECURITY.md")).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The code below these folders.
fn code(folders: &[&str]) -> String {
    let mut files = Vec::new();
    for folder in folders {
        sources(&root().join(folder), &mut files);
    }
    let texts = files
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap());
    texts.collect()
}

fn has(code: &str, test: &str) -> bool {
    code.contains(&format!("fn {test}("))
}

#[test]
fn every_test_that_the_page_of_threats_names_is_there() {
    let page = page();
    let named: Vec<&str> = rows(&page).flat_map(evidence).collect();
    assert!(named.len() > 30, "{named:?}");
    let code = code(&["crds", "webhook", "plugin", "tests"]);
    let missing: Vec<&str> = named.into_iter().filter(|name| !has(&code, name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// As the page names them: the list of practice that the webhook is held to.
const HOLES: [&str; 13] = [
    "CVE-2026-30963",
    "CVE-2026-55636",
    "issue 1837",
    "CVE-2023-34091",
    "CVE-2025-46342",
    "CVE-2024-39690",
    "CVE-2025-55205",
    "cnpg.io/validation",
    "CVE-2026-65834",
    "CVE-2026-24514",
    "CVE-2025-1974",
    "CVE-2026-22039",
    "namespaces never go",
];

#[test]
fn every_hole_that_others_had_is_tried_on_a_real_api_server() {
    let page = page();
    let (_, holes) = page.split_once("## Holes that others had").unwrap();
    let suites = code(&["tests/suites"]);
    for hole in HOLES {
        let row = rows(holes).find(|row| row.contains(hole));
        let row = row.unwrap_or_else(|| panic!("no row for {hole}"));
        let tests = evidence(row);
        assert!(!tests.is_empty(), "{row}");
        let is_tried = tests.iter().any(|test| has(&suites, test));
        assert!(is_tried != row.contains("No write reaches it"), "{row}");
    }
}
