//! Templates in a flag of their own, as kubectl takes them, and templates of credentials.

use daap_tests::place::{Place, text};
use daap_tests::sandbox::User;

#[tokio::test(flavor = "multi_thread")]
async fn a_template_may_stand_in_a_flag_of_its_own() {
    let place = Place::shared("templates").await;
    place.create("orders", &["--wait=false"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("template");
    std::fs::write(&file, "{{.metadata.name}}").unwrap();
    let file = file.to_str().unwrap();
    let go = "{{.metadata.name}}";
    for words in [
        &["get", "orders", "-o", "go-template", "--template", go][..],
        &["get", "orders", "--template", go],
        &[
            "get",
            "orders",
            "-o",
            "go-template-file",
            "--template",
            file,
        ],
        &[
            "get",
            "orders",
            "-o",
            "jsonpath",
            "--template={.metadata.name}",
        ],
        &[
            "explain",
            "orders",
            "-ojsonpath",
            "--template={.metadata.name}",
        ],
    ] {
        assert_eq!(place.done(words), "orders", "{words:?}");
    }
    for words in [
        &["get", "orders", "-o", "json", "--template", go][..],
        &["get", "orders", "-o", "go-template"],
        &["describe", "orders", "-o", "json"],
    ] {
        let output = place.plugin(User::PaymentsDev, words);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{words:?}: {}",
            text(&output)
        );
    }
    let said = text(&place.plugin(User::PaymentsDev, &["describe", "orders", "-o", "json"]));
    assert!(
        said.contains("kubectl daap get orders -o json -n templates"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn single_fields_of_a_login_are_printed_and_no_password_by_accident() {
    let place = Place::shared("fields").await;
    place.create("orders", &[]);
    let show = |format: &str, more: &[&str]| {
        place.done(&[&["credentials", "orders", "-o", format], more].concat())
    };
    let shown = ["--show-password"];
    let password = show("password", &[]);
    assert_eq!(
        show("jsonpath={.user}@{.host}:{.port}/{.database}", &[]),
        "app@daap-orders-pooler.fields.svc:5432/app"
    );
    assert_eq!(show("go-template={{.user}}", &[]), "app");
    assert_eq!(show("jsonpath={.password}", &shown), password.trim());
    assert!(!show("jsonpath={.uri}", &[]).contains(password.trim()));
    for format in ["jsonpath={.password}", "go-template={{.password}}"] {
        let output = place.plugin(User::PaymentsDev, &["credentials", "orders", "-o", format]);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(
            text(&output).contains("--show-password"),
            "{}",
            text(&output)
        );
    }
}
