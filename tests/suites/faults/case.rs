//! One case: the operation with the fault, what is to be seen then, the same command again, and what
//! is there in the end.

use std::time::Instant;

use daap_crds::pending::OperationName;
use daap_tests::sandbox::User;
use serde_json::Value;

use crate::{
    matrix::{Faultless, LOOK, SETTLING, prepare, refs, words},
    place::{Outcome, Place, Via},
    proxy::Fault,
    request::Key,
    table::Operation,
    tally::End,
    world::World,
};

/// Why a case did not end well.
enum Trouble {
    /// It did not come to the fault; it is tried once more.
    NotMet(String),
    /// It ended as it must not.
    Wrong(String),
}

/// A request of an operation, and a fault on it.
pub(crate) struct Case {
    pub(crate) operation: &'static Operation,
    pub(crate) key: Key,
    pub(crate) fault: Fault,
    pub(crate) database: String,
}

impl Case {
    /// Runs it.
    pub(crate) async fn try_twice(
        &mut self,
        place: &Place,
        faultless: &Faultless,
    ) -> Result<End, String> {
        let mut ended = self.run(place, faultless).await;
        if let Err(Trouble::NotMet(_)) = ended {
            self.database += "x";
            ended = self.run(place, faultless).await;
        }
        ended.map_err(|(Trouble::NotMet(problem) | Trouble::Wrong(problem))| problem)
    }

    async fn run(&self, place: &Place, faultless: &Faultless) -> Result<End, Trouble> {
        let prepared = prepare(place, self.operation, &self.database).await;
        prepared.map_err(Trouble::NotMet)?;
        let before = match self.operation.before {
            [] => None,
            _ => place.world(&self.database).await.id(),
        };
        let first = self.first(place).await?;
        let ended = format!(
            "\n  the first run ended with {:?}: {}",
            first.code, first.stderr
        );
        let rest = self.after(place, faultless, before, &first).await;
        rest.map_err(|problem| Trouble::Wrong(problem + &ended))
    }

    /// The operation, with the fault.
    async fn first(&self, place: &Place) -> Result<Outcome, Trouble> {
        let (user, plan) = (self.operation.user, (self.key.clone(), self.fault));
        let (proxy, strikes) = place.proxy(user, &self.database, Some(plan)).await;
        let mut words = words(self.operation.words, &self.database);
        if self.fault == Fault::Hang {
            words.push("--request-timeout=2s".to_owned());
        }
        let outcome = place
            .plugin(user, &refs(&words), Via::Through(&proxy, strikes))
            .await;
        if !proxy.has_fired() {
            let problem = format!("the request was never sent: {outcome:?}");
            return Err(Trouble::NotMet(problem));
        }
        let killed = matches!(self.fault, Fault::KilledBefore | Fault::KilledAfter);
        if killed != outcome.code.is_none() {
            return Err(Trouble::Wrong(format!("it ended otherwise: {outcome:?}")));
        }
        Ok(outcome)
    }

    /// What has to be so after the first run, and after the same command again.
    async fn after(
        &self,
        place: &Place,
        faultless: &Faultless,
        before: Option<String>,
        first: &Outcome,
    ) -> Result<End, String> {
        let mut world = place.world(&self.database).await;
        let mut end = End::Again;
        if first.is_done() {
            let done = self.wait_for(place, faultless, world).await;
            world = done.map_err(|problem| format!("it said that it was done, and {problem}"))?;
            end = End::AtOnce;
        }
        let id = world.id();
        if before.is_some() && id != before {
            return Err(format!("its id was {before:?} and is {id:?}"));
        }
        let got = self.get(place, &world).await?;
        self.list(place, &world, &got).await?;
        self.nothing_unknown(place, world).await?;
        self.second(place).await?;
        let world = place.world(&self.database).await;
        let last = self.wait_for(place, faultless, world).await?;
        if id.is_some() && last.id() != id {
            let last = last.id();
            return Err(format!(
                "its id was {id:?} after the first run and is {last:?}"
            ));
        }
        let got = self.get(place, &last).await?;
        if faultless.lives && got["status"]["state"] != "ready" {
            return Err(format!("in the end it is not ready: {got}"));
        }
        place.clear(&last).await;
        Ok(end)
    }

    /// The same command again, without the fault.
    async fn second(&self, place: &Place) -> Result<(), String> {
        let words = words(self.operation.words, &self.database);
        let outcome = place
            .plugin(self.operation.user, &refs(&words), Via::Directly)
            .await;
        // Whether that is true is seen by waiting for the end.
        let nothing_left = self
            .operation
            .again
            .is_some_and(|again| outcome.code == Some(1) && outcome.stderr.contains(again));
        if outcome.is_done() || nothing_left {
            return Ok(());
        }
        let (code, said) = (outcome.code, outcome.stderr);
        Err(format!(
            "the same command again ended with {code:?}: {said}"
        ))
    }

    /// Waits until everything is as if nothing had happened.
    async fn wait_for(
        &self,
        place: &Place,
        faultless: &Faultless,
        mut world: World,
    ) -> Result<World, String> {
        let deadline = Instant::now() + SETTLING;
        loop {
            let found = world.snapshot();
            if found == faultless.end {
                return Ok(world);
            }
            if Instant::now() > deadline {
                let difference = json_patch::diff(&faultless.end, &found);
                return Err(format!("it is not as without the fault: {difference}"));
            }
            tokio::time::sleep(LOOK).await;
            world = place.world(&self.database).await;
        }
    }

    /// `get` says what is there.
    async fn get(&self, place: &Place, world: &World) -> Result<Value, String> {
        let words = ["get", &self.database, "-o", "json"];
        let got = place.plugin(User::Admin, &words, Via::Directly).await;
        if world.cluster().is_none() {
            if got.code == Some(1) && got.stderr.contains("not found") {
                return Ok(Value::Null);
            }
            return Err(format!("it is gone, and get says {got:?}"));
        }
        let document: Value =
            serde_json::from_str(&got.stdout).map_err(|_| format!("get: {got:?}"))?;
        judge("get", world, &document)?;
        Ok(document)
    }

    /// `list` says the same.
    async fn list(&self, place: &Place, world: &World, got: &Value) -> Result<(), String> {
        let words = ["list", "-o", "json"];
        let listed = place.plugin(User::Admin, &words, Via::Directly).await;
        let list: Value =
            serde_json::from_str(&listed.stdout).map_err(|_| format!("list: {listed:?}"))?;
        let items = list["items"].as_array().into_iter().flatten();
        let entry = { items }.find(|item| item["metadata"]["name"] == self.database.as_str());
        match entry {
            Some(entry) if got.is_null() => Err(format!("it is gone, and list shows {entry}")),
            None if got.is_null() => Ok(()),
            Some(entry) => judge("list", world, entry),
            None => Err("list does not show it".to_owned()),
        }
    }

    async fn nothing_unknown(&self, place: &Place, mut world: World) -> Result<(), String> {
        let deadline = Instant::now() + SETTLING;
        loop {
            let unknown = world.unknown();
            if unknown.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("nobody knows of {unknown:?}"));
            }
            tokio::time::sleep(LOOK).await;
            world = place.world(&self.database).await;
        }
    }
}

/// Whether what is said of a living database is so.
fn judge(who: &str, world: &World, document: &Value) -> Result<(), String> {
    let status = &document["status"];
    let state = status["state"].as_str().unwrap_or_default();
    let reason = status["reason"].as_str().unwrap_or_default();
    let pending = world.pending();
    let incomplete = pending.is_some() || world.pooler().is_none();
    let untrue = |what: &str| Err(format!("{who} is not truthful, as {what}: {status}"));
    if incomplete && (state == "ready" || reason.is_empty()) {
        return untrue("it is not whole");
    }
    let Some(pending) = pending else {
        return Ok(());
    };
    if pending.operation == OperationName::Delete && !["deleting", "error"].contains(&state) {
        return untrue("it is being deleted");
    }
    if pending.error.is_some() && state != "error" {
        return untrue("it has failed");
    }
    Ok(())
}
