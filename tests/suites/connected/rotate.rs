//! `credentials rotate`.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use base64::Engine as _;
use daap_tests::place::{Place, run, text};
use daap_tests::sandbox::User;
use serde_json::{Value, json};

use crate::ground::{Proxy, answer, password, psql};

fn secret(place: &Place<'_>) -> Value {
    let text = place.kubectl(&["get", "secret/daap-orders-app", "-o", "json"], None);
    serde_json::from_str(&text).unwrap()
}

fn decoded(secret: &Value, key: &str) -> String {
    let text = secret["data"][key].as_str().unwrap();
    String::from_utf8(base64::prelude::BASE64_STANDARD.decode(text).unwrap()).unwrap()
}

/// A pod that reads the Secret; nothing has to run it.
fn reader(namespace: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "report", "namespace": namespace},
        "spec": {"containers": [{"name": "report", "image": "report:1", "env": [
            {"name": "P", "valueFrom": {"secretKeyRef": {"name": "daap-orders-app", "key": "password"}}},
        ]}]},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_is_in_force_everywhere_and_the_old_one_nowhere() {
    let place = Place::shared("rotate").await;
    place.create("orders", &[]);
    place.kubectl(&["create", "-f", "-"], Some(&reader("rotate")));
    let old = password(&place);
    let proxy = Proxy::start(&place, &[]);
    let uri = proxy.first().to_owned();

    // Nobody to ask, and nothing done.
    let said = place.fails(&["credentials", "rotate", "orders"]);
    assert!(said.contains("--yes"), "{said}");
    for dry_run in ["--dry-run", "--dry-run=server"] {
        let said = place.plugin(
            User::PaymentsDev,
            &["credentials", "rotate", "orders", dry_run],
        );
        let said = text(&said);
        assert!(
            said.contains("dry run") && said.contains("pod/report (1 pod)"),
            "{said}"
        );
    }
    assert_eq!(password(&place), old);

    let output = place.plugin(
        User::PaymentsDev,
        &["credentials", "rotate", "orders", "--yes"],
    );
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "database/orders password rotated\n"
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for words in [
        "sessions that are open go on",
        "pod/report (1 pod)",
        "a login with the new password succeeded, and the old one is refused",
    ] {
        assert!(said.contains(words), "no '{words}' in: {said}");
    }
    let new = password(&place);
    assert_ne!(new, old);
    assert!(!said.contains(&new) && !said.contains(&old), "{said}");

    let ask = [uri.as_str(), "-c", "select 1"];
    assert_eq!(answer(&mut psql(&ask, &[("PGPASSWORD", &new)])), "1");
    let refused = run(&mut psql(&ask, &[("PGPASSWORD", &old)]), None);
    assert!(!refused.status.success(), "the old one is accepted");
    assert!(
        text(&refused).contains("authentication failed"),
        "{}",
        text(&refused)
    );

    let secret = secret(&place);
    for key in [
        "password",
        "uri",
        "fqdn-uri",
        "jdbc-uri",
        "fqdn-jdbc-uri",
        "pgpass",
    ] {
        let value = decoded(&secret, key);
        assert!(
            value.contains(&new) && !value.contains(&old),
            "{key}: {value}"
        );
    }
    assert_eq!(
        decoded(&secret, "uri"),
        format!("postgresql://app:{new}@daap-orders-rw.rotate:5432/app")
    );
    let pending = secret["metadata"]["annotations"].get("daap.dev/pending");
    assert_eq!(pending, None, "nothing is unfinished");
    let (state, _) = place.state("orders");
    assert_eq!(state, "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_team_changes_nothing() {
    let place = Place::shared("rotate-teams").await;
    place.create("orders", &[]);
    let before = secret(&place);
    for user in [User::BillingDev, User::Outsider] {
        let said = place.fails_by(user, &["credentials", "rotate", "orders", "--yes"]);
        assert!(
            said.contains("payments") && said.contains("not yours"),
            "{said}"
        );
        assert!(
            !said.contains("go on"),
            "it says no before it says who is affected: {said}"
        );
    }
    assert_eq!(secret(&place), before);
    let said = place.fails(&["credentials", "rotate", "nothing", "--yes"]);
    assert!(said.contains("database/nothing not found"), "{said}");
    // Who acts as the owner may.
    let words = [
        "credentials",
        "rotate",
        "orders",
        "--yes",
        "-n",
        "rotate-teams",
    ];
    let mut command = place.sandbox.plugin(User::Admin);
    command
        .args(words)
        .args(["--as", "payments-dev", "--as-group", "payments"]);
    let output = run(&mut command, None);
    assert!(output.status.success(), "{}", text(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_was_killed_is_finished_by_the_same_command() {
    let place = Place::shared("rotate-killed").await;
    place.create("orders", &[]);
    let mut old = password(&place);
    // It may have been faster than we are.
    for _ in 0..10 {
        let mut command = place.sandbox.plugin_alone(User::PaymentsDev);
        command
            .args([
                "credentials",
                "rotate",
                "orders",
                "--yes",
                "-n",
                "rotate-killed",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        assert!(lines.any(|line| line.contains("logging in")), "it logs in");
        child.kill().unwrap();
        child.wait().unwrap();
        let left = secret(&place);
        let new = decoded(&left, "password");
        assert_ne!(new, old);
        if left["metadata"]["annotations"]
            .get("daap.dev/pending")
            .is_none()
        {
            old = new;
            continue;
        }
        let output = place.plugin(
            User::PaymentsDev,
            &["credentials", "rotate", "orders", "--yes"],
        );
        assert!(output.status.success(), "{}", text(&output));
        let said = text(&output);
        assert!(
            said.contains("finished the rotation that was begun at"),
            "{said}"
        );
        assert_eq!(password(&place), new, "it is not changed once more");
        assert_eq!(place.sql("orders", "select 1").trim(), "1");
        return;
    }
    panic!("ten rotations were faster than a signal");
}
