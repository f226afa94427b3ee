//! The life of a database as a developer sees it: the plugin through the real kubectl, real
//! PostgreSQL behind a real PgBouncer.
use std::process::Command;

use base64::Engine as _;
use daap_tests::ground::serve_dependents;
use daap_tests::place::{Place, creation, eventually, run, text};
use daap_tests::sandbox::{Sandbox, User};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_created_used_changed_deleted_and_purged() {
    let place = Place::shared("life").await;
    let said = place.create("orders", &["--storage", "1Gi"]);
    assert_eq!(
        said.lines().next(),
        Some("database/orders created"),
        "stdout is for the result"
    );
    let database = place.json(&["get", "orders", "-o", "json"]);
    assert_eq!(database["status"]["state"], "ready");
    assert_eq!(database["record"]["createdBy"], "payments-dev");
    assert_eq!(database["spec"]["storage"], "1Gi");

    // Passwords only when asked for.
    let hidden = place.done(&["credentials", "orders", "-o", "json"]);
    assert!(!hidden.contains("\"password\""), "{hidden}");
    let shown = place.done(&["credentials", "orders", "-o", "uri", "--show-password"]);
    assert!(
        shown.contains("app:") && shown.contains("sslmode=verify-full"),
        "{shown}"
    );

    place.sql(
        "orders",
        "create table items (name text); insert into items values ('a book')",
    );
    assert_eq!(
        place.sql("orders", "select name from items").trim(),
        "a book"
    );
    // psql's own exit status comes through.
    let output = place.plugin(
        User::PaymentsDev,
        &["connect", "orders", "--", "-c", "select broken"],
    );
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));

    // A change is a version; the same change again is none.
    place.done(&[
        "update",
        "orders",
        "--purpose",
        "orders and returns",
        "--change-reason",
        "more",
    ]);
    place.done(&["update", "orders", "--purpose", "orders and returns"]);
    let changed = place.json(&["get", "orders", "-o", "json"]);
    assert_eq!(changed["record"]["version"], 2);
    assert_eq!(changed["record"]["id"], database["record"]["id"]);

    // Deleted: its record and its data stay, and nothing of it runs.
    place.fails(&["delete", "orders"]);
    assert!(
        place
            .done(&["delete", "orders", "--yes"])
            .contains("database/orders deleted")
    );
    assert!(place.fails(&["get", "orders"]).contains("not found"));
    assert!(!place.done(&["list"]).contains("orders"));
    assert!(place.done(&["list", "--deleted"]).contains("orders"));
    assert_eq!(
        place.kubectl(&["get", "clusters,poolers,pods", "-o", "name"], None),
        ""
    );
    assert!(
        place
            .kubectl(&["get", "pvc", "-o", "name"], None)
            .contains("daap-orders-1")
    );
    assert!(
        place
            .fails(&["delete", "orders", "--yes"])
            .contains("not found")
    );
    place.done(&["delete", "orders", "--yes", "--ignore-not-found"]);

    // Its name is kept for it until the data is given up.
    let words = creation("orders");
    assert!(place.fails(&words).contains("purge"));
    place.done(&["purge", "orders", "--yes"]);
    assert_eq!(place.kubectl(&["get", "pvc", "-o", "name"], None), "");
    place.create("orders", &[]);
    let anew = place.json(&["get", "orders", "-o", "json"]);
    assert_ne!(anew["record"]["id"], database["record"]["id"]);
    assert!(
        place
            .done(&["list", "--deleted"])
            .contains(database["record"]["id"].as_str().unwrap())
    );
    place.done(&["delete", "orders", "--yes", "--purge"]);
    assert_eq!(
        place.kubectl(&["get", "pvc,clusters,poolers", "-o", "name"], None),
        ""
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_outlive_a_pod_and_the_certificate_has_the_poolers_name() {
    let place = Place::shared("restart").await;
    place.create("orders", &[]);
    place.sql(
        "orders",
        "create table items (name text); insert into items values ('a lamp')",
    );
    let before = place.kubectl(
        &["get", "pod/daap-orders-1", "-o", "jsonpath={.metadata.uid}"],
        None,
    );
    place.kubectl(&["delete", "pod/daap-orders-1"], None);
    eventually("another pod, and the database ready", || {
        let mut command = place.sandbox.kubectl(User::Admin);
        command.args([
            "get",
            "pod/daap-orders-1",
            "-o",
            "jsonpath={.metadata.uid}",
            "-n",
            place.namespace,
        ]);
        let uid = text(&run(&mut command, None));
        (uid != before && place.state("orders").0 == "ready").then_some(())
    })
    .await;

    // psql alone, as an application would: the name is verified, the address is the Service's.
    let folder = tempfile::tempdir().unwrap();
    let authority = place.kubectl(
        &[
            "get",
            "secret/daap-orders-ca",
            "-o",
            r"jsonpath={.data.ca\.crt}",
        ],
        None,
    );
    let authority = base64::prelude::BASE64_STANDARD.decode(authority).unwrap();
    let file = folder.path().join("ca.crt");
    std::fs::write(&file, authority).unwrap();
    let address = "jsonpath={.status.loadBalancer.ingress[0].ip}";
    let address = place.kubectl(&["get", "service/daap-orders-pooler", "-o", address], None);
    let credentials = place.json(&["credentials", "orders", "-o", "json", "--show-password"]);
    let ask = |host: &str| {
        let mut psql = Command::new("psql");
        psql.args([
            "--no-align",
            "--tuples-only",
            "-c",
            "select name from items",
        ])
        .env("PGHOST", host)
        .env("PGHOSTADDR", &address)
        .env("PGUSER", credentials["user"].as_str().unwrap())
        .env("PGDATABASE", credentials["database"].as_str().unwrap())
        .env("PGPASSWORD", credentials["password"].as_str().unwrap())
        .env("PGSSLMODE", "verify-full")
        .env("PGSSLROOTCERT", &file);
        run(&mut psql, None)
    };
    let answer = ask("daap-orders-pooler.restart.svc");
    assert_eq!(text(&answer).trim(), "a lamp");
    let answer = ask("another-name.restart.svc");
    assert!(
        !answer.status.success() && text(&answer).contains("does not match"),
        "{}",
        text(&answer)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_changes_its_team_with_everything_that_is_its_own_but_never_its_name() {
    let place = Place::shared("teams").await;
    place.create("orders", &["--wait=false"]);
    let change = ["update", "orders", "--owner-team", "billing"];
    let said = place.fails(&change);
    assert!(said.contains("team 'billing' owns it"), "{said}");
    let output = place.plugin(User::Admin, &change);
    assert!(output.status.success(), "{}", text(&output));
    for object in ["cluster/daap-orders", "pooler/daap-orders-pooler"] {
        let team = r"jsonpath={.metadata.labels.daap\.dev/owner-team}";
        assert_eq!(place.kubectl(&["get", object, "-o", team], None), "billing");
    }
    // It is not payments' any more.
    let said = place.fails(&["update", "orders", "--purpose", "ours"]);
    assert!(said.contains("billing"), "{said}");
    let said = place.fails(&["update", "orders", "--name", "invoices"]);
    assert!(said.contains("never changes"), "{said}");
    assert_eq!(
        place.json(&["get", "orders", "-o", "json"])["record"]["version"],
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_forwards_a_port_where_the_service_has_no_address() {
    let place = Place::shared("forward").await;
    place.create("orders", &[]);
    let service = "service/daap-orders-pooler";
    let plain = r#"{"spec":{"type":"ClusterIP"}}"#;
    place.kubectl(&["patch", service, "--type=merge", "-p", plain], None);
    let balancer = place.kubectl(
        &["get", service, "-o", "jsonpath={.status.loadBalancer}"],
        None,
    );
    assert_eq!(balancer, "{}", "the service has no address");
    assert_eq!(place.sql("orders", "select 6 * 7").trim(), "42");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_is_refused_on_the_way_is_docked_and_finished_by_the_same_command() {
    let place = Place::shared("docked").await;
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "no-poolers-in-docked"},
        "spec": {
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "docked"}},
                "resourceRules": [{"apiGroups": ["postgresql.cnpg.io"], "apiVersions": ["*"], "resources": ["poolers"], "operations": ["CREATE"]}],
            },
            "validations": [{"expression": "false", "message": "no poolers today"}],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "no-poolers-in-docked"},
        "spec": {"policyName": "no-poolers-in-docked", "validationActions": ["Deny"]},
    });
    place.kubectl(&["create", "-f", "-"], Some(&policy));
    place.kubectl(&["create", "-f", "-"], Some(&binding));
    // A policy takes effect a moment after it is written.
    let probe = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Pooler", "metadata": {"name": "probe"},
        "spec": {"cluster": {"name": "legacy"}, "pgbouncer": {}},
    });
    let try_pooler = || {
        let mut command = place.sandbox.kubectl(User::Admin);
        command.args(["create", "--dry-run=server", "-f", "-"]);
        run(command.args(["-n", place.namespace]), Some(&probe))
    };
    eventually("poolers are refused", || {
        text(&try_pooler())
            .contains("no poolers today")
            .then_some(())
    })
    .await;

    let words = creation("orders");
    let said = place.fails(&words);
    assert!(said.contains("no poolers today"), "{said}");
    let (state, reason) = place.state("orders");
    assert_eq!(state, "error");
    assert!(reason.contains("no poolers today"), "{reason}");
    let docked = r"jsonpath={.metadata.annotations.cnpg\.io/hibernation}";
    assert_eq!(
        place.kubectl(&["get", "cluster/daap-orders", "-o", docked], None),
        "on"
    );
    let id = place.json(&["get", "orders", "-o", "json"])["record"]["id"].clone();

    let name = "validatingadmissionpolicybinding/no-poolers-in-docked";
    place.kubectl(&["delete", name], None);
    eventually("poolers are let through again", || {
        try_pooler().status.success().then_some(())
    })
    .await;
    place.done(&words);
    assert_eq!(place.state("orders").0, "ready");
    assert_eq!(
        place.json(&["get", "orders", "-o", "json"])["record"]["id"],
        id,
        "the same id"
    );
    assert_eq!(place.sql("orders", "select 1").trim(), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_filter_page_and_print_as_asked() {
    let place = Place::shared("lists").await;
    for name in ["orders", "offers", "stock"] {
        place.create(name, &["--wait=false"]);
    }
    let names =
        |words: &[&str]| -> Vec<String> { place.done(words).lines().map(str::to_owned).collect() };
    let all = ["database/offers", "database/orders", "database/stock"];
    assert_eq!(names(&["list", "-o", "name"]), all);
    assert_eq!(names(&["list", "-o", "name", "--chunk-size", "1"]), all);
    assert_eq!(
        names(&["list", "-o", "name", "--owner-team", "payments"]),
        all
    );
    assert_eq!(
        names(&["list", "-o", "name", "--owner-team", "billing"]),
        [""; 0]
    );
    assert_eq!(names(&["list", "-o", "name", "--name", "o*"]), &all[..2]);
    assert_eq!(
        names(&["list", "-o", "name", "--state", "deleted"]),
        [""; 0]
    );
    assert_eq!(
        names(&["list", "-o", "name", "-l", "daap.dev/name=stock"]),
        &all[2..]
    );
    let table = names(&["list"]);
    assert!(
        table[0].starts_with("NAME") && table[0].ends_with("AGE"),
        "{table:?}"
    );
    assert_eq!(names(&["list", "--no-headers"]).len(), 3);
    let list = place.json(&["list", "-o", "json"]);
    assert_eq!(
        (&list["kind"], list["items"].as_array().map(Vec::len)),
        (&json!("List"), Some(3))
    );
    let output = place.plugin(User::PaymentsDev, &["list", "-A"]);
    assert!(
        !output.status.success(),
        "payments-dev may not list in every namespace"
    );
    let output = place.plugin(User::Admin, &["list", "-A"]);
    assert!(text(&output).starts_with("NAMESPACE"), "{}", text(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_writes_nothing() {
    let place = Place::shared("dry").await;
    for way in ["--dry-run=client", "--dry-run=server"] {
        place.create("orders", &[way]);
    }
    let manifest = place.create("orders", &["--dry-run=client", "-o", "json"]);
    assert_eq!(
        place.kubectl(&["get", "clusters,poolers", "-o", "name"], None),
        ""
    );
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let mut command = place.sandbox.kubectl(User::PaymentsDev);
    let output = run(
        command.args(["apply", "-f", "-", "-n", place.namespace]),
        Some(&manifest),
    );
    assert!(
        output.status.success(),
        "kubectl takes it unchanged: {}",
        text(&output)
    );
    eventually("what was applied is a database like any other", || {
        (place.state("orders").0 == "ready").then_some(())
    })
    .await;

    let ways = [
        ("--dry-run=client", "(dry run)"),
        ("--dry-run=server", "(server dry run)"),
    ];
    for (way, suffix) in ways {
        let deleted = place.done(&["delete", "orders", way]);
        assert_eq!(deleted, format!("database/orders deleted {suffix}\n"));
        let offered = place.done(&["transfer", "orders", "--to", "billing", way]);
        let expected = format!("database/orders offered to billing {suffix}\n");
        assert_eq!(offered, expected);
    }
    for words in [
        &["delete", "orders"][..],
        &["transfer", "orders", "--to", "billing"],
    ] {
        let words = [words, &["--dry-run=server"]].concat();
        let said = place.fails_by(User::BillingDev, &words);
        assert!(said.contains("may not act for that team"), "{said}");
    }
    let history = place.done(&["history", "orders", "--no-headers"]);
    assert_eq!(history.lines().count(), 1, "{history}");
    assert_eq!(place.state("orders").0, "ready");

    place.done(&["delete", "orders", "--yes"]);
    for (way, suffix) in ways {
        let purged = place.done(&["purge", "orders", way]);
        assert_eq!(purged, format!("database/orders purged {suffix}\n"));
    }
    let by_another = ["purge", "orders", "--dry-run=server"];
    let said = place.fails_by(User::BillingDev, &by_another);
    assert!(said.contains("may not act for that team"), "{said}");
    let kept = place.done(&["list", "--restorable", "-o", "name"]);
    assert_eq!(kept, "database/orders\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_come_up_is_not_called_ready() {
    let place = Place::shared("stuck").await;
    let words = creation("orders");
    let said = place.fails(
        &[
            &words[..],
            &["--image", "registry.example/missing", "--timeout", "5s"],
        ]
        .concat(),
    );
    assert!(
        said.contains("not ready after 5s") && said.contains("kubectl daap explain orders"),
        "{said}"
    );
    let (state, _) = place.state("orders");
    assert_ne!(state, "ready");
    let database = place.json(&["get", "orders", "-o", "json"]);
    assert!(
        database["status"].get("connection").is_none(),
        "connection details only when ready"
    );
    assert!(
        place
            .fails(&["credentials", "orders"])
            .contains("not ready")
    );
    // It cannot hibernate, and it goes all the same.
    place.done(&["delete", "orders", "--yes", "--purge", "--force"]);
    assert_eq!(
        place.kubectl(&["get", "clusters,poolers,pvc", "-o", "name"], None),
        ""
    );
}

/// Whatever names the Cluster would be left to whoever takes the name next.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_something_still_names_is_not_deleted() {
    let sandbox = Sandbox::start().await.unwrap();
    serve_dependents(&sandbox.client(User::Harness).await).await;
    let place = Place::of(&sandbox, "named").await;
    place.create("orders", &["--wait=false"]);
    for kind in ["DatabaseRole", "Database"] {
        let dependent = json!({
            "apiVersion": "postgresql.cnpg.io/v1", "kind": kind, "metadata": {"name": "reader"},
            "spec": {"cluster": {"name": "daap-orders"}},
        });
        place.kubectl(&["create", "-f", "-"], Some(&dependent));
        let said = place.fails(&["delete", "orders", "--yes"]);
        let plural = format!("{}s.postgresql.cnpg.io/reader", kind.to_lowercase());
        assert!(
            said.contains(&format!("database/orders is still used by {plural}"))
                && said.contains(&format!("kubectl delete -n named {plural}")),
            "{said}"
        );
        place.kubectl(&["delete", &plural], None);
    }
    place.done(&["delete", "orders", "--yes", "--purge"]);
}
