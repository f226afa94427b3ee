//! An explanation in the hands of a test: what it says, what it shows, and that what it advises works.

use daap_tests::place::{Place, eventually, run, text};
use daap_tests::sandbox::User;
use serde_json::Value;

/// The database of every test.
pub(crate) const NAME: &str = "orders";

/// Begins a database that does not become ready.
pub(crate) fn begin(place: &Place<'_>, more: &[&str]) {
    place.create(NAME, &[&["--wait=false"], more].concat());
}

/// Waits until the explanation gives this cause, and returns it.
pub(crate) async fn explained(place: &Place<'_>, cause: &str) -> Value {
    explained_to(place, User::PaymentsDev, cause).await
}

pub(crate) async fn explained_to(place: &Place<'_>, user: User, cause: &str) -> Value {
    let mut last = String::new();
    let what = format!("the cause {cause}");
    let found = eventually(&what, || {
        last = place.done_by(user, &["explain", NAME, "-o", "json"]);
        let said: Value = serde_json::from_str(&last).ok()?;
        (said["cause"] == cause).then_some(said)
    });
    let said = found.await;
    assert_eq!(said["kind"], "Explanation");
    assert_eq!(said["metadata"]["name"], NAME);
    assert!(said["remedy"]["commands"][0].is_string(), "{last}");
    said
}

/// Waits until the explanation also shows this: what goes wrong is not seen everywhere at once.
pub(crate) async fn shown(place: &Place<'_>, cause: &str, object: &str, words: &str) {
    eventually(&format!("{object} says {words}"), || {
        let said = place.json(&["explain", NAME, "-o", "json"]);
        (said["cause"] == cause && has(&said, object, words)).then_some(())
    })
    .await;
}

/// The evidence has an object of that kind that says this.
#[track_caller]
pub(crate) fn shows(said: &Value, object: &str, words: &str) {
    assert!(
        has(said, object, words),
        "no {object} says {words}: {said:#}"
    );
}

fn has(said: &Value, object: &str, words: &str) -> bool {
    let evidence = said["evidence"].as_array().unwrap();
    evidence.iter().any(|one| {
        let part = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        part("object").starts_with(object)
            && format!("{} {}", part("place"), part("quote")).contains(words)
    })
}

#[track_caller]
pub(crate) fn advises(said: &Value, words: &str) {
    let commands = said["remedy"]["commands"].as_array().unwrap();
    let found = commands
        .iter()
        .any(|command| command.as_str().unwrap_or_default().contains(words));
    assert!(found, "nothing to do with {words}: {said:#}");
}

/// Types a remedy's command that begins so, as the user would.
pub(crate) fn follow(place: &Place<'_>, said: &Value, beginning: &str) {
    let commands = said["remedy"]["commands"].as_array().unwrap();
    let command = commands
        .iter()
        .filter_map(Value::as_str)
        .find(|command| command.starts_with(beginning))
        .unwrap_or_else(|| panic!("no {beginning}: {said:#}"));
    let mut words = place.sandbox.plugin(User::PaymentsDev);
    // What is printed is typed into a shell, where kubectl finds the plugin by the PATH.
    let path = words
        .get_envs()
        .find(|(key, _)| *key == "PATH")
        .and_then(|(_, value)| value.map(ToOwned::to_owned))
        .unwrap();
    let kubectl = words.get_program().to_owned();
    let folder = std::path::Path::new(&kubectl).parent().unwrap();
    let mut full = folder.as_os_str().to_owned();
    full.push(":");
    full.push(path);
    words = std::process::Command::new("sh");
    words
        .args(["-c", command])
        .env("PATH", full)
        .env("KUBECONFIG", place.sandbox.kubeconfig_of(User::PaymentsDev));
    let output = run(&mut words, None);
    assert!(output.status.success(), "{command}: {}", text(&output));
}

pub(crate) async fn ready(place: &Place<'_>) {
    eventually("the database is ready", || {
        (place.state(NAME).0 == "ready").then_some(())
    })
    .await;
}
