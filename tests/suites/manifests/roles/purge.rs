use std::collections::BTreeMap;

use daap_tests::place::{Place, text};
use daap_tests::sandbox::User;

use super::refused::may;
use super::{apply_purge, sandbox};

/// What the nightly account can do beside purging what has expired: nothing to what lives.
#[tokio::test(flavor = "multi_thread")]
async fn the_nightly_purge_harms_nothing_that_lives() {
    let sandbox = sandbox().await;
    apply_purge(sandbox);
    let place = Place::of(sandbox, "roles-purge").await;
    place.create("orders", &[]);
    let account = "system:serviceaccount:daap-system:daap-purge";
    for words in [
        &["delete", "orders", "--yes"][..],
        &["update", "orders", "--purpose", "mine"],
        &["purge", "orders", "--yes"],
        &["credentials", "orders"],
        &["transfer", "orders", "--to", "billing"],
    ] {
        let words = [words, &["--as", account]].concat();
        let output = place.plugin(User::Admin, &words);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{words:?}: {}",
            text(&output)
        );
    }
    let purge = ["purge", "--expired", "--yes", "--as", account];
    assert_eq!(place.done_by(User::Admin, &purge), "");
    assert_eq!(place.state("orders").0, "ready");
    let writes: BTreeMap<&str, &[&str]> = BTreeMap::from([
        (
            "clusters.postgresql.cnpg.io",
            &["list", "create", "update", "patch", "delete"][..],
        ),
        ("secrets", &["list", "create", "update", "patch"]),
        ("persistentvolumeclaims", &["create", "update", "patch"]),
        ("configmaps", &["create", "update", "delete"]),
        ("pods", &["list", "create"]),
    ]);
    let identity = [&*format!("--as={account}")].map(str::to_owned);
    let identity: Vec<&str> = identity.iter().map(String::as_str).collect();
    for (resource, verbs) in writes {
        for verb in verbs {
            assert!(
                !may(&place, &identity, verb, resource),
                "it may {verb} {resource}"
            );
        }
    }
}
