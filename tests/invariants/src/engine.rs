//! Inputs at random, for a while: seeds in which something is something else. It knows nothing of
//! coverage; `tests/fuzz` does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::Entry;
use crate::seeds;

/// Keys and texts that rules look at, and some that nobody expects.
const TEXTS: [&str; 44] = [
    "daap.dev/name",
    "daap.dev/owner-team",
    "daap.dev/id",
    "daap.dev/deleted",
    "daap.dev/purpose",
    "daap.dev/history",
    "daap.dev/version",
    "daap.dev/created-at",
    "daap.dev/pending",
    "daap.dev/offered-to",
    "daap.dev/tombstone",
    "cnpg.io/hibernation",
    "cnpg.io/podPatch",
    "metadata",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "deletionTimestamp",
    "generateName",
    "spec",
    "instances",
    "storage",
    "size",
    "inheritedMetadata",
    "bootstrap",
    "certificates",
    "serverAltDNSNames",
    "pgbouncer",
    "poolMode",
    "session",
    "cluster",
    "name",
    "daap-shop",
    "daap-orders",
    "daap-archive",
    "shop",
    "payments",
    "1Gi",
    "~1/é",
    "",
    "67e55044-10b1-426f-9247-bb680e5fe0c8",
    "1b4e28ba-2fa1-4d2a-8f3c-b9a1f0f5c0de",
    "2026-01-01T00:00:00Z",
];
/// Deeper values are leaves.
const DEPTH: usize = 4;

/// What an engine did.
#[derive(Debug)]
pub struct Report {
    /// Inputs that the entry point was given.
    pub executions: usize,
    /// One for which an invariant does not hold, as text.
    pub finding: Option<String>,
}

/// Calls an entry point with inputs that follow from `seed`, until the time is over or something does
/// not hold.
#[must_use]
pub fn run(name: &str, entry: Entry, seed: u64, limit: Duration) -> Report {
    let began = Instant::now();
    let mut chance = Chance(seed);
    let corpus = seeds::of(name);
    let mut executions = 0;
    while executions < corpus.len() || began.elapsed() < limit {
        // Every seed comes as it is, once.
        let mut input = match corpus.get(executions) {
            Some(seed) => seed.clone(),
            None => chance.one(&corpus).clone(),
        };
        if executions >= corpus.len() {
            for _ in 0..=chance.below(3) {
                input = chance.another(&input, &corpus);
            }
        }
        executions += 1;
        if catch_unwind(AssertUnwindSafe(|| entry(&input))).is_err() {
            let finding = Some(String::from_utf8_lossy(&input).into_owned());
            return Report {
                executions,
                finding,
            };
        }
    }
    Report {
        executions,
        finding: None,
    }
}

/// Numbers that follow from a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let end = u64::try_from(end.max(1)).unwrap();
        usize::try_from((mixed ^ (mixed >> 31)) % end).unwrap()
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn another(&mut self, input: &[u8], corpus: &[Vec<u8>]) -> Vec<u8> {
        match serde_json::from_slice::<Value>(input) {
            Ok(mut value) if self.below(10) > 0 => {
                self.change(&mut value, corpus);
                value.to_string().into_bytes()
            }
            _ => self.bytes(input.to_vec()),
        }
    }

    /// Another value somewhere, none, or one of another seed.
    fn change(&mut self, value: &mut Value, corpus: &[Vec<u8>]) {
        let all = pointers(value);
        let at = self.one(&all).clone();
        // An annotation of ours is JSON itself.
        let inner = value.pointer(&at).and_then(Value::as_str);
        let inner = inner.and_then(|text| serde_json::from_str::<Value>(text).ok());
        if let Some(mut inner) = inner.filter(|inner| inner.is_object() && self.below(3) > 0) {
            self.change(&mut inner, corpus);
            *value.pointer_mut(&at).unwrap() = inner.to_string().into();
            return;
        }
        let new = match self.below(4) {
            0 => serde_json::from_slice(self.one(corpus).as_slice())
                .ok()
                .and_then(|other: Value| {
                    let pointers = pointers(&other);
                    let same = pointers.iter().find(|pointer| **pointer == at);
                    let from = same.cloned().unwrap_or_else(|| self.one(&pointers).clone());
                    other.pointer(&from).cloned()
                }),
            1 => None,
            _ => Some(self.json(0)),
        };
        match (new, at.rsplit_once('/')) {
            (Some(new), _) => self.put(value.pointer_mut(&at).unwrap(), new),
            (None, Some((parent, key))) => match value.pointer_mut(parent) {
                Some(Value::Object(map)) => {
                    map.remove(&key.replace("~1", "/").replace("~0", "~"));
                }
                Some(Value::Array(list)) if !list.is_empty() => {
                    list.pop();
                }
                _ => {}
            },
            (None, None) => {}
        }
    }

    /// In its place, or beside what is there.
    fn put(&mut self, place: &mut Value, new: Value) {
        let key = (*self.one(&TEXTS)).to_owned();
        match place {
            Value::Object(map) if self.below(2) == 0 => {
                map.insert(key, new);
            }
            Value::Array(list) if self.below(2) == 0 => list.push(new),
            _ => *place = new,
        }
    }

    fn json(&mut self, depth: usize) -> Value {
        let leaf = depth >= DEPTH;
        match self.below(if leaf { 5 } else { 7 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => self
                .one(&[
                    json!(0),
                    json!(-1),
                    json!(1),
                    json!(3),
                    json!(u64::MAX),
                    json!(i64::MIN),
                    json!(1.5),
                ])
                .clone(),
            3 | 4 => json!(*self.one(&TEXTS)),
            5 => (0..self.below(3)).map(|_| self.json(depth + 1)).collect(),
            _ => {
                let count = self.below(3);
                let entry = |_| ((*self.one(&TEXTS)).to_owned(), self.json(depth + 1));
                Value::Object(Map::from_iter((0..count).map(entry).collect::<Vec<_>>()))
            }
        }
    }

    fn bytes(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        let at = self.below(bytes.len() + 1);
        match self.below(4) {
            0 => bytes.truncate(at),
            1 => {
                let text = self.one(&TEXTS).bytes();
                drop(bytes.splice(at..at, text));
            }
            2 if at < bytes.len() => bytes[at] = u8::try_from(self.below(256)).unwrap(),
            2 => bytes.push(b'-'),
            _ => {
                let end = (at + self.below(9)).min(bytes.len());
                drop(bytes.drain(at..end));
            }
        }
        bytes
    }
}

/// Every place in a value.
fn pointers(value: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut inner = |key: &str, value: &Value| {
        let key = key.replace('~', "~0").replace('/', "~1");
        found.extend(
            pointers(value)
                .into_iter()
                .map(|rest| format!("/{key}{rest}")),
        );
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| inner(key, value)),
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                inner(&index.to_string(), value);
            }
        }
        _ => {}
    }
    found
}
