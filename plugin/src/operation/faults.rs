//! Every operation, with every single request failing once: what it leaves is finished by the same
//! command, with the same id.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use daap_crds::contract::{annotation, label};
use daap_crds::names::{DatabaseName, Team};
use daap_crds::object::View;
use daap_crds::purpose::Purpose;
use daap_crds::tombstone::{Stage, Tombstone};
use http::Method;

use super::*;
use crate::kubernetes::Kind;
use crate::kubernetes::fake::{Fake, Fault};

fn orders() -> DatabaseName {
    DatabaseName::parse("orders").unwrap()
}

fn asked() -> Asked {
    Asked {
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
    }
}

async fn drive_to_end<O: Operation>(mut operation: O) -> Result<O::World, Failure> {
    let deadline = Deadline::within(Duration::from_mins(1));
    run(&mut operation, deadline, &Progress::new("database/orders")).await
}

async fn create(fake: &Fake) -> Result<(), Failure> {
    drive_to_end(Create::new(fake.connect(), asked()))
        .await
        .map(drop)
}

async fn delete(fake: &Fake, manner: Manner) -> Result<(), Failure> {
    drive_to_end(Delete::new(fake.connect(), orders(), manner))
        .await
        .map(drop)
}

fn ids(fake: &Fake) -> Vec<String> {
    let id = |object: &serde_json::Value| View(object).label(label::ID).map(str::to_owned);
    ["/clusters/", "/poolers/"]
        .iter()
        .flat_map(|part| fake.objects(part))
        .filter_map(|object| id(&object))
        .collect()
}

/// A database is whole: Cluster and Pooler of one id, stamped, nothing pending.
fn assert_created(fake: &Fake, case: &str) {
    let clusters = fake.objects("/clusters/");
    let [cluster] = clusters.as_slice() else {
        panic!("{case}: {} clusters", clusters.len())
    };
    assert_eq!(
        View(cluster).annotation(annotation::PENDING),
        None,
        "{case}"
    );
    assert_eq!(
        View(cluster).annotation(annotation::VERSION),
        Some("1"),
        "{case}"
    );
    assert_eq!(
        View(cluster).text("/spec/storage/size"),
        Some("10Gi"),
        "{case}"
    );
    let ids = ids(fake);
    assert!(
        matches!(ids.as_slice(), [a, b] if a == b),
        "{case}: {ids:?}"
    );
    let poolers = fake.objects("/poolers/");
    assert!(
        poolers
            .iter()
            .all(|pooler| View(pooler).is_owned_by(View(cluster).uid())),
        "{case}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_creation_survives_any_lost_request_or_answer() {
    let whole = Fake::default();
    create(&whole).await.unwrap();
    assert_created(&whole, "without a fault");
    for fault in [Fault::Lost, Fault::AnswerLost] {
        for lost in 0..whole.requests() {
            let case = format!("{fault:?} {lost}");
            let fake = Fake::default();
            fake.fail(move |number, _, _| (number == lost).then_some(fault));
            if create(&fake).await.is_err() {
                // Only while nothing has begun; the first look is two requests.
                assert!(lost < 2, "{case}");
                create(&fake).await.unwrap();
            }
            assert_created(&fake, &case);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_was_killed_is_finished_with_the_same_id() {
    let whole = Fake::default();
    create(&whole).await.unwrap();
    for killed in 0..whole.requests() {
        let fake = Fake::default();
        fake.fail(move |number, _, _| (number >= killed).then_some(Fault::Lost));
        create(&fake).await.unwrap_err();
        let before = ids(&fake);
        fake.heal();
        let again = create(&fake).await;
        // What was finished before the last look is there, and is not created twice.
        assert!(again.is_ok() || again.unwrap_err().to_string().contains("exists already"));
        assert_created(&fake, &format!("killed at {killed}"));
        assert!(
            before.iter().all(|id| ids(&fake).contains(id)),
            "killed at {killed}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_pooler_docks_the_cluster_and_the_same_command_repairs_it() {
    let fake = Fake::default();
    fake.fail(|_, method, path| {
        (method == Method::POST && path.ends_with("/poolers")).then_some(Fault::Refused(403))
    });
    let failure = create(&fake).await.unwrap_err();
    assert!(failure.render().contains("docked"), "{}", failure.render());
    let cluster = fake.objects("/clusters/").remove(0);
    assert_eq!(View(&cluster).annotation("cnpg.io/hibernation"), Some("on"));
    assert!(
        View(&cluster)
            .annotation(annotation::PENDING)
            .unwrap()
            .contains("refused by the fake")
    );
    let before = ids(&fake);
    fake.heal();
    create(&fake).await.unwrap();
    assert_created(&fake, "repaired");
    assert_eq!(ids(&fake).first(), before.first());
    assert_eq!(
        View(&fake.objects("/clusters/").remove(0)).annotation("cnpg.io/hibernation"),
        None
    );
}

/// Nothing lives, and the tombstone says what is kept, truthfully.
fn assert_deleted(fake: &Fake, id: &str, keeps: bool, case: &str) {
    assert!(
        fake.objects("/clusters/").is_empty() && fake.objects("/poolers/").is_empty(),
        "{case}"
    );
    let tombstones = fake.objects("/configmaps/");
    let [config_map] = tombstones.as_slice() else {
        panic!("{case}: {} tombstones", tombstones.len())
    };
    let tombstone = Tombstone::read(View(config_map)).unwrap();
    assert_eq!(View(config_map).label(label::ID), Some(id), "{case}");
    assert_eq!(
        View(config_map).annotation(annotation::VERSION),
        Some("2"),
        "{case}"
    );
    assert!(
        tombstone.pooler.is_some(),
        "{case}: a restore needs the pooler's spec"
    );
    assert_eq!(
        tombstone.stage,
        if keeps {
            Stage::Complete
        } else {
            Stage::Purged
        },
        "{case}"
    );
    assert_eq!(
        fake.objects("/persistentvolumeclaims/").len(),
        usize::from(keeps),
        "{case}"
    );
    assert_eq!(
        fake.objects("/secrets/").len(),
        if keeps { 2 } else { 0 },
        "{case}"
    );
    assert_eq!(tombstone.keeps_data(), keeps, "{case}");
}

async fn deleted_with(manner: Manner, keeps: bool) {
    let whole = Fake::default();
    create(&whole).await.unwrap();
    let id = ids(&whole).remove(0);
    whole.heal();
    delete(&whole, manner.clone()).await.unwrap();
    assert_deleted(&whole, &id, keeps, "without a fault");
    for killed in 0..whole.requests() {
        let fake = Fake::default();
        create(&fake).await.unwrap();
        let id = ids(&fake).remove(0);
        fake.fail(move |number, _, _| (number >= killed).then_some(Fault::Lost));
        delete(&fake, manner.clone()).await.unwrap_err();
        fake.heal();
        let again = delete(&fake, manner.clone()).await;
        assert!(again.is_ok() || again.unwrap_err().to_string().contains("not found"));
        assert_deleted(&fake, &id, keeps, &format!("killed at {killed}"));
        let fake = Fake::default();
        create(&fake).await.unwrap();
        let id = ids(&fake).remove(0);
        fake.fail(move |number, _, _| (number == killed).then_some(Fault::AnswerLost));
        if delete(&fake, manner.clone()).await.is_err() {
            delete(&fake, manner.clone()).await.unwrap();
        }
        assert_deleted(&fake, &id, keeps, &format!("answer {killed} lost"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_was_killed_is_finished_and_keeps_the_data() {
    deleted_with(Manner::default(), true).await;
}

#[tokio::test(start_paused = true)]
async fn a_purge_that_was_killed_is_finished_and_keeps_the_record() {
    deleted_with(
        Manner {
            purge: true,
            ..Manner::default()
        },
        false,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_forced_deletion_keeps_the_data_as_well() {
    let fake = Fake::default();
    create(&fake).await.unwrap();
    let id = ids(&fake).remove(0);
    delete(
        &fake,
        Manner {
            force: true,
            ..Manner::default()
        },
    )
    .await
    .unwrap();
    assert_deleted(&fake, &id, true, "forced");
}

#[tokio::test(start_paused = true)]
async fn kept_data_bars_the_name_until_it_is_purged() {
    let fake = Fake::default();
    create(&fake).await.unwrap();
    let first = ids(&fake).remove(0);
    delete(&fake, Manner::default()).await.unwrap();
    let failure = create(&fake).await.unwrap_err();
    assert!(
        failure.to_string().contains("has its data kept until"),
        "{failure}"
    );
    drive_to_end(Purge::new(fake.connect(), orders(), None))
        .await
        .unwrap();
    assert_deleted(&fake, &first, false, "purged");
    create(&fake).await.unwrap();
    assert_ne!(ids(&fake).remove(0), first, "a new database has a new id");
    assert_eq!(
        fake.objects("/configmaps/").len(),
        1,
        "the record of the first stays"
    );
}

async fn rehearse_repair(fake: &Fake, way: DryRun) -> Result<Option<String>, Failure> {
    let repair = |k8s| Repair::new(k8s, orders(), false);
    let deadline = Deadline::within(Duration::from_mins(1));
    rehearse(
        &fake.connect(),
        way,
        repair,
        deadline,
        &Progress::new("database/orders"),
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn a_rehearsal_says_what_comes_first_and_stores_nothing() {
    let fake = Fake::default();
    create(&fake).await.unwrap();
    for way in [DryRun::Client, DryRun::Server] {
        assert_eq!(rehearse_repair(&fake, way).await.unwrap(), None);
    }
    let pooler = fake.objects("/poolers/").remove(0);
    let pooler = View(&pooler);
    let k8s = fake.connect();
    k8s.delete(Kind::Pooler, pooler.name(), pooler.uid())
        .await
        .unwrap();
    let before = fake.objects("");
    for (way, writes) in [(DryRun::Client, 0), (DryRun::Server, 1)] {
        let written = Arc::new(AtomicUsize::new(0));
        let seen = written.clone();
        fake.fail(move |_, method, _| {
            seen.fetch_add(usize::from(method == Method::POST), Ordering::Relaxed);
            None
        });
        let first = rehearse_repair(&fake, way).await.unwrap();
        assert_eq!(first.as_deref(), Some("creating the pooler"));
        assert_eq!(written.load(Ordering::Relaxed), writes, "{way:?}");
    }
    // Somebody else was faster: it looks again.
    let tried = AtomicUsize::new(0);
    fake.fail(move |_, method, _| {
        let is_first = method == Method::POST && tried.fetch_add(1, Ordering::Relaxed) == 0;
        is_first.then_some(Fault::Refused(409))
    });
    let first = rehearse_repair(&fake, DryRun::Server).await.unwrap();
    assert_eq!(first.as_deref(), Some("creating the pooler"));
    // Nobody is told on the Cluster that it was refused, as a repair would.
    fake.fail(|_, method, _| (method == Method::POST).then_some(Fault::Refused(403)));
    rehearse_repair(&fake, DryRun::Server).await.unwrap_err();
    assert_eq!(fake.objects(""), before);
}

#[tokio::test(start_paused = true)]
async fn an_update_looks_again_when_somebody_else_was_faster() {
    let fake = Fake::default();
    create(&fake).await.unwrap();
    fake.fail(|number, method, _| {
        (number < 9 && method == Method::PATCH).then_some(Fault::Refused(409))
    });
    let changes = Changes {
        purpose: Some(Purpose::parse("returns").unwrap()),
        ..Changes::default()
    };
    drive_to_end(Update::new(fake.connect(), orders(), changes))
        .await
        .unwrap();
    let cluster = fake.objects("/clusters/").remove(0);
    assert_eq!(
        View(&cluster).annotation(annotation::PURPOSE),
        Some("returns")
    );
    assert_eq!(View(&cluster).annotation(annotation::VERSION), Some("2"));
}

/// A pooler that takes the password of the Secret at once, and asks the API server for each login.
struct Pooler(crate::kubernetes::Kubernetes);

impl Door for Pooler {
    async fn knock(
        &self,
        password: &secrecy::SecretString,
    ) -> Result<crate::login::Answer, Failure> {
        use secrecy::ExposeSecret as _;
        let name = orders().app_secret();
        let secret = self.0.get(crate::kubernetes::Kind::Secret, &name).await?;
        let right = crate::database::decode(&secret.unwrap(), &name, "password")?;
        Ok(if right == password.expose_secret() {
            crate::login::Answer::Accepted
        } else {
            crate::login::Answer::Refused
        })
    }
}

async fn rotate(fake: &Fake) -> Result<(), Failure> {
    let k8s = fake.connect();
    let pooler = Pooler(k8s.clone());
    drive_to_end(Rotate::new(k8s, orders(), pooler))
        .await
        .map(drop)
}

/// The password, and whether a rotation is unfinished.
fn app_secret(fake: &Fake) -> (String, bool) {
    let secrets = fake.objects("/secrets/daap-orders-app");
    let [secret] = secrets.as_slice() else {
        panic!("{} app Secrets", secrets.len())
    };
    let password = crate::database::decode(secret, "daap-orders-app", "password").unwrap();
    (password, unfinished_since(View(secret)).is_some())
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_was_killed_is_finished_with_the_password_that_it_has_set() {
    let whole = Fake::default();
    create(&whole).await.unwrap();
    whole.heal();
    rotate(&whole).await.unwrap();
    assert_eq!(app_secret(&whole).0.len(), 64);
    for killed in 0..whole.requests() {
        let fake = Fake::default();
        create(&fake).await.unwrap();
        fake.fail(move |number, _, _| (number >= killed).then_some(Fault::Lost));
        rotate(&fake).await.unwrap_err();
        let (left, unfinished) = app_secret(&fake);
        assert!(left != "old" || !unfinished, "killed at {killed}");
        fake.heal();
        rotate(&fake).await.unwrap();
        let (password, still) = app_secret(&fake);
        assert!(password != "old" && !still, "killed at {killed}");
        // What was finished but for its last look is begun anew.
        assert_eq!(unfinished, password == left, "killed at {killed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_survives_any_lost_request_or_answer() {
    let whole = Fake::default();
    create(&whole).await.unwrap();
    whole.heal();
    rotate(&whole).await.unwrap();
    for fault in [Fault::Lost, Fault::AnswerLost, Fault::Refused(409)] {
        for lost in 0..whole.requests() {
            let case = format!("{fault:?} {lost}");
            let fake = Fake::default();
            create(&fake).await.unwrap();
            fake.fail(move |number, _, _| (number == lost).then_some(fault));
            if rotate(&fake).await.is_err() {
                // Only while nothing has begun; the first look is two requests.
                assert!(lost < 2, "{case}");
                rotate(&fake).await.unwrap();
            }
            let (password, unfinished) = app_secret(&fake);
            assert!(password != "old" && !unfinished, "{case}");
        }
    }
}
