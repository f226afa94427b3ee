//! What happened, as it is listed and as it is watched.

use daap_tests::place::{Place, eventually};
use daap_tests::sandbox::User;

use crate::advice::NAME;

#[tokio::test(flavor = "multi_thread")]
async fn events_are_sorted_watched_and_printed_in_kubectls_words() {
    let place = Place::shared("understand-events").await;
    assert!(place.fails(&["events", NAME]).contains("not found"));
    let mut watch = place.sandbox.plugin(User::PaymentsDev);
    watch
        .args(["events", "--watch", "-n", place.namespace])
        .stdout(std::process::Stdio::piped());
    let mut watch = watch.spawn().unwrap();
    let output = watch.stdout.take().unwrap();
    let lines = std::thread::spawn(move || {
        use std::io::BufRead as _;
        let mut lines = std::io::BufReader::new(output).lines();
        lines
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.contains("Job completed"))
    });
    place.create(NAME, &[]);
    eventually("the watch shows it", || lines.is_finished().then_some(())).await;
    let line = lines.join().unwrap().unwrap();
    assert!(line.contains("Job/daap-orders-1-initdb"), "{line}");
    watch.kill().unwrap();
    watch.wait().unwrap();

    let list = place.json(&["events", NAME, "-o", "json"]);
    let items = list["items"].as_array().unwrap();
    assert!(items.len() > 3, "{list}");
    let times: Vec<&str> = items
        .iter()
        .map(|event| {
            ["lastTimestamp", "eventTime"]
                .iter()
                .find_map(|key| event[*key].as_str())
                .unwrap_or_default()
        })
        .collect();
    let seconds = |time: &&str| time.get(..19).unwrap_or_default().to_owned();
    assert!(times.iter().map(seconds).is_sorted(), "{times:?}");
    let named = place.done(&["events", NAME, "--no-headers", "-o", "wide"]);
    assert!(
        named.contains("Cluster/daap-orders") || named.contains("Pod/daap-orders-1"),
        "{named}"
    );
    let listed = place.done(&["events", NAME, "-o", "name"]);
    assert!(
        listed.lines().all(|line| line.starts_with("event/")),
        "{listed}"
    );
    let usage = place.plugin(User::PaymentsDev, &["events", "--types", "Nonsense"]);
    assert_eq!(usage.status.code(), Some(2));
}
