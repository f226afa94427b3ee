//! `--watch`: databases as they change, a row for each change that is seen in it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use clap::Args;
use daap_crds::contract::{cnpg, label};
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use futures::stream::{BoxStream, select_all};
use futures::{Stream, StreamExt as _};
use serde_json::Value;

use super::printer::Printer;
use crate::database::{Database, find};
use crate::failure::{Class, Failure};
use crate::kubernetes::{Change, Kind, Kubernetes};
use crate::output::stderr_line;

/// Before a database is read again that could not be read.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether to follow changes.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct WatchFlags {
    /// Go on with every change, until Ctrl-C
    #[arg(short = 'w', long)]
    pub(super) watch: bool,
    /// As --watch, without what is there at the beginning
    #[arg(long, hide_short_help = true)]
    pub(super) watch_only: bool,
    /// With --watch: say whether it was added, modified or deleted
    #[arg(long, hide_short_help = true)]
    pub(super) output_watch_events: bool,
}

impl WatchFlags {
    /// Whether either was given.
    pub(crate) fn is_given(self) -> bool {
        self.watch || self.watch_only
    }
}

/// Which databases are followed.
pub(super) struct Watch<'a> {
    pub(super) k8s: &'a Kubernetes,
    /// All where none is given.
    pub(super) namespace: Option<String>,
    /// Of the Clusters.
    pub(super) selector: String,
    /// Whether a database is shown.
    pub(super) keep: &'a dyn Fn(&Database) -> bool,
}

/// Namespace and Cluster.
type Key = (String, String);

/// What is known of the followed databases.
struct Followed<'a> {
    watch: Watch<'a>,
    printer: Printer<'a>,
    databases: HashMap<Key, Database>,
    /// The versions that were seen: after a break everything is told again.
    versions: HashMap<(Kind, Key), String>,
    /// Clusters that were told of since the watch began again.
    told: HashSet<Key>,
    complained: bool,
}

/// Follows databases for ever; `found` is what was there at the beginning, which the printer has
/// shown.
pub(super) async fn run(
    watch: Watch<'_>,
    printer: Printer<'_>,
    found: Vec<Database>,
) -> Result<(), Failure> {
    let namespace = watch.namespace.as_deref();
    let follow = |kind, selector: &str| tagged(kind, watch.k8s.watch(kind, namespace, selector));
    let mut changes = select_all([
        follow(Kind::Cluster, &watch.selector),
        follow(Kind::Pooler, label::NAME),
        follow(Kind::Deployment, cnpg::POOLER_NAME),
    ]);
    let mut followed = Followed {
        watch,
        printer,
        databases: HashMap::new(),
        versions: HashMap::new(),
        told: HashSet::new(),
        complained: false,
    };
    for database in found {
        followed.remember(database);
    }
    while let Some((kind, change)) = changes.next().await {
        match change {
            Ok(change) => followed.take(kind, change).await?,
            Err(failure) => followed.complain(kind, failure)?,
        }
    }
    Ok(())
}

type Tagged = (Kind, Result<Change, Failure>);

/// Ends where the caller may not watch the kind: asking again would not help.
fn tagged(
    kind: Kind,
    changes: impl Stream<Item = Result<Change, Failure>> + Send + 'static,
) -> BoxStream<'static, Tagged> {
    let mut over = false;
    changes
        .take_while(move |change| {
            let go_on = !over;
            over = change.as_ref().is_err_and(is_final);
            std::future::ready(go_on)
        })
        .map(move |change| (kind, change))
        .boxed()
}

fn is_final(failure: &Failure) -> bool {
    failure.classification() != Class::Transient
}

impl Followed<'_> {
    fn remember(&mut self, database: Database) {
        let key = key_of(&database.cluster);
        let parts = [
            (Kind::Cluster, Some(&database.cluster)),
            (Kind::Pooler, database.pooler.as_ref()),
            (Kind::Deployment, database.deployment.as_ref()),
        ];
        for (kind, part) in parts {
            if let Some(version) = part.and_then(version) {
                self.versions
                    .insert((kind, key.clone()), version.to_owned());
            }
        }
        self.databases.insert(key, database);
    }

    /// Who may not watch Clusters sees nothing; who may not watch the rest sees less.
    fn complain(&mut self, kind: Kind, failure: Failure) -> Result<(), Failure> {
        if is_final(&failure) {
            if kind == Kind::Cluster {
                return Err(failure);
            }
            stderr_line(&format!("Warning: {failure}; its changes are not shown"));
        } else if !self.complained {
            self.complained = true;
            stderr_line(&format!("{failure}; trying again"));
        }
        Ok(())
    }

    async fn take(&mut self, kind: Kind, change: Change) -> Result<(), Failure> {
        match change {
            Change::Began => {
                if kind == Kind::Cluster {
                    self.told.clear();
                }
            }
            Change::Seen(object) => {
                self.complained = false;
                let key = key(kind, &object);
                let seen = self.versions.get(&(kind, key.clone())).map(String::as_str);
                let is_new = seen != version(&object);
                if let Some(version) = version(&object) {
                    self.versions
                        .insert((kind, key.clone()), version.to_owned());
                }
                if kind == Kind::Cluster {
                    self.told.insert(key.clone());
                }
                if is_new {
                    self.look(kind, &key, View(&object).label(label::NAME))
                        .await?;
                }
            }
            Change::Gone(object) => {
                let key = key(kind, &object);
                self.versions.remove(&(kind, key.clone()));
                if kind == Kind::Cluster {
                    self.forget(&key).await?;
                } else {
                    self.look(kind, &key, None).await?;
                }
            }
            Change::Complete if kind == Kind::Cluster => {
                let gone = self
                    .databases
                    .keys()
                    .filter(|key| !self.told.contains(*key));
                for key in gone.cloned().collect::<Vec<_>>() {
                    self.forget(&key).await?;
                }
            }
            Change::Complete => {}
        }
        Ok(())
    }

    /// Reads the database that something changed of, and shows it where that makes a difference.
    async fn look(&mut self, kind: Kind, key: &Key, name: Option<&str>) -> Result<(), Failure> {
        let known = self.databases.get(key).cloned();
        let name = match (&known, kind) {
            (Some(known), _) => known.name(),
            (None, Kind::Cluster) => name.unwrap_or_default(),
            // What belongs to no database that is followed.
            (None, _) => return Ok(()),
        };
        let Ok(name) = DatabaseName::parse(name) else {
            return Ok(());
        };
        let Some(database) = self.read(&key.0, &name).await? else {
            return Ok(());
        };
        if (self.watch.keep)(&database) {
            self.printer.show(known.as_ref(), &database)?;
        }
        self.remember(database);
        Ok(())
    }

    /// Its Cluster is gone, or is not selected any more.
    async fn forget(&mut self, key: &Key) -> Result<(), Failure> {
        let Some(known) = self.databases.remove(key) else {
            return Ok(());
        };
        let Ok(name) = DatabaseName::parse(known.name()) else {
            return Ok(());
        };
        let is_gone = self.read(&key.0, &name).await?.is_none();
        if is_gone && (self.watch.keep)(&known) {
            self.printer.show_deleted(&known)?;
        }
        Ok(())
    }

    async fn read(
        &mut self,
        namespace: &str,
        name: &DatabaseName,
    ) -> Result<Option<Database>, Failure> {
        let k8s = self.watch.k8s.in_namespace(namespace);
        loop {
            match find(&k8s, name).await {
                Err(failure) if !is_final(&failure) => {
                    self.complain(Kind::Cluster, failure)?;
                    tokio::time::sleep(PAUSE).await;
                }
                result => return result,
            }
        }
    }
}

fn version(object: &Value) -> Option<&str> {
    View(object).text("/metadata/resourceVersion")
}

fn key_of(cluster: &Value) -> Key {
    key(Kind::Cluster, cluster)
}

/// Of the Cluster that an object belongs to.
fn key(kind: Kind, object: &Value) -> Key {
    let view = View(object);
    let name = match kind {
        Kind::Pooler => view.text("/spec/cluster/name").unwrap_or_default(),
        Kind::Deployment => view.name().trim_end_matches("-pooler"),
        _ => view.name(),
    };
    (view.namespace().to_owned(), name.to_owned())
}
