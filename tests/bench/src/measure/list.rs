//! Listing many databases, beside kubectl listing their Clusters.

use std::path::Path;

use anyhow::Context;
use daap_bench::corpus::databases::{Databases, PREFIX, TEAMS, name, team};
use daap_crds::contract::label;
use daap_reference::Reference;

use super::command::Measured;
use super::loader::load;
use super::sandbox::{ADMIN, NAMESPACE, Programs, Sandbox};
use super::table::Table;
use crate::tell;

/// From so many on it is also measured after a compaction. A round of more takes minutes: so there are fewer, of nothing
/// but whole lists.
const MANY: usize = 10_000;
/// How often a list of one team is taken in a round: the garbage collector of the API server can take longer.
const OF_ONE_TEAM: usize = 3;
/// kubectl's name of them.
const CLUSTERS: &str = "clusters.postgresql.cnpg.io";

/// What is run, and where.
pub(super) struct Lists<'a> {
    pub(super) programs: &'a Programs,
    pub(super) kubectl: &'a Path,
    pub(super) cores: &'a str,
    pub(super) rounds: usize,
}

impl Lists<'_> {
    /// Measures with so many databases, each time more.
    pub(super) fn measure(&self, table: &mut Table, sizes: &[usize]) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Handle::current();
        let recordings = Reference::Recordings.find()?;
        if recordings.is_none() {
            tell(
                "no recordings of CNPG at hand (DAAP_CNPG_RECORDINGS): a status of the same size is made up",
            );
        }
        let databases = Databases::new(NAMESPACE, recordings.as_deref())?;
        let (sandbox, _) = Sandbox::up(self.programs, "list", &["--no-webhook", "--no-operator"])?;
        let client = runtime.block_on(sandbox.client(ADMIN))?;
        let mut there = 0;
        for size in sizes {
            runtime.block_on(load(&client, &databases, there..*size))?;
            there = *size;
            self.in_all_ways(table, &sandbox, there, "")?;
            if there >= MANY {
                sandbox.compact()?;
                self.in_all_ways(table, &sandbox, there, ", after compaction")?;
            }
        }
        Ok(())
    }

    fn in_all_ways(
        &self,
        table: &mut Table,
        sandbox: &Sandbox,
        size: usize,
        when: &str,
    ) -> anyhow::Result<()> {
        let mut commands = self.commands(sandbox, size, when);
        if size > MANY {
            commands.truncate(1);
        }
        for command in commands.iter().flat_map(|(_, pair)| pair) {
            lists(command, size)?;
        }
        let rounds = if size > MANY {
            self.rounds.min(3)
        } else {
            self.rounds
        };
        for round in 1..=rounds {
            for (times, pair) in &commands {
                for command in std::iter::repeat_n(pair, *times).flatten() {
                    command.measure(table)?;
                }
            }
            tell(&format!(
                "{size} databases{when}: round {round} of {rounds}"
            ));
        }
        // The next may take an hour.
        table.write()
    }

    /// What is measured beside what, in turn, and how often in a round.
    fn commands(&self, sandbox: &Sandbox, size: usize, when: &str) -> Vec<(usize, [Measured; 2])> {
        let of = |row: &str, program: &Path, words: &[&str]| Measured {
            row: format!("{row}, {size} databases{when}"),
            words: std::iter::once(program.as_os_str().to_owned())
                .chain(words.iter().map(Into::into))
                .chain(["-n", NAMESPACE, "--context", ADMIN].map(Into::into))
                .collect(),
            kubeconfig: Some(sandbox.kubeconfig.clone()),
            starts: 1,
            cores: self.cores.to_owned(),
        };
        let plugin = self.programs.release.join("kubectl-daap");
        let team = team(1);
        let label = format!("{}={team}", label::OWNER_TEAM);
        let mut complete = of("daap completion of a name", &plugin, &[]);
        // The word to be completed is the last.
        complete.words.insert(1, "__complete".into());
        complete.words.insert(2, "get".into());
        complete.words.push("".into());
        let whole = [
            of("kubectl get", self.kubectl, &["get", CLUSTERS]),
            of("daap list", &plugin, &["list"]),
        ];
        let of_one_team = [
            of(
                "kubectl get of one team",
                self.kubectl,
                &["get", CLUSTERS, "-l", &label],
            ),
            of(
                "daap list of one team",
                &plugin,
                &["list", "--owner-team", &team],
            ),
        ];
        let names = of(
            "kubectl get -o name",
            self.kubectl,
            &["get", CLUSTERS, "-o", "name"],
        );
        vec![
            (1, whole),
            (OF_ONE_TEAM, of_one_team),
            (1, [names, complete]),
        ]
    }
}

/// What is measured has to be what it is called; kubectl also learns here what the server serves.
fn lists(command: &Measured, size: usize) -> anyhow::Result<()> {
    let expected = if command.row.contains("of one team") {
        size / TEAMS
    } else {
        size
    };
    let said = command.said()?;
    let shown = said.lines().filter(|line| line.contains(PREFIX)).count();
    let last = said.contains(&name(size.saturating_sub(TEAMS - 1)));
    if shown != expected || !last {
        let first = said.lines().nth(1).context("it said nothing")?;
        anyhow::bail!(
            "{} shows {shown} of {expected} databases: {first}",
            command.row
        );
    }
    if said.contains("error") || said.contains("provisioning") {
        anyhow::bail!("{}: not every database is ready", command.row);
    }
    Ok(())
}
