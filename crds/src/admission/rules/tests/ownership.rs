//! Whose a database is, and how it becomes another's.

use super::*;

#[rstest]
#[case("payments-dev", &[])]
#[case("admin", &[])]
#[case("billing-dev", &["ownership metadata.labels[daap.dev/owner-team]"])]
#[case("outsider", &["ownership metadata.labels[daap.dev/owner-team]"])]
fn create_needs_the_team(#[case] user: &str, #[case] expected: &[&str]) {
    assert_eq!(
        World::default().refusals(&create(user, &orders().cluster())),
        expected
    );
}

#[rstest]
#[case("billing-dev", json!({"metadata": {"labels": {"tier": "gold"}}}))]
#[case("billing-dev", labels(&json!({"daap.dev/owner-team": null})))]
#[case("billing-dev", labels(&json!({"daap.dev/owner-team": "billing"})))]
#[case("outsider", annotations(&json!({"daap.dev/purpose": "mine"})))]
#[case("outsider", json!({"metadata": {"labels": null, "annotations": null}}))]
fn an_update_needs_the_team(#[case] user: &str, #[case] change: Value) {
    let refusals = World::default().refusals(&update(user, &stored(), &change));
    assert!(
        refusals.contains(&"ownership metadata.labels[daap.dev/owner-team]".to_owned()),
        "{refusals:?}"
    );
}

#[test]
fn an_offer_ends_with_the_owner_who_made_it_and_names_a_team_that_exists() {
    let mut world = World::default();
    let offer = annotations(&json!({"daap.dev/offered-to": "billing"}));
    let (offered, _) = world.admit(&update("payments-dev", &stored(), &offer));
    let give = labels(&json!({"daap.dev/owner-team": "shop"}));
    let (given, violations) = world.admit(&update("admin", &offered, &give));
    assert_eq!(violations, Vec::new());
    assert_eq!(View(&given).annotation(annotation::OFFERED_TO), None);
    world.policy = Policy::from_yaml("teams: [payments]").unwrap();
    assert_eq!(
        world.refusals(&update("payments-dev", &stored(), &offer)),
        ["teams metadata.annotations[daap.dev/offered-to]"]
    );
}

#[test]
fn a_transfer_needs_both_teams_or_an_offer() {
    let world = World::default();
    let give = labels(&json!({"daap.dev/owner-team": "billing"}));
    assert_eq!(
        world.refusals(&update("payments-dev", &stored(), &give)),
        ["ownership metadata.labels[daap.dev/owner-team]"]
    );
    let (given, violations) = world.admit(&update("admin", &stored(), &give));
    assert_eq!(violations, Vec::new());
    assert_eq!(history_of(&given).rows[1].action, Action::Transferred);

    let offer = annotations(&json!({"daap.dev/offered-to": "billing"}));
    let (offered, violations) = world.admit(&update("payments-dev", &stored(), &offer));
    assert_eq!(violations, Vec::new());
    let accept = json!({"metadata": {"labels": {"daap.dev/owner-team": "billing"}, "annotations": {"daap.dev/offered-to": null}}});
    assert_eq!(
        world.refusals(&update("billing-dev", &offered, &accept)),
        [""; 0]
    );
    assert_eq!(
        world.refusals(&update("outsider", &offered, &accept)).len(),
        1
    );
    // The acceptance may be marked as unfinished, but not turned into something else.
    let pending = |operation: &str| {
        let mut accept = accept.clone();
        accept["metadata"]["annotations"]["daap.dev/pending"] = format!(
            r#"{{"operation":"{operation}","step":"finish","since":"2026-11-21T09:59:00Z"}}"#
        )
        .into();
        world.refusals(&update("billing-dev", &offered, &accept))
    };
    assert_eq!(pending("transfer"), [""; 0]);
    assert!(!pending("delete").is_empty());
    let mut more = accept;
    more["spec"] = json!({"instances": 3});
    assert!(
        !world
            .refusals(&update("billing-dev", &offered, &more))
            .is_empty()
    );
}

#[test]
fn an_object_without_an_owner_is_an_administrators() {
    let bare = json!({"metadata": {"name": "daap-old", "namespace": "apps"}, "spec": {"instances": 1, "storage": {"size": "1Gi"}}});
    let adopt = json!({"metadata": {"labels": {"daap.dev/name": "old", "daap.dev/owner-team": "payments", "daap.dev/id": ID}, "annotations": {"daap.dev/purpose": "old"}}});
    let world = World::default();
    assert_eq!(world.refusals(&update("admin", &bare, &adopt)), [""; 0]);
    assert_eq!(
        world.refusals(&update("payments-dev", &bare, &adopt)),
        ["administrator metadata.labels[daap.dev/owner-team]"]
    );
    let delete = write(
        Resource::Cluster,
        Operation::Delete,
        "admin",
        Some(&bare),
        None,
    );
    assert_eq!(world.refusals(&delete), [""; 0]);
}
