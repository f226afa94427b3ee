//! A command that is printed to be typed next works as it is pasted, wherever the context points.

use std::process::{Command, Output};

use daap_tests::place::{Place, creation, run, text};
use daap_tests::sandbox::User;

/// As the admin, whose context has another namespace and other rights, by the kubeconfig of
/// payments-dev.
fn by_flags(place: &Place<'_>, words: &[&str]) -> Output {
    let kubeconfig = place.sandbox.kubeconfig_of(User::PaymentsDev);
    let mut command = place.sandbox.plugin(User::Admin);
    command.args(words).args(["-n", place.namespace]);
    run(command.arg("--kubeconfig").arg(kubeconfig), None)
}

/// The commands of what was printed, each as a shell takes it.
fn commands(said: &str) -> Vec<String> {
    let ends = [';', '\n', '`', ')'];
    let found = said.match_indices("kubectl daap ");
    found
        .map(|(at, _)| said[at..].split(ends).next().unwrap().to_owned())
        .collect()
}

/// Pasted into the shell of the admin.
fn pasted(place: &Place<'_>, command: &str) -> Output {
    let plugin = place.sandbox.plugin(User::Admin);
    let mut shell = Command::new("sh");
    for (name, value) in plugin.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    let kubectl = plugin.get_program().to_str().unwrap();
    let command = command.replacen("kubectl", kubectl, 1);
    run(shell.args(["-c", &command]), None)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_command_is_about_the_same_cluster_as_the_same_user() {
    let place = Place::shared("pasted").await;
    let words = [&creation("orders")[..], &["--wait=false"]].concat();
    let output = by_flags(&place, &words);
    assert!(output.status.success(), "{}", text(&output));
    let mut seen = 0;
    for (words, hints) in [
        (&words[..], 1),
        (&["rollback", "orders", "--to", "9"], 1),
        (&["rollback", "orders", "--to", "x"], 1),
        (&["get", "nothing"], 2),
        (&["explain", "orders"], 1),
    ] {
        let said = text(&by_flags(&place, words));
        let found = commands(&said);
        assert!(found.len() >= hints, "{words:?}: {said}");
        for command in found {
            assert!(command.contains(" --kubeconfig /"), "{command}: {said}");
            // One that goes on for ever is not run.
            if command.contains("--watch") {
                continue;
            }
            let output = pasted(&place, &command);
            assert!(output.status.success(), "{command}: {}", text(&output));
            seen += 1;
        }
    }
    assert!(seen >= 5, "only {seen} commands");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_flags_a_hint_is_as_short_as_it_was() {
    let place = Place::shared("unpasted").await;
    let said = place.fails(&["get", "nothing"]);
    assert!(
        said.contains("kubectl daap list -n unpasted;") && !said.contains("--kubeconfig"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_impersonate_is_told_that_and_whom() {
    let place = Place::shared("impersonated").await;
    for (flags, whom) in [
        (&["--as", "ada"][..], "user 'ada'"),
        (
            &["--as", "system:serviceaccount:apps:robot"],
            "service account 'robot' of namespace apps",
        ),
    ] {
        for words in [&["list"][..], &["get", "orders"], &["tree", "orders"]] {
            let said = place.fails(&[words, flags].concat());
            assert!(
                said.contains(&format!("payments-dev may not impersonate {whom}")),
                "{words:?}: {said}"
            );
            assert!(said.contains("hint: leave --as out"), "{words:?}: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_missing_is_told_at_once() {
    // Where nobody gave payments-dev anything.
    let place = Place {
        namespace: "kube-system",
        ..Place::shared("missing").await
    };
    let words = creation("orders");
    let said = place.fails(&words);
    let missing = said.lines().find(|line| line.contains("also missing:"));
    let missing = missing.unwrap_or_else(|| panic!("{said}"));
    for right in [
        "create clusters.postgresql.cnpg.io",
        "create poolers.postgresql.cnpg.io",
        "list configmaps",
    ] {
        assert!(said.contains(right), "{missing}: {said}");
    }
}
