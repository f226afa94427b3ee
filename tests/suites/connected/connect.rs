//! `connect`.

use std::io::Write as _;
use std::process::Stdio;

use daap_tests::place::{Place, run, text};
use daap_tests::sandbox::User;
use serde_json::json;

use crate::ground::with_flags;

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_behind_the_dashes_is_psqls_and_so_is_its_input() {
    let place = Place::shared("connect-words").await;
    place.create("orders", &[]);
    let words = [
        "connect",
        "orders",
        "--",
        "--csv",
        "-v",
        "n=7",
        "-c",
        "select 'a b' as one, 2 as two",
    ];
    assert_eq!(place.done(&words), "one,two\na b,2\n");

    let mut command = place.sandbox.plugin(User::PaymentsDev);
    command
        .args(["connect", "orders", "-n", place.namespace, "--", "-At"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"select 6 * 7;\n\\q\n").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output).trim(), "42");

    // What the user's environment says of other servers is not for this one.
    let mut command = place.sandbox.plugin(User::PaymentsDev);
    command
        .args(["connect", "orders", "-n", place.namespace])
        .args(["--", "-At", "-c", "select current_user"])
        .env("PGSERVICE", "elsewhere")
        .env("PGSSLCERT", "/nonexistent")
        .env("PGSSLMODE", "disable")
        .env("PGOPTIONS", "-c nonsense=1")
        .env("PGCHANNELBINDING", "require");
    let output = run(&mut command, None);
    assert_eq!(text(&output).trim(), "app");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_psql_it_says_what_to_install_and_what_else_there_is() {
    let place = Place::shared("connect-without").await;
    place.create("orders", &[]);
    let mut command = place.sandbox.plugin_alone(User::PaymentsDev);
    command
        .args(["connect", "orders", "-n", place.namespace])
        .env("PATH", "/nonexistent");
    let output = run(&mut command, None);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output);
    assert!(said.contains("psql is not on the PATH"), "{said}");
    assert!(said.contains("install PostgreSQL's client"), "{said}");
    assert!(
        said.contains("kubectl daap proxy orders -n connect-without"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_flag_of_kubectl_reaches_the_port_forward() {
    let place = Place::shared("connect-flags").await;
    place.create("orders", &[]);
    let ask = ["--", "-At", "-c", "select 1"];
    let kubeconfig = place.sandbox.kubeconfig();
    let kubeconfig = kubeconfig.to_str().unwrap();
    let words = |more: &[&'static str]| {
        let mut words = vec!["connect", "orders", "--port-forward", "-n", "connect-flags"];
        words.extend(more);
        words.extend(ask);
        words
    };
    // Another kubeconfig, and a context in it.
    let mut command = place.sandbox.plugin(User::Outsider);
    command
        .env("KUBECONFIG", "/nonexistent")
        .args([
            "connect",
            "orders",
            "--port-forward",
            "-n",
            "connect-flags",
            "--kubeconfig",
            kubeconfig,
        ])
        .args(["--context", "payments-dev"])
        .args(ask);
    assert_eq!(text(&run(&mut command, None)).trim(), "1");

    // As somebody else: with that one's rights.
    let as_dev = words(&["--as", "payments-dev", "--as-group", "payments"]);
    let output = with_flags(&place, User::Admin, &as_dev);
    assert_eq!(text(&output).trim(), "1");
    let output = with_flags(&place, User::Admin, &words(&["--as", "nobody"]));
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output);
    assert!(said.contains("nobody may not get"), "{said}");

    // Who may read everything and forward nothing: the port-forward is asked for as that one, too.
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reads"},
        "rules": [
            {"apiGroups": ["", "apps", "postgresql.cnpg.io"], "verbs": ["get", "list"],
             "resources": ["clusters", "poolers", "deployments", "secrets", "services", "pods"]},
        ],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "reads"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reads"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}],
    });
    for object in [role, binding] {
        place.kubectl(&["create", "-f", "-"], Some(&object));
    }
    let said = daap_tests::place::eventually("the reader's rights", || {
        let output = with_flags(&place, User::Admin, &words(&["--as", "reader"]));
        let said = text(&output);
        (!said.contains("may not get")).then_some(said)
    })
    .await;
    assert!(
        said.contains("pods/portforward") && said.contains("\"reader\""),
        "{said}"
    );
    let proxy = ["proxy", "orders", "-n", "connect-flags", "--as", "reader"];
    let output = with_flags(&place, User::Admin, &proxy);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output);
    assert!(said.contains("you may not get pods/portforward"), "{said}");
}
