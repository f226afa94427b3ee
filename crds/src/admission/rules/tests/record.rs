//! What is recorded: stamps, versions, what is completed and what never changes.

use super::*;

#[test]
fn create_stamps_who_and_when_and_ignores_what_was_brought_along() {
    let mut cluster = orders().cluster();
    set_annotation(&mut cluster, annotation::CREATED_BY, "somebody-else");
    set_annotation(&mut cluster, annotation::VERSION, "41");
    set_annotation(
        &mut cluster,
        annotation::HISTORY,
        history_of(&stored()).to_annotation(),
    );
    let (stored, violations) = World::default().admit(&create("payments-dev", &cluster));
    assert_eq!(violations, Vec::new());
    let view = View(&stored);
    assert_eq!(
        view.annotation(annotation::CREATED_BY),
        Some("payments-dev")
    );
    assert_eq!(
        view.annotation(annotation::CREATED_AT),
        Some("2026-11-21T10:00:00.25Z")
    );
    assert_eq!(view.annotation(annotation::VERSION), Some("1"));
    let versions = history_of(&stored).versions();
    assert_eq!(versions[0].action, Action::Created);
    assert_eq!(versions[0].reason.as_deref(), Some("new shop"));
}

#[test]
fn a_bare_cluster_is_completed_where_that_is_possible() {
    let bare = json!({
        "metadata": {"name": "daap-shop", "namespace": "apps",
            "labels": {label::OWNER_TEAM: "payments"},
            "annotations": {annotation::PURPOSE: "a shop"}},
        "spec": {"instances": 1},
    });
    let (stored, violations) = World::default().admit(&create("payments-dev", &bare));
    assert_eq!(violations, Vec::new());
    assert_eq!(View(&stored).label(label::NAME), Some("shop"));
    assert!(View(&stored).label(label::ID).is_some());
    assert_eq!(stored["spec"]["storage"]["size"], "10Gi");
    assert_eq!(
        stored["spec"]["inheritedMetadata"]["labels"][label::NAME],
        "shop"
    );
}

#[rstest]
#[case(json!({"metadata": {"labels": {"tier": "gold"}}}))]
#[case(annotations(&json!({"daap.dev/change-reason": "another reason alone"})))]
#[case(annotations(&json!({"daap.dev/pending": "{}"})))]
#[case(labels(&json!({"daap.dev/name": null, "daap.dev/id": null, "daap.dev/owner-team": null})))]
#[case(annotations(&json!({"daap.dev/purpose": null, "daap.dev/history": null, "daap.dev/version": "9"})))]
fn a_write_that_changes_no_tracked_field_leaves_no_row(#[case] change: Value) {
    let old = stored();
    let (new, violations) = World::default().admit(&update("payments-dev", &old, &change));
    assert_eq!(violations, Vec::new());
    for key in annotation::STAMPS {
        assert_eq!(
            View(&new).annotation(key),
            View(&old).annotation(key),
            "{key}"
        );
    }
    for key in label::RECORD {
        assert_eq!(View(&new).label(key), View(&old).label(key), "{key}");
    }
}

#[test]
fn applying_the_same_manifest_again_changes_no_byte() {
    let old = stored();
    let (new, _) = World::default().admit(&update("payments-dev", &old, &json!({})));
    assert_eq!(new.to_string(), old.to_string());
}

#[test]
fn a_tracked_change_appends_a_row_computed_from_the_old_object() {
    let old = stored();
    let change = json!({
        "metadata": {"annotations": {
            "daap.dev/history": r#"{"rows":[]}"#,
            "daap.dev/created-by": "mallory",
            "daap.dev/change-reason": "sale",
        }},
        "spec": {"instances": 2},
    });
    let (new, violations) = World::default().admit(&update("payments-dev", &old, &change));
    assert_eq!(violations, Vec::new());
    let history = history_of(&new);
    assert_eq!(history.rows[0], history_of(&old).rows[0]);
    assert_eq!(history.rows[1].set.instances, Some(2));
    assert_eq!(history.rows[1].reason.as_deref(), Some("sale"));
    assert_eq!(
        View(&new).annotation(annotation::CREATED_BY),
        Some("payments-dev")
    );
    assert_eq!(
        View(&new).annotation(annotation::UPDATED_AT),
        Some("2026-11-21T10:00:00.25Z")
    );
}

#[test]
fn stamps_hold_when_the_mutating_half_was_skipped() {
    let old = stored();
    let mut request = update("payments-dev", &old, &json!({"spec": {"instances": 2}}));
    let refused = World::default().settle(&request, judge);
    assert!(
        refused
            .iter()
            .all(|violation| violation.rule == crate::violation::Rule::History)
    );
    assert!(!refused.is_empty());
    // A row that claims another time than about now is not the webhook's.
    let mut forged = history_of(&old);
    let record = crate::history::Tracked {
        instances: 2,
        ..forged.current()
    };
    forged = forged.with(
        Action::Updated,
        "2026-11-21T09:30:00Z".parse().unwrap(),
        "payments-dev",
        Some("new shop"),
        &record,
    );
    set_annotation(
        request.object.as_mut().unwrap(),
        annotation::HISTORY,
        forged.to_annotation(),
    );
    assert!(!World::default().settle(&request, judge).is_empty());
}

#[test]
fn a_repair_takes_into_the_record_what_cannot_be_written_back() {
    let world = World::default();
    let mut drifted = stored();
    drifted["spec"]["storage"]["size"] = "2Gi".into();
    let touched = labels(&json!({"tier": "gold"}));
    let (stored, _) = world.admit(&update("payments-dev", &drifted, &touched));
    assert_eq!(
        history_of(&stored).version(),
        1,
        "not by whoever touches it next"
    );
    let pending = r#"{"operation":"repair","step":"finish","since":"2026-11-21T09:59:00Z"}"#;
    let repair = annotations(&json!({"daap.dev/pending": pending}));
    let (repaired, violations) = world.admit(&update("payments-dev", &drifted, &repair));
    assert_eq!(violations, Vec::new());
    let rows = history_of(&repaired).rows;
    assert_eq!(rows[1].action, Action::Repaired);
    assert_eq!(rows[1].set.storage.as_deref(), Some("2Gi"));
    let done = annotations(&json!({"daap.dev/pending": null}));
    let (finished, _) = world.admit(&update("payments-dev", &repaired, &done));
    assert_eq!(history_of(&finished).version(), 2);
}

#[rstest]
#[case(labels(&json!({"daap.dev/name": "other"})), &["naming metadata.name", "immutable metadata.labels[daap.dev/name]"])]
#[case(labels(&json!({"daap.dev/id": "67e55044-10b1-426f-9247-bb680e5fe0c9"})), &["immutable metadata.labels[daap.dev/id]"])]
#[case(json!({"spec": {"storage": {"storageClass": "fast"}}}), &["immutable spec.storage.storageClass"])]
#[case(json!({"spec": {"storage": {"size": "512Mi"}}}), &["limits spec.storage.size"])]
#[case(json!({"spec": {"bootstrap": {"recovery": {"source": "other"}}}}), &["immutable spec.bootstrap", "spec-fields spec.bootstrap.recovery"])]
#[case(json!({"spec": {"bootstrap": {"initdb": {"database": "app", "owner": "app"}}}}), &[])]
#[case(json!({"spec": {"imageName": "registry.example/postgresql:17.7"}}), &[])]
fn some_fields_never_change(#[case] change: Value, #[case] expected: &[&str]) {
    assert_eq!(
        World::default().refusals(&update("payments-dev", &stored(), &change)),
        expected
    );
}
