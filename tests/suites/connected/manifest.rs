//! `credentials -o manifest`: kubectl adds it to a workload that runs.

use daap_tests::place::{Place, text};
use daap_tests::sandbox::User;
use serde_json::{Value, json};

fn shop() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "shop"}},
            "template": {
                "metadata": {"labels": {"app": "shop"}},
                "spec": {"containers": [{"name": "shop", "image": "shop:1", "env": [{"name": "MODE", "value": "live"}]}]},
            },
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_adds_it_to_a_workload_that_runs() {
    let place = Place::shared("manifest").await;
    place.create("orders", &[]);
    place.kubectl(&["create", "-f", "-"], Some(&shop()));
    let words = [
        "credentials",
        "orders",
        "-o",
        "manifest",
        "--for",
        "deploy/shop",
    ];
    let manifest = place.done(&words);
    let password = place.done(&["credentials", "orders", "-o", "password"]);
    assert!(!manifest.contains(password.trim()), "{manifest}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("binding.yaml");
    std::fs::write(&file, &manifest).unwrap();
    let apply = |more: &[&str]| {
        let file = ["-f", file.to_str().unwrap()];
        let words = ["apply", "--server-side", "--field-manager=daap-binding"];
        place.kubectl(&[&words[..], &file, more].concat(), None)
    };
    apply(&["--dry-run=server"]);
    apply(&[]);
    let read = place.kubectl(&["get", "deployment/shop", "-o", "json"], None);
    let read: Value = serde_json::from_str(&read).unwrap();
    let pod = &read["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(container["image"], "shop:1", "what was there stays");
    let variable = |name: &str| {
        let all = container["env"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).cloned().unwrap()
    };
    assert_eq!(variable("MODE")["value"], "live");
    assert_eq!(
        variable("PGHOST")["value"],
        "daap-orders-pooler.manifest.svc"
    );
    assert_eq!(
        variable("PGPASSWORD")["valueFrom"]["secretKeyRef"],
        json!({"name": "daap-orders-app", "key": "password"})
    );
    assert_eq!(
        pod["volumes"][0]["secret"]["items"],
        json!([{"key": "ca.crt", "path": "ca.crt"}]),
        "the authority's key stays where it is"
    );
    let authority = variable("PGSSLROOTCERT")["value"]
        .as_str()
        .unwrap()
        .to_owned();
    let mount = container["volumeMounts"][0]["mountPath"].as_str().unwrap();
    assert_eq!(authority, format!("{mount}/ca.crt"));

    // What runs like that is found again by who rotates the password. (Nothing in the sandbox makes
    // pods of a Deployment that is not a pooler's.)
    let runs =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shop-1"}, "spec": pod});
    place.kubectl(&["create", "-f", "-"], Some(&runs));
    let words = ["credentials", "rotate", "orders", "--dry-run"];
    let said = text(&place.plugin(User::PaymentsDev, &words));
    assert!(said.contains("pod/shop-1 (1 pod)"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_bound_is_a_usage_error() {
    let place = Place::shared("manifest-wrong").await;
    for words in [
        &["credentials", "orders", "-o", "manifest", "--for", "shop"][..],
        &[
            "credentials",
            "orders",
            "-o",
            "manifest",
            "--for",
            "pod/shop",
        ],
        &[
            "credentials",
            "orders",
            "-o",
            "uri",
            "--for",
            "deployment/shop",
        ],
        &[
            "credentials",
            "orders",
            "-o",
            "manifest",
            "--container",
            "web",
        ],
        &["credentials"],
        &["credentials", "orders", "-o", "xml"],
    ] {
        let output = place.plugin(User::PaymentsDev, words);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{words:?}: {}",
            text(&output)
        );
    }
}
