//! Every format, read by who it is for, with a password that has everything in it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use daap_tests::place::{Place, eventually, run, text};
use daap_tests::sandbox::User;
use serde_json::json;

use crate::ground::{answer, balancer, password, psql};

const NASTY: &str = "it's: a \\ \"test\" $HOME `id` #%@/?&=+ é";

/// A database with that password, in force.
async fn nasty(namespace: &'static str) -> Place<'static> {
    let place = Place::shared(namespace).await;
    place.create("orders", &[]);
    let patch = json!({"stringData": {"password": NASTY}}).to_string();
    let secret = "secret/daap-orders-app";
    place.kubectl(&["patch", secret, "--type=merge", "-p", &patch], None);
    let ask = ["connect", "orders", "--", "-At", "-c", "select 1"];
    eventually("the password is in force", || {
        let output = place.plugin(User::PaymentsDev, &ask);
        (text(&output).trim() == "1").then_some(())
    })
    .await;
    place
}

fn in_shell(folder: &Path, script: &str, address: &str) -> String {
    let mut command = Command::new("sh");
    command
        .args(["-ec", script])
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PGHOSTADDR", address);
    answer(&mut command)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_format_logs_its_reader_in() {
    let place = nasty("formats").await;
    let address = balancer(&place);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let show = |shape: &str| place.done(&["credentials", "orders", "-o", shape, "--show-password"]);
    assert_eq!(password(&place), NASTY);
    let ask = ["-c", "select current_user"];

    let uri = show("uri");
    let with_uri = [&[uri.trim()][..], &ask].concat();
    assert_eq!(
        answer(&mut psql(&with_uri, &[("PGHOSTADDR", &address)])),
        "app"
    );

    let hidden = place.done(&["credentials", "orders", "-o", "uri"]);
    let line = file(
        "pgpass",
        &place.done(&["credentials", "orders", "-o", "pgpass"]),
    );
    let with_file = [&[hidden.trim()][..], &ask].concat();
    let variables = [("PGHOSTADDR", address.as_str()), ("PGPASSFILE", &line)];
    assert_eq!(answer(&mut psql(&with_file, &variables)), "app");

    let services = file("services", &show("service"));
    let with_service = [&["service=orders"][..], &ask].concat();
    let variables = [
        ("PGHOSTADDR", address.as_str()),
        ("PGSERVICEFILE", &services),
    ];
    assert_eq!(answer(&mut psql(&with_service, &variables)), "app");

    file("env", &show("env"));
    let script = "eval \"$(cat env)\"; psql -XAt -c 'select current_user'";
    assert_eq!(in_shell(folder.path(), script, &address), "app");

    file(".env", &show("dotenv"));
    let script = "set -a; . ./.env; psql -XAt -c 'select current_user'";
    assert_eq!(in_shell(folder.path(), script, &address), "app");
    let script = "set -a; . ./.env; psql \"$DATABASE_URL\" -XAt -c 'select current_user'";
    assert_eq!(in_shell(folder.path(), script, &address), "app");

    let command = show("psql");
    let script = format!("{} -XAt -c 'select current_user'", command.trim());
    assert_eq!(in_shell(folder.path(), &script, &address), "app");

    let document = place.json(&["credentials", "orders", "-o", "json", "--show-password"]);
    assert_eq!(document["password"], NASTY);
    assert_eq!(document["sslMode"], "verify-full");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_lies_where_the_uri_says_and_is_the_databases() {
    let place = Place::shared("authority").await;
    place.create("orders", &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deeper").join("ca.crt");
    let words = [
        "credentials",
        "orders",
        "-o",
        "json",
        "--ca-file",
        file.to_str().unwrap(),
    ];
    let document = place.json(&words);
    assert_eq!(document["sslRootCert"], file.to_str().unwrap());
    let stored = place.kubectl(
        &[
            "get",
            "secret/daap-orders-ca",
            "-o",
            r"jsonpath={.data.ca\.crt}",
        ],
        None,
    );
    let stored = base64::prelude::BASE64_STANDARD.decode(stored).unwrap();
    assert_eq!(fs::read(&file).unwrap(), stored);

    // Without a flag: a file of this database's own, below the home folder.
    let document = place.json(&["credentials", "orders", "-o", "json"]);
    let named = document["sslRootCert"].as_str().unwrap();
    assert!(
        named.contains("/.kube/daap/") && named.ends_with("/authority/orders.crt"),
        "{named}"
    );
    assert_eq!(fs::read(named).unwrap(), stored);
    assert!(!fs::read_to_string(named).unwrap().contains("KEY"));

    let mut command = place.sandbox.plugin(User::PaymentsDev);
    command
        .args(["credentials", "orders", "-o", "uri", "-n", "authority"])
        .env("HOME", "/proc/nowhere");
    let output = run(&mut command, None);
    assert!(output.status.success(), "{}", text(&output));
    let said = text(&output);
    assert!(
        said.contains("Warning: failed to write the certificate authority"),
        "{said}"
    );
    assert!(!said.contains("sslrootcert="), "{said}");
    let said = place.fails(&["credentials", "orders", "--ca-file", "/proc/nowhere/ca.crt"]);
    assert!(said.contains("--ca-file FILE"), "{said}");
}
