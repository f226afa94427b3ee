//! The engine of every write operation.
//!
//! An operation is a list of idempotent steps. The engine reads the world, asks the operation which
//! step comes next, and does it. The API server answers a write with the object as it is stored now:
//! where that tells everything that the step has changed, it takes the place of reading again. After
//! a wait, a conflict, an answer that did not come, and whatever others carry out, the world is read
//! again. What a process remembers decides nothing, so that one that was killed between any two
//! steps is continued by the same command.

mod create;
mod delete;
mod dock;
#[cfg(test)]
mod faults;
mod pair;
pub(crate) mod policy;
mod pooler;
mod purge;
mod ready;
mod repair;
mod restore;
mod retained;
mod rollback;
mod rotate;
mod stamps;
mod transfer;
mod update;

use std::fmt::Display;
use std::time::Duration;

use daap_crds::pending::OperationName;
use tokio::time::Instant;

pub(crate) use create::differences;
pub(crate) use create::{Asked, Create};
pub(crate) use delete::{Delete, Manner, RIGHTS as DELETE_RIGHTS, refuse_dependents};
pub(crate) use purge::{Purge, RIGHTS as PURGE_RIGHTS};
pub(crate) use ready::Ready;
pub(crate) use repair::{Repair, differences as repair_differences};
pub(crate) use restore::{RIGHTS as RESTORE_RIGHTS, Restore, Until, Wish};
pub(crate) use rollback::Rollback;
pub(crate) use rotate::{
    Door, RIGHTS as ROTATE_RIGHTS, Reader, Rotate, new_password, readers, unfinished_since,
};
pub(crate) use transfer::{Half, Transfer};
pub(crate) use update::{Changes, Update};

use crate::cli::DryRun;
use crate::failure::{Class, Failure};
use crate::interrupt;
use crate::kubernetes::Kubernetes;
use crate::output::Progress;

/// Between two looks at something that is waited for.
const POLL: Duration = Duration::from_millis(500);
/// After the first failure that may pass; doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Until when an operation may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Instant,
    /// What `--timeout` said, for the message.
    given: Duration,
}

impl Deadline {
    /// So long from now.
    pub(crate) fn within(timeout: Duration) -> Self {
        Self {
            at: Instant::now() + timeout,
            given: timeout,
        }
    }
}

/// What an operation does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<S> {
    /// Everything is as it should be.
    Done,
    /// A step.
    Do(S),
    /// Nothing but wait, and for what.
    Wait(String),
}

/// A write operation.
pub(crate) trait Operation {
    /// What is known before each step.
    type World;
    /// Its steps.
    type Step: Copy + Display;

    /// Reads the world.
    async fn observe(&self) -> Result<Self::World, Failure>;

    /// What the world needs next. A failure is a refusal: nothing is changed because of it.
    fn next(&mut self, world: &Self::World) -> Result<Next<Self::Step>, Failure>;

    /// Does a step; doing it again does no harm. Gives the world back with what its writes were
    /// answered; none where these do not tell everything that has changed.
    async fn perform(
        &mut self,
        step: Self::Step,
        world: Self::World,
    ) -> Result<Option<Self::World>, Failure>;

    /// Leaves the world in a truthful state after a step was refused for good.
    async fn stop(&mut self, failure: Failure) -> Failure {
        failure
    }

    /// What is not so when the time is over, as in `database/orders is not ready`.
    fn not_yet(&self) -> String;

    /// What goes on without us, and which command follows it.
    fn unfinished(&self) -> String;
}

/// Runs an operation to its end.
///
/// # Errors
/// A refusal; a failure that will not pass; the time-out; Ctrl-C.
pub(crate) async fn run<O: Operation>(
    operation: &mut O,
    deadline: Deadline,
    progress: &Progress,
) -> Result<O::World, Failure> {
    let result = tokio::select! {
        result = drive(operation, deadline, progress) => result,
        () = interrupt::ctrl_c() => {
            let what = progress.now().map_or_else(String::new, |what| format!(": {what}"));
            Err(Failure::interrupted(format!("interrupted{what}")).hint(operation.unfinished()))
        }
    };
    progress.pause();
    result
}

/// What an operation would begin with, if there is anything to do. Fails where it is refused at once.
pub(crate) async fn check<O: Operation>(operation: &mut O) -> Result<Option<String>, Failure> {
    let world = operation.observe().await?;
    Ok(match operation.next(&world)? {
        Next::Done => None,
        Next::Do(step) => Some(step.to_string()),
        Next::Wait(what) => Some(what),
    })
}

/// The same, and where the server is to judge it, admission judges that first step. Nothing is stored.
pub(crate) async fn rehearse<O: Operation>(
    k8s: &Kubernetes,
    way: DryRun,
    operation: impl FnOnce(Kubernetes) -> O,
    deadline: Deadline,
    progress: &Progress,
) -> Result<Option<String>, Failure> {
    let mut operation = operation(k8s.dry_run());
    if way == DryRun::Client {
        return check(&mut operation).await;
    }
    let mut first = First {
        operation,
        taken: None,
    };
    run(&mut first, deadline, progress).await?;
    Ok(first.taken)
}

/// An operation of which only the first step is taken.
struct First<O> {
    operation: O,
    taken: Option<String>,
}

impl<O: Operation> Operation for First<O> {
    type World = O::World;
    type Step = O::Step;

    async fn observe(&self) -> Result<O::World, Failure> {
        self.operation.observe().await
    }

    fn next(&mut self, world: &O::World) -> Result<Next<O::Step>, Failure> {
        if self.taken.is_some() {
            return Ok(Next::Done);
        }
        Ok(match self.operation.next(world)? {
            Next::Wait(what) => {
                self.taken = Some(what);
                Next::Done
            }
            next => next,
        })
    }

    async fn perform(
        &mut self,
        step: O::Step,
        world: O::World,
    ) -> Result<Option<O::World>, Failure> {
        let world = self.operation.perform(step, world).await?;
        self.taken = Some(step.to_string());
        Ok(world)
    }

    fn not_yet(&self) -> String {
        self.operation.not_yet()
    }

    fn unfinished(&self) -> String {
        self.operation.unfinished()
    }
}

async fn drive<O: Operation>(
    operation: &mut O,
    deadline: Deadline,
    progress: &Progress,
) -> Result<O::World, Failure> {
    let mut pause = FIRST_PAUSE;
    let mut begun = false;
    let mut known = None;
    loop {
        let (rest, last) = match round(operation, known.take(), progress, &mut begun).await {
            Ok(Round::Done(world)) => return Ok(world),
            Ok(Round::Moved(world)) => {
                known = world;
                pause = FIRST_PAUSE;
                continue;
            }
            Ok(Round::Waits(what)) => {
                pause = FIRST_PAUSE;
                progress.say(&what);
                (POLL, what)
            }
            Err(failure) if passes(&failure, begun) => {
                let rest = pause;
                pause = (pause * 2).min(LONGEST_PAUSE);
                progress.say(&format!("{failure}; trying again"));
                (rest, failure.to_string())
            }
            Err(failure) => return Err(failure),
        };
        if Instant::now() + rest > deadline.at {
            let given = human(deadline.given);
            return Err(
                Failure::new(format!("{} after {given}: {last}", operation.not_yet()))
                    .hint(operation.unfinished()),
            );
        }
        tokio::time::sleep(rest).await;
    }
}

enum Round<W> {
    Done(W),
    /// With the world as it is now, if that is known.
    Moved(Option<W>),
    Waits(String),
}

async fn round<O: Operation>(
    operation: &mut O,
    known: Option<O::World>,
    progress: &Progress,
    begun: &mut bool,
) -> Result<Round<O::World>, Failure> {
    let world = match known {
        Some(world) => world,
        None => operation.observe().await?,
    };
    *begun = true;
    match operation.next(&world)? {
        Next::Done => Ok(Round::Done(world)),
        Next::Wait(what) => Ok(Round::Waits(what)),
        Next::Do(step) => {
            progress.say(&step.to_string());
            tracing::info!(%step, "step");
            match operation.perform(step, world).await {
                Ok(world) => Ok(Round::Moved(world)),
                Err(failure) if failure.is_hard() => Err(operation.stop(failure).await),
                // Somebody else removed what the step was about: what that means, the next look tells.
                Err(failure) if failure.classification() == Class::NotFound => {
                    Err(failure.class(Class::Conflict))
                }
                Err(failure) => Err(failure),
            }
        }
    }
}

/// The command that finishes what is pending. `repair` refuses what has a command of its own.
fn finishes(pending: OperationName) -> &'static str {
    match pending {
        OperationName::Create => "create",
        OperationName::Delete => "delete",
        OperationName::Restore => "restore",
        OperationName::Rotate => "credentials rotate",
        OperationName::Update
        | OperationName::Transfer
        | OperationName::Rollback
        | OperationName::Repair => "repair",
    }
}

/// A network that is down at the very start is told at once; one that goes away in the middle is
/// waited for.
fn passes(failure: &Failure, begun: bool) -> bool {
    match failure.classification() {
        Class::Conflict | Class::Exists => true,
        Class::Transient => begun,
        _ => false,
    }
}

/// A duration as it is typed: `5m`, `1m30s`, `500ms`.
pub(crate) fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 60, seconds % 60, duration.subsec_millis()) {
        (0, 0, milliseconds) => format!("{milliseconds}ms"),
        (0, seconds, _) => format!("{seconds}s"),
        (minutes, 0, _) => format!("{minutes}m"),
        (minutes, seconds, _) => format!("{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts to three; every second look finds the network gone.
    struct Counting {
        done: std::cell::Cell<u32>,
        looks: std::cell::Cell<u32>,
        refuses: bool,
        stopped: bool,
    }

    impl Counting {
        fn new(refuses: bool) -> Self {
            Self {
                done: 0.into(),
                looks: 0.into(),
                refuses,
                stopped: false,
            }
        }
    }

    impl Operation for Counting {
        type World = u32;
        type Step = u32;

        async fn observe(&self) -> Result<u32, Failure> {
            self.looks.set(self.looks.get() + 1);
            if self.looks.get().is_multiple_of(2) {
                return Err(Failure::new("no network").transient());
            }
            Ok(self.done.get())
        }

        fn next(&mut self, world: &u32) -> Result<Next<u32>, Failure> {
            Ok(match world {
                3 => Next::Done,
                step => Next::Do(*step),
            })
        }

        async fn perform(&mut self, step: u32, world: u32) -> Result<Option<u32>, Failure> {
            if self.refuses {
                return Err(Failure::denied("no", Vec::new()));
            }
            self.done.set(world + 1);
            Ok((step == 0).then_some(world + 1))
        }

        async fn stop(&mut self, failure: Failure) -> Failure {
            self.stopped = true;
            failure
        }

        fn not_yet(&self) -> String {
            "not counted to three".into()
        }

        fn unfinished(&self) -> String {
            "look again".into()
        }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn steps_follow_from_the_world_and_faults_pass() {
        let mut counting = Counting::new(false);
        let world = run(
            &mut counting,
            Deadline::within(seconds(60)),
            &Progress::new("x"),
        )
        .await
        .unwrap();
        // The first step has told what it left; every other look failed.
        assert_eq!((world, counting.looks.get()), (3, 5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_that_is_down_at_the_start_is_told_at_once() {
        let mut counting = Counting::new(false);
        counting.looks.set(1);
        let failure = run(
            &mut counting,
            Deadline::within(seconds(60)),
            &Progress::new("x"),
        )
        .await
        .unwrap_err();
        assert_eq!(
            (failure.to_string().as_str(), counting.looks.get()),
            ("no network", 2)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_left_in_a_truthful_state() {
        let mut counting = Counting::new(true);
        run(
            &mut counting,
            Deadline::within(seconds(60)),
            &Progress::new("x"),
        )
        .await
        .unwrap_err();
        assert!(counting.stopped);
    }

    #[test]
    fn durations_read_as_they_are_typed() {
        assert_eq!(human(seconds(300)), "5m");
        assert_eq!(human(seconds(90)), "1m30s");
        assert_eq!(human(seconds(9)), "9s");
        assert_eq!(human(Duration::from_millis(200)), "200ms");
    }
}
