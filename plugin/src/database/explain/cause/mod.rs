//! The causes, one a file: each looks for itself in the facts.
//!
//! They are asked in an order in which an answer is never the consequence of a later one: a pod that
//! a quota refuses pulls no image, a pod without a volume is given to no node.

mod away;
mod container;
mod denial;
mod image;
mod instance;
mod job;
mod pooler;
mod quota;
mod record;
mod refused;
mod scheduling;
mod state;
mod stopped;
mod unfinished;
mod volume;

use daap_crds::state::Status;

use super::{Facts, Finding};

type Look = fn(&Facts) -> Option<Finding>;

/// In the order in which they are looked for.
const LOOKS: [Look; 17] = [
    record::cluster_missing,
    denial::find,
    unfinished::deletion,
    quota::find,
    image::find,
    volume::find,
    scheduling::find,
    job::find,
    stopped::fencing,
    instance::find,
    stopped::hibernation,
    pooler::find,
    record::drifted,
    unfinished::operation,
    away::operator,
    away::webhook,
    record::credentials,
];

/// The verdict: the first cause that is found, else what the state says.
pub(super) fn verdict(facts: &Facts, status: &Status) -> Finding {
    LOOKS
        .iter()
        .find_map(|look| look(facts))
        .or_else(|| state::ready(facts, status))
        .or_else(|| state::error(facts, status))
        .unwrap_or_else(|| state::progress(facts, status))
}
