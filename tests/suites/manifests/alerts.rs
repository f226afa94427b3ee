//! Alerts and dashboard ask for what the webhook shows.

use std::collections::BTreeSet;

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

#[test]
fn the_overlay_scrapes_the_port_that_the_service_has() {
    let monitor: serde_json::Value =
        serde_saphyr::from_str(&overlay("service-monitor.yaml")).unwrap();
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
