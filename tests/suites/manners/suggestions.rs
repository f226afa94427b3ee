//! What somebody meant who mistyped a command or a name.

use daap_tests::place::{Place, text};
use daap_tests::sandbox::User;

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_command_or_name_is_answered_with_what_is_meant() {
    let place = Place::shared("meant").await;
    place.create("orders", &["--wait=false"]);
    for (typed, meant) in [
        ("databases", "list"),
        ("rm", "delete"),
        ("new", "create"),
        ("lst", "list"),
    ] {
        let output = place.plugin(User::PaymentsDev, &[typed]);
        assert_eq!(output.status.code(), Some(2), "{typed}");
        let said = text(&output);
        assert!(said.contains(&format!("'{meant}'")), "{typed}: {said}");
    }
    for command in [
        "get",
        "tree",
        "describe",
        "delete",
        "update --purpose x",
        "diff",
    ] {
        let mut words: Vec<&str> = command.split(' ').collect();
        words.insert(1, "ordrs");
        let output = place.plugin(User::PaymentsDev, &words);
        let said = text(&output);
        assert!(!output.status.success(), "{words:?}: {said}");
        assert!(said.contains("did you mean orders?"), "{words:?}: {said}");
    }
    let said = place.fails(&["get", "invoices"]);
    assert!(!said.contains("did you mean"), "{said}");
    // Nobody is there to be asked.
    let output = place.plugin(User::PaymentsDev, &["tree"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("NAME"), "{}", text(&output));
}
