//! Reviews of real size, as the API server sends them: made from this project's own code, the same
//! every time.
//!
//! One thing is not the same every time, and cannot be: a version that a write begins must have begun
//! about now, or validation refuses it. So the reviews are made for a time, and those in
//! [`Review::ages`] are good for 15 seconds from then.

#![expect(
    clippy::indexing_slicing,
    reason = "objects that are made here have the fields that they are made with"
)]

mod clusters;
pub mod databases;
mod objects;
mod poolers;
mod world;

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use objects::store;

use clusters::{large, of_creation, of_denials, of_updates};
use poolers::of_poolers;
use world::World;

/// What a review is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Allowed, with a patch.
    Patched,
    /// Allowed as it is.
    Allowed,
    /// Refused by rules.
    Denied,
}

/// One review, and what is to be measured with it.
#[derive(Clone, Debug)]
pub struct Review {
    /// Name of the row, as `mutate-update`.
    pub name: &'static str,
    /// `/mutate` or `/validate`.
    pub path: &'static str,
    /// What it is answered with.
    pub expected: Expected,
    /// Whether it is answered so only for 15 seconds after the time that it was made for.
    pub ages: bool,
    /// The review.
    pub review: Value,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// The reviews.
    pub reviews: Vec<Review>,
    /// What an API server knows of the world that they are decided in, and who may what.
    pub facts: Value,
}

const MUTATE: &str = "/mutate";
const VALIDATE: &str = "/validate";

/// Makes the corpus for reviews that come at `at`.
///
/// # Errors
/// A literal of this module is no name, team or size any more.
pub fn corpus(at: Timestamp) -> anyhow::Result<Corpus> {
    let world = World::make()?;
    let mut reviews = of_creation(at)?;
    reviews.extend(of_updates(&world, at));
    reviews.extend(of_denials(&world));
    reviews.extend(of_poolers(&world));
    reviews.push(large(&world, MUTATE, "mutate-6mib"));
    reviews.push(large(&world, VALIDATE, "validate-6mib"));
    Ok(Corpus {
        reviews,
        facts: world.facts(),
    })
}

fn review_of(
    plural: &str,
    kind: &str,
    operation: &str,
    user: &str,
    object: &Value,
    old: &Value,
) -> Value {
    let named = if object.is_null() { old } else { object };
    let kind = json!({"group": "postgresql.cnpg.io", "version": "v1", "kind": kind});
    let resource = json!({"group": "postgresql.cnpg.io", "version": "v1", "resource": plural});
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": kind, "requestKind": kind, "resource": resource, "requestResource": resource,
            "name": named["metadata"]["name"], "namespace": world::NAMESPACE, "operation": operation,
            "userInfo": {"username": user, "groups": ["developers", "system:authenticated"]},
            "object": object, "oldObject": old, "dryRun": false,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "UpdateOptions", "fieldManager": "kubectl-daap"},
        },
    })
}
