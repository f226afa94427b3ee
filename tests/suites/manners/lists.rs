//! Lists that are sorted, selected by fields, taken in chunks, and show labels as columns.

use daap_tests::place::{Place, text};
use daap_tests::sandbox::User;

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_sorted_and_selected() {
    let place = Place::shared("sorted").await;
    place.create("db-10", &["--wait=false", "--storage", "512Mi"]);
    in_the_next_second();
    place.create(
        "db-2",
        &["--wait=false", "--storage", "2Gi", "--instances", "2"],
    );
    in_the_next_second();
    place.create("other", &["--wait=false", "--storage", "1Gi"]);
    let names = |words: &[&str]| -> String {
        let printed = place.done(&[&["list", "-o", "name"], words].concat());
        printed.replace("database/", "").replace('\n', " ")
    };
    for (by, sorted) in [
        (".metadata.name", "db-2 db-10 other "),
        ("{.metadata.name}", "db-2 db-10 other "),
        ("NAME", "db-2 db-10 other "),
        (".spec.storage", "db-10 other db-2 "),
        ("storage", "db-10 other db-2 "),
        ("age", "other db-2 db-10 "),
    ] {
        assert_eq!(names(&["--sort-by", by]), sorted, "{by}");
    }
    // The first of all that there are, and not those that the API server lists first.
    assert_eq!(
        names(&["--sort-by", "storage", "--limit", "2"]),
        "db-10 other "
    );
    let output = place.plugin(
        User::PaymentsDev,
        &["list", "--sort-by", "storage", "--limit", "2"],
    );
    assert!(text(&output).contains("1 more"), "{}", text(&output));
    assert_eq!(names(&["--field-selector", "spec.instances=2"]), "db-2 ");
    assert_eq!(
        names(&[
            "--field-selector",
            "metadata.name!=other,status.state!=docked",
            "--chunk-size",
            "1"
        ]),
        "db-10 db-2 "
    );
    assert_eq!(names(&["--chunk-size", "0"]), "db-10 db-2 other ");
    let table = place.done(&["list", "-L", "daap.dev/owner-team,tier"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].ends_with("OWNER-TEAM   TIER"), "{table}");
    assert!(lines[1].ends_with("payments     <none>"), "{table}");
    for (words, said) in [
        (&["list", "--sort-by", "nonsense"][..], "OWNER-TEAM"),
        (
            &["list", "--field-selector", "spec.nodeName=x"],
            "record.ownerTeam",
        ),
        (&["list", "-w", "--deleted"], "--watch"),
        (&["list", "-w", "--limit", "1"], "--limit"),
        (&["list", "--deleted", "--continue", "x"], "--continue"),
        (
            &["list", "--sort-by", "name", "--continue", "x"],
            "--continue",
        ),
    ] {
        let output = place.plugin(User::PaymentsDev, words);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{words:?}: {}",
            text(&output)
        );
        assert!(text(&output).contains(said), "{words:?}: {}", text(&output));
    }
    assert!(
        place
            .fails(&["list", "--sort-by", ".spec.nothing"])
            .contains(".spec.nothing")
    );
}

/// Ages are told apart by whole seconds: that is how Kubernetes takes down when an object was made.
fn in_the_next_second() {
    let second = || jiff::Timestamp::now().as_second();
    let began = second();
    while second() == began {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
