//! A rollback with every single request failing once: what it leaves is finished by the same
//! command, as one version.

use std::time::Duration;

use daap_crds::contract::label;
use daap_crds::history::{Action, verify_object};
use daap_crds::names::Team;
use daap_crds::purpose::Purpose;

use super::*;
use crate::cli::DryRun;
use crate::kubernetes::fake::{Fake, Fault};
use crate::operation::{Asked, Create, Deadline, Update, check, run};
use crate::output::Progress;

fn orders() -> DatabaseName {
    DatabaseName::parse("orders").unwrap()
}

async fn drive<O: Operation>(operation: &mut O) -> Result<O::World, Failure> {
    let deadline = Deadline::within(Duration::from_mins(1));
    run(operation, deadline, &Progress::new("database/orders")).await
}

/// A database that has changed its team and its purpose: version 2.
async fn changed() -> Fake {
    let fake = Fake::default();
    let asked = Asked {
        name: orders(),
        team: Team::parse("payments").unwrap(),
        purpose: Purpose::parse("order intake").unwrap(),
        id: None,
        instances: Some(1),
        storage: None,
        storage_class: None,
        image: None,
        pool_mode: None,
        pool_instances: None,
        change_reason: None,
    };
    drive(&mut Create::new(fake.connect(), asked))
        .await
        .unwrap();
    let changes = Changes {
        team: Some(Team::parse("billing").unwrap()),
        purpose: Some(Purpose::parse("orders and returns").unwrap()),
        ..Changes::default()
    };
    let mut update = Update::new(fake.connect(), orders(), changes);
    drive(&mut update).await.unwrap();
    fake.heal();
    fake
}

async fn roll_back(fake: &Fake, dry_run: DryRun) -> Result<bool, Failure> {
    let k8s = dry_run.connection(&fake.connect());
    let mut rollback = Rollback::new(k8s, orders(), 1, None);
    if dry_run == DryRun::Client {
        return Ok(check(&mut rollback).await?.is_some());
    }
    drive(&mut rollback).await?;
    Ok(rollback.changed)
}

fn cluster(fake: &Fake) -> Value {
    fake.objects("/clusters/").remove(0)
}

fn assert_rolled_back(fake: &Fake, case: &str) {
    let cluster = cluster(fake);
    let view = View(&cluster);
    assert_eq!(view.annotation(annotation::PENDING), None, "{case}");
    assert_eq!(verify_object(view), [], "{case}");
    let history =
        daap_crds::history::History::parse(view.annotation(annotation::HISTORY).unwrap()).unwrap();
    let versions = history.versions();
    assert_eq!(versions.len(), 3, "{case}");
    assert_eq!(versions[2].record, versions[0].record, "{case}");
    // A change of the team is always a transfer, whatever it came with.
    assert_eq!(versions[2].action, Action::Transferred, "{case}");
    let pooler = fake.objects("/poolers/").remove(0);
    assert_eq!(
        View(&pooler).label(label::OWNER_TEAM),
        Some("payments"),
        "{case}"
    );
}

#[tokio::test(start_paused = true)]
async fn it_survives_any_lost_request_or_answer() {
    let whole = changed().await;
    assert!(roll_back(&whole, DryRun::None).await.unwrap());
    assert_rolled_back(&whole, "without a fault");
    let requests = whole.requests();
    assert!(!roll_back(&whole, DryRun::None).await.unwrap(), "unchanged");
    for fault in [Fault::Lost, Fault::AnswerLost] {
        for lost in 0..requests {
            let case = format!("{fault:?} {lost}");
            let fake = changed().await;
            fake.fail(move |number, _, _| (number == lost).then_some(fault));
            if roll_back(&fake, DryRun::None).await.is_err() {
                // Only while nothing has begun; the first look is two requests.
                assert!(lost < 2, "{case}");
                roll_back(&fake, DryRun::None).await.unwrap();
            }
            assert_rolled_back(&fake, &case);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_was_killed_is_finished_as_one_version() {
    let whole = changed().await;
    roll_back(&whole, DryRun::None).await.unwrap();
    for killed in 0..whole.requests() {
        let fake = changed().await;
        fake.fail(move |number, _, _| (number >= killed).then_some(Fault::Lost));
        roll_back(&fake, DryRun::None).await.unwrap_err();
        fake.heal();
        roll_back(&fake, DryRun::None).await.unwrap();
        assert_rolled_back(&fake, &format!("killed at {killed}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_on_the_way_is_said_by_the_cluster_and_the_same_command_goes_on() {
    let fake = changed().await;
    fake.fail(|_, method, path| {
        (method == http::Method::PATCH && path.contains("/poolers/")).then_some(Fault::Refused(403))
    });
    let failure = roll_back(&fake, DryRun::None).await.unwrap_err();
    assert!(
        failure.render().contains("is incomplete"),
        "{}",
        failure.render()
    );
    let cluster = cluster(&fake);
    let pending = pending(View(&cluster)).unwrap();
    assert!(pending.error.unwrap().contains("refused by the fake"));
    fake.heal();
    roll_back(&fake, DryRun::None).await.unwrap();
    assert_rolled_back(&fake, "after the refusal");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_of_the_client_writes_nothing() {
    let fake = changed().await;
    let before = cluster(&fake);
    assert!(roll_back(&fake, DryRun::Client).await.unwrap());
    assert_eq!(cluster(&fake), before);
}
