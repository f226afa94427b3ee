//! Alerts and dashboard ask for what the webhook shows, and alerts fire when they should.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Where the webhook names its metrics.
const SOURCE: &str = include_str!("../../../webhook/src/metrics/mod.rs");

fn overlay(file: &str) -> String {
    let path = crate::ground::manifests()
        .join("overlays/prometheus")
        .join(file);
    std::fs::read_to_string(path).unwrap()
}

/// Names of our metrics in a text, without what the format adds to them.
fn named(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !is_name(c))
        .filter_map(|word| word.strip_prefix("daap_webhook_"))
        .map(|name| {
            let suffixes = ["_total", "_bucket", "_count", "_sum"];
            let suffix = suffixes.into_iter().find(|suffix| name.ends_with(suffix));
            suffix
                .map_or(name, |suffix| name.trim_end_matches(suffix))
                .to_owned()
        })
        .collect()
}

#[test]
fn every_metric_that_is_asked_for_is_there() {
    let asked: BTreeSet<String> = ["alerts.yaml", "dashboard.json"]
        .iter()
        .flat_map(|file| named(&overlay(file)))
        .collect();
    assert!(asked.len() > 8, "{asked:?}");
    for name in asked {
        assert!(
            SOURCE.contains(&format!("\"{name}\"")),
            "the webhook shows no {name}"
        );
    }
}

/// Prometheus' own program.
fn promtool() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("promtool.sh");
    let found = Command::new(script).output().unwrap();
    let said = String::from_utf8_lossy(&found.stderr);
    assert!(found.status.success(), "{said}");
    PathBuf::from(String::from_utf8(found.stdout).unwrap().trim())
}

fn holds(folder: &Path, words: &[&str]) {
    let tried = Command::new(promtool())
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = [&tried.stdout[..], &tried.stderr[..]].map(String::from_utf8_lossy);
    assert!(tried.status.success(), "{words:?}: {}", said.concat());
}

#[test]
fn each_alert_fires_when_it_should_and_not_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
    let mut alerts: Value = serde_saphyr::from_str(&overlay("alerts.yaml")).unwrap();
    write("rules.yaml", &alerts["spec"].to_string());
    holds(folder.path(), &["check", "rules", "rules.yaml"]);
    // What they say is prose, which promtool would compare.
    let tests = include_str!("alerts.tests.yaml");
    for rule in alerts["spec"]["groups"][0]["rules"].as_array_mut().unwrap() {
        rule.as_object_mut().unwrap().remove("annotations");
        let name = rule["alert"].as_str().unwrap();
        let tried = { tests.split("alertname: ") }.filter(|text| {
            let rest = text.strip_prefix(name);
            rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        });
        assert!(tried.count() > 1, "{name} is tried both ways");
    }
    write("rules.yaml", &alerts["spec"].to_string());
    write("alerts.tests.yaml", tests);
    holds(folder.path(), &["test", "rules", "alerts.tests.yaml"]);
}

#[test]
fn the_overlay_scrapes_the_port_that_the_service_has() {
    let monitor: Value = serde_saphyr::from_str(&overlay("service-monitor.yaml")).unwrap();
    let service = crate::ground::documents("base/service.yaml").remove(0);
    let ports = service["spec"]["ports"].as_array().unwrap();
    let port = &monitor["spec"]["endpoints"][0]["port"];
    assert!(ports.iter().any(|found| found["name"] == *port));
    for (key, value) in monitor["spec"]["selector"]["matchLabels"]
        .as_object()
        .unwrap()
    {
        assert_eq!(service["metadata"]["labels"][key], *value);
    }
}
