//! From a question to a verdict: rights first, then what is there, then admission's rules.

use daap_crds::admission::Write;
use daap_crds::contract::label;
use daap_crds::names::{DatabaseName, Team};
use daap_crds::object::View;
use daap_crds::pending::OperationName;
use daap_crds::tombstone::Tombstone;
use daap_crds::violation::{Rule, Violation};
use serde_json::Value;

use super::ACCEPT;
use super::facts::{Judge, Ruling};
use super::verdict::{Reason, Verdict};
use super::writes::Writer;
use crate::commands::not_found;
use crate::database::tombstones;
use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes};
use crate::operation::{Half, Purge, Restore, Transfer, Wish, check, policy, refuse_dependents};
use crate::rights::{CommandRights, Held};

/// What is asked.
pub(super) struct Question {
    pub(super) row: &'static CommandRights,
    pub(super) name: Option<DatabaseName>,
    pub(super) team: Option<Team>,
}

/// Answers a question; nothing is written.
pub(super) async fn decide(k8s: &Kubernetes, question: Question) -> Result<Verdict, Failure> {
    let Question { row, name, team } = question;
    let user = k8s.user().await?;
    let held = Held::of(k8s, [row]).await?;
    let mut verdict = Verdict {
        verb: row.command.to_owned(),
        database: name.as_ref().map(ToString::to_string),
        team: team.as_ref().map(ToString::to_string),
        namespace: k8s.namespace().to_owned(),
        user: user.clone(),
        reasons: Vec::new(),
        rulings: Vec::new(),
        notes: held
            .less(row)
            .iter()
            .map(|less| format!("you may not {}: {}", less.right, less.otherwise))
            .collect(),
    };
    for right in held.missing(row) {
        verdict.refuse(Reason::missing(right, &user, k8s.namespace()));
    }
    if !row.owner {
        return Ok(verdict);
    }
    let policy = policy::read(k8s).await?.unwrap_or_default();
    let mut asking = Asking {
        k8s,
        writer: Writer {
            namespace: k8s.namespace().to_owned(),
            user,
        },
        judge: Judge::new(k8s, policy),
        verdict: &mut verdict,
    };
    let judged = match &name {
        Some(name) => asking.about(row, name, team.as_ref()).await,
        None => asking.about_no_database(team.as_ref()).await,
    };
    let (rulings, unseen) = (asking.judge.rulings, asking.judge.unseen);
    match judged {
        // That a right is missing is said already.
        Err(failure) if failure.classification() == Class::Forbidden && !verdict.is_yes() => {}
        Err(failure) if failure.classification() == Class::Forbidden => {
            verdict.refuse(Reason::state(&failure));
        }
        result => result?,
    }
    verdict.rulings = rulings;
    let not_judged = |what: String| format!("a rule is not judged in full: {what}");
    verdict.notes.extend(unseen.into_iter().map(not_judged));
    Ok(verdict)
}

struct Asking<'a> {
    k8s: &'a Kubernetes,
    writer: Writer,
    judge: Judge<'a>,
    verdict: &'a mut Verdict,
}

impl Asking<'_> {
    /// Without a name, a team decides: the one that is named, else any that the caller owns.
    async fn about_no_database(&mut self, team: Option<&Team>) -> Result<(), Failure> {
        if let Some(team) = team {
            return self.own(team).await;
        }
        match self.k8s.owned_teams().await? {
            Some(teams) if teams.is_empty() => {
                self.verdict.refuse(Reason::of(&Violation::new(
                    Rule::Ownership,
                    "",
                    format!(
                        "{} owns no team in namespace '{}'",
                        self.verdict.user, self.verdict.namespace
                    ),
                    "ask your platform team for the right to own teams.daap.dev/TEAM",
                )));
            }
            Some(teams) => {
                for team in teams.iter().filter_map(|team| Team::parse(team).ok()) {
                    let access = self.k8s.ownership(&team).await?;
                    self.judge.rulings.push(Ruling {
                        right: format!("own teams.daap.dev/{team}"),
                        access,
                    });
                }
            }
            None => {
                let access = self.k8s.administration().await?;
                self.judge.rulings.push(Ruling {
                    right: "own every team".to_owned(),
                    access,
                });
            }
        }
        Ok(())
    }

    /// Whether the caller may act for the team: a write that changes nothing asks that, and no more.
    async fn own(&mut self, team: &Team) -> Result<(), Failure> {
        let name =
            DatabaseName::parse("any").map_err(|error| Failure::new(format!("name: {error}")))?;
        let write = self.writer.nothing(&name, team)?;
        let found = self.judge.judge(write).await?;
        for violation in { found.iter() }.filter(|found| found.rule == Rule::Ownership) {
            self.verdict.refuse(Reason::of(violation));
        }
        Ok(())
    }

    /// Where rights are missing, the command would come to nothing, and neither may we read what it
    /// would: only whose the database is, is said beside that.
    async fn whose(&mut self, name: &DatabaseName, team: Option<&Team>) -> Result<(), Failure> {
        let cluster = self.k8s.get(Kind::Cluster, &name.cluster()).await?;
        let last = match cluster {
            Some(cluster) => Some(cluster),
            None => tombstones(self.k8s, name).await?.pop(),
        };
        let owner = last.as_ref().map(View);
        let owner = owner.and_then(|view| Team::parse(view.label(label::OWNER_TEAM)?).ok());
        match owner.as_ref().or(team) {
            Some(team) => self.own(team).await,
            None => Ok(()),
        }
    }

    async fn about(
        &mut self,
        row: &CommandRights,
        name: &DatabaseName,
        team: Option<&Team>,
    ) -> Result<(), Failure> {
        if !self.verdict.is_yes() {
            return self.whose(name, team).await;
        }
        let writes = match row.command {
            "create" => self.create(name, team).await?,
            "apply" => self.apply(name, team).await?,
            "restore" => self.restore(name).await?,
            "purge" => self.purge(name).await?,
            command => self.of_a_live_one(command, name, team).await?,
        };
        for write in writes {
            // A deletion fulfils the gate by itself, before it comes to it.
            let is_met = |rule: Rule| rule == Rule::DeleteGate && row.command == "delete";
            let found = self.judge.judge(write).await?;
            for violation in found.iter().filter(|found| !is_met(found.rule)) {
                self.verdict.refuse(Reason::of(violation));
            }
        }
        Ok(())
    }

    async fn create(
        &mut self,
        name: &DatabaseName,
        team: Option<&Team>,
    ) -> Result<Vec<Write>, Failure> {
        if let Some(cluster) = self.k8s.get(Kind::Cluster, &name.cluster()).await? {
            let team = View(&cluster).label(label::OWNER_TEAM);
            self.verdict.refuse(Reason::state(
                &Failure::new(format!(
                    "database/{name} exists already; team {} owns it",
                    team.unwrap_or("<none>")
                ))
                .hint("choose another name"),
            ));
            return Ok(Vec::new());
        }
        let Some(team) = team else {
            self.about_no_database(None).await?;
            return Ok(Vec::new());
        };
        Ok(vec![self.writer.create(name, team)?])
    }

    /// What is not there it creates.
    async fn apply(
        &mut self,
        name: &DatabaseName,
        team: Option<&Team>,
    ) -> Result<Vec<Write>, Failure> {
        let Some(cluster) = self.k8s.get(Kind::Cluster, &name.cluster()).await? else {
            return self.create(name, team).await;
        };
        let owner = View(&cluster).label(label::OWNER_TEAM);
        Ok(vec![match team {
            Some(team) if owner != Some(team.as_str()) => {
                self.writer.transfer(&cluster, team, true)
            }
            _ => self.writer.change(&cluster),
        }])
    }

    async fn accept(
        &mut self,
        name: &DatabaseName,
        cluster: &Value,
    ) -> Result<Vec<Write>, Failure> {
        let mut transfer = Transfer::new(self.k8s.clone(), name.clone(), Half::Accept, None);
        self.in_the_way(check(&mut transfer).await)?;
        Ok(self.writer.accept(cluster).into_iter().collect())
    }

    async fn restore(&mut self, name: &DatabaseName) -> Result<Vec<Write>, Failure> {
        let mut restore = Restore::new(self.k8s.clone(), name.clone(), Wish::default());
        self.in_the_way(check(&mut restore).await)?;
        let kept = self.kept(name).await?;
        let writes = kept.iter().filter_map(|kept| self.writer.restore(kept));
        Ok(writes.take(1).collect())
    }

    async fn purge(&mut self, name: &DatabaseName) -> Result<Vec<Write>, Failure> {
        let mut purge = Purge::new(self.k8s.clone(), name.clone(), None);
        self.in_the_way(check(&mut purge).await)?;
        let volumes = self.k8s.list(Kind::Volume, "").await?;
        let kept = self.kept(name).await?;
        let writes = kept.iter().map(|kept| self.writer.purge(kept, &volumes));
        Ok(writes.flatten().collect())
    }

    /// Tombstones that say that data is kept.
    async fn kept(&self, name: &DatabaseName) -> Result<Vec<Value>, Failure> {
        let mut found = tombstones(self.k8s, name).await?;
        found.retain(|one| Tombstone::read(View(one)).is_some_and(|read| read.keeps_data()));
        Ok(found)
    }

    async fn of_a_live_one(
        &mut self,
        command: &str,
        name: &DatabaseName,
        team: Option<&Team>,
    ) -> Result<Vec<Write>, Failure> {
        let Some(cluster) = self.k8s.get(Kind::Cluster, &name.cluster()).await? else {
            self.verdict
                .refuse(Reason::state(&not_found(name, self.k8s)));
            return Ok(Vec::new());
        };
        Ok(match command {
            "delete" => {
                let pooler = self.k8s.get(Kind::Pooler, &name.pooler()).await?;
                let refused = refuse_dependents(self.k8s, View(&cluster), name).await;
                self.in_the_way(refused)?;
                self.writer.delete_database(&cluster, pooler.as_ref())
            }
            "transfer" if let Some(team) = team => {
                let moves = self.k8s.may_own(team).await?;
                vec![self.writer.transfer(&cluster, team, moves)]
            }
            ACCEPT => self.accept(name, &cluster).await?,
            "repair" => vec![self.writer.mark(&cluster, OperationName::Repair)],
            "credentials rotate" => {
                let secret = name.app_secret();
                let secret = self.k8s.get_metadata(Kind::Secret, &secret).await?;
                secret
                    .iter()
                    .map(|found| self.writer.rotate(found))
                    .collect()
            }
            _ => vec![self.writer.change(&cluster)],
        })
    }

    /// What a command refuses by itself is a reason; what keeps us from knowing is a failure.
    fn in_the_way<T>(&mut self, checked: Result<T, Failure>) -> Result<(), Failure> {
        match checked {
            Err(failure)
                if matches!(
                    failure.classification(),
                    Class::Transient | Class::Forbidden | Class::NotServed
                ) =>
            {
                Err(failure)
            }
            Err(failure) => {
                self.verdict.refuse(Reason::state(&failure));
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }
}
