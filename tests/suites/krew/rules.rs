//! What krew's validator and the reviewers of its index want of a manifest.

use std::collections::BTreeSet;
use std::path::Path;

use rstest::rstest;

use super::manifest::{FileOperation, Manifest, Platform};
use super::packed::{Release, checkout, script};

/// What a plugin in krew's index is offered for, and what its program is called there.
const PLATFORMS: [(&str, &str, &str); 5] = [
    ("linux", "amd64", "kubectl-daap"),
    ("linux", "arm64", "kubectl-daap"),
    ("darwin", "amd64", "kubectl-daap"),
    ("darwin", "arm64", "kubectl-daap"),
    ("windows", "amd64", "kubectl-daap.exe"),
];
/// What krew knows.
const KNOWN: [(&str, &str); 11] = [
    ("windows", "386"),
    ("windows", "amd64"),
    ("windows", "arm64"),
    ("linux", "386"),
    ("linux", "amd64"),
    ("linux", "arm"),
    ("linux", "arm64"),
    ("linux", "ppc64le"),
    ("darwin", "386"),
    ("darwin", "amd64"),
    ("darwin", "arm64"),
];
/// Names that Windows keeps for itself.
const WINDOWS_DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// What is wrong with a manifest, in krew's order.
fn wrong(file: &Path, manifest: &Manifest) -> Vec<&'static str> {
    let spec = &manifest.spec;
    let name = &manifest.metadata.name;
    let mut wrong = Vec::new();
    let mut rule = |holds: bool, what: &'static str| {
        if !holds {
            wrong.push(what);
        }
    };
    rule(
        manifest.api_version == "krew.googlecontainertools.github.com/v1alpha2",
        "apiVersion",
    );
    rule(manifest.kind == "Plugin", "kind");
    rule(
        file.extension().is_some_and(|end| end == "yaml"),
        "file extension",
    );
    rule(
        file.file_stem().is_some_and(|stem| stem == name.as_str()),
        "name is the file's",
    );
    let safe = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    rule(!name.is_empty() && name.chars().all(safe), "safe name");
    rule(!is_device(name), "no name of Windows");
    rule(!spec.short_description.is_empty(), "shortDescription");
    rule(
        !spec.short_description.contains(['\r', '\n']),
        "shortDescription is one line",
    );
    // The guide for plugin authors.
    rule(
        spec.short_description.len() <= 50 && !spec.short_description.ends_with('.'),
        "shortDescription is short",
    );
    rule(!spec.description.is_empty(), "description");
    rule(spec.homepage.starts_with("https://"), "homepage");
    rule(is_v_semver(&spec.version), "version");
    rule(!spec.platforms.is_empty(), "platforms");
    rule(spec.platforms.iter().all(is_constructed), "platform");
    rule(spec.platforms.iter().all(has_selector), "selector");
    let matching = |os: &str, arch: &str| {
        spec.platforms
            .iter()
            .filter(|one| one.is_for(os, arch))
            .count()
    };
    rule(
        spec.platforms
            .iter()
            .all(|one| KNOWN.iter().any(|(os, arch)| one.is_for(os, arch))),
        "platform that krew knows",
    );
    rule(
        KNOWN.iter().all(|(os, arch)| matching(os, arch) <= 1),
        "no overlap",
    );
    wrong
}

fn is_device(name: &str) -> bool {
    let name = name.to_lowercase();
    let numbered = |prefix: &str| {
        let digit = name.strip_prefix(prefix);
        digit.is_some_and(|digit| {
            digit.len() == 1 && digit.chars().all(|c| c.is_ascii_digit() && c != '0')
        })
    };
    WINDOWS_DEVICES.contains(&name.as_str()) || numbered("com") || numbered("lpt")
}

/// `v1.2.3`, with a pre-release or build metadata after it.
fn is_v_semver(version: &str) -> bool {
    let Some(rest) = version.strip_prefix('v') else {
        return false;
    };
    let (core, more) = match rest.find(['-', '+']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let number = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let parts: Vec<&str> = core.split('.').collect();
    let identifier = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '+')
    };
    parts.len() == 3
        && parts.iter().all(|part| number(part))
        && more.is_none_or(|more| more.split('.').all(identifier))
}

fn is_constructed(platform: &Platform) -> bool {
    let lower_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let files = platform.files.as_deref().is_none_or(|files| {
        !files.is_empty()
            && files
                .iter()
                .all(|FileOperation { from, to }| !from.is_empty() && !to.is_empty())
    });
    !platform.uri.is_empty()
        && platform.sha256.len() == 64
        && platform.sha256.chars().all(lower_hex)
        && !platform.bin.is_empty()
        && files
}

fn has_selector(platform: &Platform) -> bool {
    let labels = platform
        .selector
        .as_ref()
        .and_then(|selector| selector.match_labels.as_ref());
    labels.is_some_and(|labels| {
        !labels.is_empty() && labels.keys().all(|key| key == "os" || key == "arch")
    })
}

/// The manifest of a release, with the archives of all platforms.
fn released() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    std::fs::write(&program, "not run").unwrap();
    for (os, arch, _) in PLATFORMS {
        let platform = format!("{os}/{arch}");
        let words = [
            "v1.2.3",
            &platform,
            program.to_str().unwrap(),
            folder.path().to_str().unwrap(),
        ];
        script("pack.sh", &words);
    }
    let text = script("manifest.sh", &["v1.2.3", folder.path().to_str().unwrap()]);
    (folder, text)
}

fn parsed(text: &str) -> Manifest {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_manifest_of_a_release_holds_every_rule() {
    let (_folder, text) = released();
    let manifest = parsed(&text);
    assert_eq!(wrong(Path::new("daap.yaml"), &manifest), [""; 0], "{text}");
    for (os, arch, bin) in PLATFORMS {
        let found: Vec<_> = manifest
            .spec
            .platforms
            .iter()
            .filter(|one| one.is_for(os, arch))
            .collect();
        assert_eq!(found.len(), 1, "{os}/{arch}");
        assert_eq!(found[0].bin, bin);
        assert!(
            found[0]
                .uri
                .ends_with(&format!("/v1.2.3/kubectl-daap_v1.2.3_{os}_{arch}.tar.gz"))
        );
    }
    assert!(!text.contains("{{"), "nothing is left to fill in: {text}");
}

#[test]
fn the_manifest_of_this_version_holds_every_rule() {
    let folder = tempfile::tempdir().unwrap();
    let file = Release::of_this_version(folder.path()).manifest;
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(wrong(&file, &parsed(&text)), [""; 0], "{text}");
    assert!(!text.contains("{{"), "nothing is left to fill in: {text}");
}

#[rstest]
#[case("apiVersion", "v1alpha2", "v1alpha1")]
#[case("kind", "kind: Plugin", "kind: Plug")]
#[case("name is the file's", "name: daap", "name: other")]
#[case("safe name", "name: daap", "name: daap/x")]
#[case("no name of Windows", "name: daap", "name: com1")]
#[case("shortDescription", "shortDescription: ", "shortDescription: \"\" #")]
#[case(
    "shortDescription is one line",
    "shortDescription: ",
    "shortDescription: \"a\\nb\" #"
)]
#[case(
    "shortDescription is short",
    "shortDescription: ",
    "shortDescription: It is a very long description of what nobody reads "
)]
#[case("version", "version: v1.2.3", "version: 1.2.3")]
#[case("version", "version: v1.2.3", "version: v1.2")]
#[case("version", "version: v1.2.3", "version: v1.02.3")]
#[case("homepage", "homepage: https:", "homepage: http:")]
#[case("platform", "uri: https:", "uri: \"\" # ")]
#[case("platform", "sha256: ", "sha256: A")]
#[case("platform", "bin: kubectl-daap", "bin: \"\" #")]
#[case("platform", "bin: kubectl-daap", "files: []\n      bin: kubectl-daap")]
#[case("selector", "os: linux", "system: linux")]
#[case("platform that krew knows", "os: linux", "os: plan9")]
#[case("no overlap", "arch: arm64", "arch: amd64")]
fn a_manifest_that_breaks_a_rule_is_noticed(
    #[case] rule: &str,
    #[case] good: &str,
    #[case] bad: &str,
) {
    let (_folder, text) = released();
    assert!(text.contains(good), "{text}");
    let broken = parsed(&text.replace(good, bad));
    assert!(
        wrong(Path::new("daap.yaml"), &broken).contains(&rule),
        "{rule}"
    );
}

#[test]
fn an_archive_that_is_missing_is_an_error_unless_a_part_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let script = checkout().join("release/manifest.sh");
    let run = |more: &[&str]| {
        let mut command = std::process::Command::new(&script);
        command.arg("v1.2.3").arg(folder.path()).args(more);
        daap_tests::place::run(&mut command, None)
    };
    let refused = run(&[]);
    assert!(!refused.status.success());
    assert!(daap_tests::place::text(&refused).contains("kubectl-daap_v1.2.3_darwin_arm64.tar.gz"));
    assert!(run(&["--partial"]).status.success());
}

#[test]
fn the_same_program_is_packed_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    let mut seen = BTreeSet::new();
    for again in ["one", "two"] {
        std::fs::write(&program, "the same").unwrap();
        let out = folder.path().join(again);
        let words = [
            "v1.2.3",
            "linux/amd64",
            program.to_str().unwrap(),
            out.to_str().unwrap(),
        ];
        let packed = script("pack.sh", &words);
        seen.insert(std::fs::read(packed.trim()).unwrap());
    }
    assert_eq!(seen.len(), 1);
}
