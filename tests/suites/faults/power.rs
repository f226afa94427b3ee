//! Power cuts: the webhook or the API server is killed while every operation is in the middle of
//! its work, and started again. What then still runs goes on by itself, or the same command does.

use std::time::Duration;

use daap_tests::sandbox::{Component, Sandbox, SandboxOptions};
use futures::future::join_all;
use tokio::sync::{Barrier, OnceCell, mpsc};

use crate::{
    matrix::{Faultless, eventually, prepare, record, refs, say, words},
    operator,
    place::{Place, Via},
    proxy::{Fault, Strike},
    table::{OPERATIONS, Operation},
};

/// Longer than the first retries of an operation, so that it meets the dead more than once.
const DARK: Duration = Duration::from_secs(2);

/// A sandbox of its own: what is killed here, nobody else needs.
async fn sandbox() -> &'static Sandbox {
    static OWN: OnceCell<Sandbox> = OnceCell::const_new();
    static PLAYED: OnceCell<()> = OnceCell::const_new();
    let options = SandboxOptions {
        operator: false,
        ..SandboxOptions::default()
    };
    let start = || Sandbox::start_with(options);
    let sandbox = OWN.get_or_try_init(start).await.unwrap();
    PLAYED.get_or_init(async || operator::play(sandbox)).await;
    sandbox
}

/// Where in an operation the power fails: on its first write, in the middle, on its last.
#[derive(Debug, Clone, Copy)]
enum Moment {
    First,
    Middle,
    Last,
}

impl Moment {
    fn of(self, writes: usize) -> usize {
        match self {
            Self::First => 0,
            Self::Middle => writes / 2,
            Self::Last => writes - 1,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_power_cut_interrupts_goes_on_or_is_finished_by_the_same_command() {
    let sandbox = sandbox().await;
    let mut places = Vec::new();
    for (number, _) in OPERATIONS.iter().enumerate() {
        places.push(Place::make(sandbox, &format!("power-{number}")).await);
    }
    let runs = OPERATIONS.iter().zip(&places);
    let runs = join_all(runs.map(|(operation, place)| record(place, operation, 0))).await;
    let moments = [Moment::First, Moment::Middle, Moment::Last];
    let mut cuts = 0;
    for component in [Component::Webhook, Component::ApiServer] {
        for moment in moments {
            cut(sandbox, component, moment, &places, &runs).await;
            cuts += OPERATIONS.len();
        }
    }
    say(&format!("power cuts: {cuts} operations interrupted\n"));
}

/// The machine of an API server has its controllers, too. Those that only lost it would wait a
/// minute and longer (client-go's back-off) before they collect what is garbage.
fn fails_with(component: Component) -> Vec<Component> {
    match component {
        Component::ApiServer => vec![component, Component::ControllerManager],
        alone => vec![alone],
    }
}

/// Every operation comes to its moment; then the power fails for all of them at once.
async fn cut(
    sandbox: &Sandbox,
    component: Component,
    moment: Moment,
    places: &[Place],
    runs: &[Faultless],
) {
    let all_there = Barrier::new(OPERATIONS.len() + 1);
    let dead = Barrier::new(OPERATIONS.len() + 1);
    let database = format!("cut-{component:?}-{moment:?}").to_lowercase();
    let cases = OPERATIONS.iter().zip(places).zip(runs);
    let cases = cases.map(|((operation, place), run)| {
        interrupted(
            operation,
            place,
            run,
            moment,
            &database,
            [&all_there, &dead],
        )
    });
    let power = async {
        all_there.wait().await;
        for part in fails_with(component) {
            sandbox.kill(part).await.unwrap();
        }
        dead.wait().await;
        tokio::time::sleep(DARK).await;
        for part in fails_with(component) {
            sandbox.restart(part).await.unwrap();
        }
    };
    tokio::join!(join_all(cases), power);
    for place in places {
        place.clear(&place.world(&database).await).await;
    }
}

async fn interrupted(
    operation: &Operation,
    place: &Place,
    run: &Faultless,
    moment: Moment,
    database: &str,
    [all_there, dead]: [&Barrier; 2],
) {
    let what = format!("{} of {database}", operation.name);
    prepare(place, operation, database).await.unwrap();
    let before = place.world(database).await.id();
    // In the order in which they were sent.
    let writes: Vec<_> = run.sent.iter().filter(|key| key.is_write()).collect();
    let key = writes[moment.of(writes.len())].clone();
    let plan = Some((key, Fault::Meanwhile));
    let (proxy, mut strikes) = place.proxy(operation.user, database, plan).await;
    let (_never, nobody) = mpsc::unbounded_channel::<Strike>();
    let words = words(operation.words, database);
    let struck = async {
        let strike = strikes.recv().await;
        all_there.wait().await;
        dead.wait().await;
        drop(strike);
    };
    let words_now = refs(&words);
    let first = place.plugin(operation.user, &words_now, Via::Through(&proxy, nobody));
    let (first, ()) = tokio::join!(first, struck);
    assert!(proxy.has_fired(), "{what}: {first:?}");
    assert!(first.code.is_some(), "{what} hung: {first:?}");
    // It may have given up while nobody answered.
    let mut second = first.clone();
    eventually(&what, async || match place.try_world(database).await {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    })
    .await;
    if !first.is_done() {
        second = place
            .plugin(operation.user, &words_now, Via::Directly)
            .await;
    }
    let again = operation.again.unwrap_or("\0");
    assert!(
        second.is_done() || second.stderr.contains(again),
        "{what}: {first:?}, then {second:?}"
    );
    eventually(&what, async || {
        let world = place.world(database).await;
        if before.is_some() && world.id() != before {
            return Err("it has another id".to_owned());
        }
        let found = world.snapshot();
        if found == run.end {
            return Ok(());
        }
        let difference = json_patch::diff(&run.end, &found);
        Err(format!("it is not as without the cut: {difference}"))
    })
    .await;
}
