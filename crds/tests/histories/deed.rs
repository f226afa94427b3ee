//! What may happen to a database, one thing after another.

use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::Index;

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    /// Milliseconds that the writer's clock moves before; clocks also go back.
    pub(crate) pause: i64,
    /// Milliseconds between the passes of admission, on clocks that differ a little.
    pub(crate) passes: [i64; 2],
    /// Who does it.
    pub(crate) user: &'static str,
    /// Why.
    pub(crate) reason: Option<String>,
    /// How often the same is sent: more than once where the answer was lost.
    pub(crate) times: usize,
    /// What it is.
    pub(crate) what: What,
}

/// What happens.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// A new database, unless one lives.
    Create(Fields),
    /// A patch of what is given.
    Change(Fields),
    /// A patch of something that is not tracked.
    Touch,
    /// The values of an earlier version, as `kubectl daap rollback` writes them.
    RollBack(Index),
    /// The end of a rollback.
    FinishRollback,
    /// A replace by somebody who read an earlier state of the Cluster.
    Replace(Index, Fields),
    /// A replace that brings stamps and history of its own.
    Forge(i64),
    /// The steps of a deletion, any of which may be the last one for a while.
    BeginDelete,
    WriteTombstone,
    Detach,
    RemoveCluster,
    /// A deletion from its beginning to its end.
    Delete,
    /// `repair --abort`.
    AbortDelete,
    /// A deleted database comes back.
    Restore,
    /// The last step of a restore.
    RemoveTombstone,
}

/// Tracked fields.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub(crate) team: Option<&'static str>,
    pub(crate) purpose: Option<String>,
    pub(crate) instances: Option<i64>,
    pub(crate) storage: Option<i64>,
}

/// Sequences of deeds; purposes and reasons are up to `length` characters long.
pub(crate) fn deeds(count: Range<usize>, length: usize) -> impl Strategy<Value = Vec<Deed>> {
    prop::collection::vec(deed(length), count)
}

fn deed(length: usize) -> impl Strategy<Value = Deed> {
    (
        prop_oneof![3 => 0i64..90_000, 1 => -30_000i64..0, 1 => Just(0)],
        [-4_000i64..14_000, -4_000i64..14_000],
        prop_oneof![Just("ada"), Just("grace")],
        prop::option::of(text(length)),
        prop_oneof![4 => Just(1usize), 1 => 2usize..4],
        what(length),
    )
        .prop_map(|(pause, passes, user, reason, times, what)| Deed {
            pause,
            passes,
            user,
            reason,
            times,
            what,
        })
}

fn what(length: usize) -> impl Strategy<Value = What> {
    prop_oneof![
        4 => fields(length).prop_map(What::Create),
        12 => fields(length).prop_map(What::Change),
        2 => Just(What::Touch),
        3 => any::<Index>().prop_map(What::RollBack),
        2 => Just(What::FinishRollback),
        2 => (any::<Index>(), fields(length)).prop_map(|(index, fields)| What::Replace(index, fields)),
        1 => (-20_000i64..20_000).prop_map(What::Forge),
        2 => Just(What::BeginDelete),
        2 => Just(What::WriteTombstone),
        2 => Just(What::Detach),
        2 => Just(What::RemoveCluster),
        2 => Just(What::Delete),
        1 => Just(What::AbortDelete),
        4 => Just(What::Restore),
        2 => Just(What::RemoveTombstone),
    ]
}

fn fields(length: usize) -> impl Strategy<Value = Fields> {
    (
        prop::option::weighted(0.2, prop_oneof![Just("payments"), Just("billing")]),
        prop::option::of(text(length)),
        prop::option::of(1i64..4),
        prop::option::weighted(0.3, 1i64..9),
    )
        .prop_map(|(team, purpose, instances, storage)| Fields {
            team,
            purpose,
            instances,
            storage,
        })
}

fn text(length: usize) -> impl Strategy<Value = String> {
    // Repeated: a long text that is drawn letter by letter takes longer than all the rest.
    "[a-zä]{1,3}".prop_map(move |some| some.chars().cycle().take(length).collect())
}
