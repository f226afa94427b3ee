//! Two people at once: one record comes of it, and who did not get what was asked for is told.

use daap_crds::contract::{annotation, label};
use daap_crds::object::View;
use daap_tests::sandbox::User;
use futures::future::join_all;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::{
    matrix::{eventually, sandbox},
    place::{Outcome, Place, Via},
    proxy::Fault,
    request::Key,
    world::World,
};

/// Pairs that run at the same time, each with a database of its own.
const AT_ONCE: usize = 4;
const ROUNDS: usize = 3;

const CREATE: [&str; 6] = [
    "create",
    "NAME",
    "--purpose",
    "first",
    "--owner-team",
    "payments",
];

const DELETE: [&str; 3] = ["delete", "NAME", "--yes"];

/// One of two.
struct Side {
    user: User,
    words: Vec<&'static str>,
}

fn side(user: User, words: &[&'static str]) -> Side {
    Side {
        user,
        words: words.to_vec(),
    }
}

/// Runs both at once, many times, and has `judge` look at how they ended and at what is there.
async fn race(
    namespace: &str,
    before: &[&[&'static str]],
    sides: [Side; 2],
    judge: impl Fn(&[Outcome; 2], &World) -> Result<(), String>,
) {
    let place = Place::make(sandbox().await, namespace).await;
    for round in 0..ROUNDS {
        let pairs = (0..AT_ONCE).map(|pair| {
            let database = format!("race{round}{pair}");
            one_pair(&place, database, before, &sides, &judge)
        });
        join_all(pairs).await;
    }
}

async fn one_pair(
    place: &Place,
    database: String,
    before: &[&[&'static str]],
    sides: &[Side; 2],
    judge: &impl Fn(&[Outcome; 2], &World) -> Result<(), String>,
) {
    let named = |words: &[&'static str]| -> Vec<String> {
        let words = words.iter().map(|word| word.replace("NAME", &database));
        words.collect()
    };
    let run = async |user, words: &[&'static str]| {
        let words = named(words);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        place.plugin(user, &words, Via::Directly).await
    };
    for words in before {
        let ready = run(User::PaymentsDev, words).await;
        assert!(ready.is_done(), "{ready:?}");
    }
    let [left, right] = sides;
    let (left, right) = tokio::join!(run(left.user, &left.words), run(right.user, &right.words));
    let outcomes = [left, right];
    for outcome in &outcomes {
        assert!(matches!(outcome.code, Some(0 | 1)), "{outcome:?}");
    }
    assert!(
        outcomes.iter().any(Outcome::is_done),
        "nobody won: {outcomes:?}"
    );
    eventually(&format!("{database}: {outcomes:?}"), async || {
        let world = place.world(&database).await;
        one_record(&world)?;
        judge(&outcomes, &world)
    })
    .await;
    place.clear(&place.world(&database).await).await;
}

/// One live Cluster or one tombstone, nothing unfinished, nothing left over.
fn one_record(world: &World) -> Result<(), String> {
    let lives = usize::from(world.cluster().is_some());
    let records = lives + world.tombstones().count();
    if records != 1 {
        return Err(format!("there are {records} records"));
    }
    if world
        .tombstones()
        .any(|(_, tombstone)| tombstone.is_being_purged())
    {
        return Err("a purge is not finished".to_owned());
    }
    if let Some(pending) = world.pending() {
        return Err(format!("{pending:?} is pending"));
    }
    let problems = [world.unknown(), world.inconsistencies()].concat();
    if problems.is_empty() {
        return Ok(());
    }
    Err(problems.join(", "))
}

/// Who failed was told this.
fn losers_are_told(outcomes: &[Outcome; 2], expected: &[&str]) -> Result<(), String> {
    let told = |outcome: &Outcome| {
        outcome.is_done() || expected.iter().any(|text| outcome.stderr.contains(text))
    };
    if outcomes.iter().all(told) {
        return Ok(());
    }
    Err("the loser is not told why".to_owned())
}

fn check(holds: bool, what: &str) -> Result<(), String> {
    holds.then_some(()).ok_or_else(|| what.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_creation_twice_is_one_database() {
    // The second joins the first while it is under way: it is the same command, and the same id.
    let sides = [
        side(User::PaymentsDev, &CREATE),
        side(User::PaymentsDev, &CREATE),
    ];
    race("race-same", &[], sides, |outcomes, world| {
        losers_are_told(outcomes, &["exists already"])?;
        let purpose = world.cluster().unwrap().annotation(annotation::PURPOSE);
        check(purpose == Some("first"), "it has another purpose")?;
        let version = world.cluster().unwrap().annotation(annotation::VERSION);
        check(version == Some("1"), "it was changed")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_creations_with_different_purposes_one_is_told() {
    let mut other = CREATE;
    other[3] = "second";
    let sides = [
        side(User::PaymentsDev, &CREATE),
        side(User::PaymentsDev, &other),
    ];
    race("race-purpose", &[], sides, |outcomes, world| {
        check(
            outcomes.iter().filter(|outcome| outcome.is_done()).count() == 1,
            "both say that they made it",
        )?;
        losers_are_told(outcomes, &["exists already", "under way"])?;
        let won = if outcomes[0].is_done() {
            "first"
        } else {
            "second"
        };
        let purpose = world.cluster().unwrap().annotation(annotation::PURPOSE);
        check(purpose == Some(won), "the winner did not get its purpose")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_teams_that_create_the_same_name_one_is_told() {
    let mut other = CREATE;
    other[5] = "billing";
    let sides = [
        side(User::PaymentsDev, &CREATE),
        side(User::BillingDev, &other),
    ];
    race("race-team", &[], sides, |outcomes, world| {
        check(
            outcomes.iter().filter(|outcome| outcome.is_done()).count() == 1,
            "both say that they made it",
        )?;
        losers_are_told(outcomes, &["exists already", "is not finished"])?;
        let won = if outcomes[0].is_done() {
            "payments"
        } else {
            "billing"
        };
        let team = world.cluster().unwrap().label(label::OWNER_TEAM);
        check(team == Some(won), "the winner does not own it")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_two_delete_is_deleted_once_and_keeps_its_data() {
    let sides = [
        side(User::PaymentsDev, &DELETE),
        side(User::PaymentsDev, &DELETE),
    ];
    race("race-delete", &[&CREATE], sides, |outcomes, world| {
        losers_are_told(outcomes, &["not found"])?;
        let (_, tombstone) = world.tombstones().next().ok_or("it lives")?;
        check(tombstone.keeps_data(), "its data is not kept")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_and_one_that_purges_leave_a_record_that_is_true() {
    let sides = [
        side(User::PaymentsDev, &DELETE),
        side(User::PaymentsDev, &["delete", "NAME", "--yes", "--purge"]),
    ];
    race("race-purge", &[&CREATE], sides, |outcomes, world| {
        losers_are_told(outcomes, &["not found", "cannot be given up"])?;
        let (_, tombstone) = world.tombstones().next().ok_or("it lives")?;
        let volumes = world.volumes();
        check(
            tombstone.keeps_data() != volumes.is_empty(),
            "the record and the volumes differ",
        )
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_two_restore_comes_back_once_with_its_id() {
    let restore = ["restore", "NAME"];
    let sides = [
        side(User::PaymentsDev, &restore),
        side(User::Admin, &restore),
    ];
    let deleted: [&[&str]; 2] = [&CREATE, &DELETE];
    race("race-restore", &deleted, sides, |outcomes, world| {
        losers_are_told(outcomes, &["there is nothing to restore"])?;
        let cluster = world.cluster().ok_or("it is not back")?;
        let version = cluster.annotation(annotation::VERSION);
        check(version == Some("3"), "it did not come back just once")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_restore_and_a_purge_one_is_told() {
    let sides = [
        side(User::PaymentsDev, &["restore", "NAME"]),
        side(User::PaymentsDev, &["purge", "NAME", "--yes"]),
    ];
    let deleted: [&[&str]; 2] = [&CREATE, &DELETE];
    race("race-destroy", &deleted, sides, |outcomes, world| {
        check(
            outcomes.iter().filter(|outcome| outcome.is_done()).count() == 1,
            "both say that they did it",
        )?;
        let restored = outcomes[0].is_done();
        check(
            restored == world.cluster().is_some(),
            "the winner did not win",
        )
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_changes_are_two_versions() {
    let sides = [
        side(
            User::PaymentsDev,
            &["update", "NAME", "--purpose", "second"],
        ),
        side(User::Admin, &["update", "NAME", "--storage", "20Gi"]),
    ];
    race("race-update", &[&CREATE], sides, |outcomes, world| {
        check(outcomes.iter().all(Outcome::is_done), "a change was lost")?;
        let cluster = world.cluster().unwrap();
        check(
            cluster.annotation(annotation::VERSION) == Some("3"),
            "there are not three versions",
        )?;
        let both = cluster.annotation(annotation::PURPOSE) == Some("second")
            && cluster.text("/spec/storage/size") == Some("20Gi");
        check(both, "a change was overwritten")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_that_finds_a_restore_under_way_destroys_nothing() {
    let place = Place::make(sandbox().await, "race-mark").await;
    let database = "orders";
    let user = User::PaymentsDev;
    let run = async |words: &[&str]| place.plugin(user, words, Via::Directly).await;
    let mut create = CREATE;
    create[1] = database;
    assert!(run(&create).await.is_done());
    assert!(run(&["delete", database, "--yes"]).await.is_done());
    let kept = place.world(database).await.volumes().to_vec();

    // The purge has seen no Cluster, and is about to say so in the record when one comes back.
    let request = |what: &str| Key {
        what: format!("{what}/daap-{{name}}-{{id}}"),
        occurrence: 1,
    };
    let mark = request("PATCH /api/v1/namespaces/{namespace}/configmaps");
    let (purging, mut marks) = place
        .proxy(user, database, Some((mark, Fault::Meanwhile)))
        .await;
    let come_back = Key {
        what: "POST /apis/postgresql.cnpg.io/v1/namespaces/{namespace}/clusters".to_owned(),
        occurrence: 1,
    };
    let plan = Some((come_back, Fault::KilledAfter));
    let (restoring, strikes) = place.proxy(user, database, plan).await;
    let restore_half = async {
        let strike = marks.recv().await;
        let via = Via::Through(&restoring, strikes);
        place.plugin(user, &["restore", database], via).await;
        drop(strike);
    };
    let (_never, nobody) = mpsc::unbounded_channel();
    let words = ["purge", database, "--yes"];
    let purge = place.plugin(user, &words, Via::Through(&purging, nobody));
    let (purge, ()) = tokio::join!(purge, restore_half);
    assert!(
        purging.has_fired() && restoring.has_fired(),
        "not in the middle: {purge:?}"
    );
    assert!(purge.stderr.contains("its data is in use"), "{purge:?}");

    let restore = run(&["restore", database]).await;
    assert!(restore.is_done(), "{restore:?}");
    let world = place.world(database).await;
    one_record(&world).unwrap();
    let uids = |volumes: &[Value]| -> Vec<String> {
        let uids = volumes.iter().map(|volume| View(volume).uid().to_owned());
        uids.collect()
    };
    assert_eq!(uids(world.volumes()), uids(&kept), "its data is another");
    place.clear(&world).await;
}
