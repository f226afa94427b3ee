//! What the API server holds of a database, and how it compares with another one.

use daap_crds::{
    contract::{annotation, label},
    history::{History, Tracked},
    names::DatabaseName,
    object::View,
    pending::Pending,
    tombstone::Tombstone,
};
use futures::future::try_join_all;
use http::Request;
use kube::Client;
use serde_json::{Map, Value, json};

/// Collections that hold something of a database.
const COLLECTIONS: [(&str, &str); 7] = [
    ("/apis/postgresql.cnpg.io/v1", "clusters"),
    ("/apis/postgresql.cnpg.io/v1", "poolers"),
    ("/api/v1", "configmaps"),
    ("/api/v1", "persistentvolumeclaims"),
    ("/api/v1", "secrets"),
    ("/api/v1", "pods"),
    ("/apis/apps/v1", "deployments"),
];

/// Everything of one database.
#[derive(Debug)]
pub(crate) struct World {
    namespace: String,
    name: String,
    objects: Vec<Vec<Value>>,
}

impl World {
    pub(crate) async fn read(
        client: &Client,
        namespace: &str,
        name: &str,
    ) -> Result<Self, kube::Error> {
        let lists = COLLECTIONS.iter().map(|(group, plural)| {
            let path = format!("{group}/namespaces/{namespace}/{plural}");
            let request = Request::get(path).body(Vec::new()).unwrap();
            client.request::<Value>(request)
        });
        let prefix = DatabaseName::parse(name).unwrap().cluster();
        let ours = |object: &Value| {
            let rest = View(object).name().strip_prefix(&prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let lists = try_join_all(lists).await?;
        let objects = lists.into_iter().map(|mut list| {
            let items = list["items"].take();
            let items = items.as_array().cloned().unwrap_or_default();
            items.into_iter().filter(|object| ours(object)).collect()
        });
        Ok(Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            objects: objects.collect(),
        })
    }

    fn of(&self, plural: &str) -> &[Value] {
        let at = COLLECTIONS.iter().position(|(_, known)| *known == plural);
        &self.objects[at.unwrap()]
    }

    pub(crate) fn cluster(&self) -> Option<View<'_>> {
        self.of("clusters").first().map(View)
    }

    pub(crate) fn pooler(&self) -> Option<View<'_>> {
        self.of("poolers").first().map(View)
    }

    pub(crate) fn tombstones(&self) -> impl Iterator<Item = (View<'_>, Tombstone)> {
        let read = |object| Some((View(object), Tombstone::read(View(object))?));
        self.of("configmaps").iter().filter_map(read)
    }

    pub(crate) fn volumes(&self) -> &[Value] {
        self.of("persistentvolumeclaims")
    }

    /// The Cluster's, else that of the only tombstone.
    pub(crate) fn id(&self) -> Option<String> {
        let of_tombstone = || self.tombstones().next().map(|(view, _)| view);
        let object = self.cluster().or_else(of_tombstone)?;
        object.label(label::ID).map(str::to_owned)
    }

    pub(crate) fn pending(&self) -> Option<Pending> {
        Pending::parse(self.cluster()?.annotation(annotation::PENDING)?)
    }

    /// Paths of what nobody collects by itself.
    pub(crate) fn paths(&self) -> Vec<String> {
        let roots = COLLECTIONS.iter().zip(&self.objects).take(5);
        roots
            .flat_map(|((group, plural), objects)| {
                objects.iter().map(move |object| {
                    let name = View(object).name();
                    format!("{group}/namespaces/{}/{plural}/{name}", self.namespace)
                })
            })
            .collect()
    }

    /// What runs or lies there without a live Cluster that has it or a tombstone that lists it.
    pub(crate) fn unknown(&self) -> Vec<String> {
        let mut unknown = Vec::new();
        let uid = self.cluster().map(View::uid);
        for plural in ["pods", "poolers", "deployments"] {
            let lost = self.of(plural).iter().filter(|_| uid.is_none());
            unknown.extend(lost.map(|object| format!("{plural}/{}", View(object).name())));
        }
        for plural in ["persistentvolumeclaims", "secrets"] {
            for object in self.of(plural).iter().map(View) {
                let owned = uid.is_some_and(|uid| object.is_owned_by(uid));
                let listed = self.tombstones().any(|(_, tombstone)| {
                    let retained = tombstone.retained;
                    let names = [retained.volumes, retained.secrets].concat();
                    names.iter().any(|name| name == object.name())
                });
                // A Pooler's, and through it the Cluster's.
                let indirect = uid.is_some() && !object.owner_references().is_empty();
                if !owned && !listed && !indirect {
                    unknown.push(format!("{plural}/{}", object.name()));
                }
            }
        }
        unknown
    }

    /// The record of every generation contradicts itself nowhere.
    pub(crate) fn inconsistencies(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut judge = |object: View<'_>, record: &Tracked| {
            let history = object.annotation(annotation::HISTORY).unwrap_or_default();
            match History::parse(history) {
                Err(error) => found.push(format!("{}: {error}", object.name())),
                Ok(history) => {
                    let problems = history.verify(record).into_iter();
                    found.extend(problems.map(|problem| format!("{}: {problem}", object.name())));
                    if object.annotation(annotation::VERSION)
                        != Some(&history.version().to_string())
                    {
                        found.push(format!(
                            "{}: another version than its history",
                            object.name()
                        ));
                    }
                }
            }
        };
        if let Some(cluster) = self.cluster() {
            judge(cluster, &Tracked::of(cluster));
        }
        for (object, tombstone) in self.tombstones() {
            let mut record =
                json!({"spec": tombstone.cluster.spec, "metadata": object.at("/metadata")});
            record["metadata"]["name"] = object.name().into();
            judge(object, &Tracked::of(View(&record)));
        }
        found
    }

    /// Everything that is the same after every way to the same end.
    pub(crate) fn snapshot(&self) -> Value {
        let mut snapshot = Map::new();
        for ((_, plural), objects) in COLLECTIONS.iter().zip(&self.objects) {
            let seen = objects.iter().map(|object| self.seen(plural, View(object)));
            snapshot.insert((*plural).to_owned(), seen.collect());
        }
        snapshot.insert("inconsistencies".into(), self.inconsistencies().into());
        let mut text = Value::Object(snapshot).to_string();
        if let Some(id) = self.id() {
            text = text.replace(&id, "{id}").replace(&id[..8], "{id8}");
        }
        if let Some(cluster) = self.cluster() {
            text = text.replace(cluster.uid(), "{uid}");
        }
        let text = text.replace(&self.name, "{name}");
        serde_json::from_str(&text.replace(&self.namespace, "{namespace}")).unwrap()
    }

    fn seen(&self, plural: &str, object: View<'_>) -> Value {
        let owners: Vec<&Value> = object
            .owner_references()
            .iter()
            .map(|owner| &owner["name"])
            .collect();
        let mut seen = json!({
            "name": object.name(), "owners": owners, "beingDeleted": object.is_being_deleted(),
        });
        match plural {
            "clusters" | "poolers" | "configmaps" => {
                seen["labels"] = json!(object.labels());
                seen["annotations"] = annotations(object);
                seen["spec"] = json!(object.at("/spec"));
                seen["ready"] = json!(object.at("/status/readyInstances"));
                seen["history"] = history(object);
                seen["tombstone"] = tombstone(object);
            }
            "persistentvolumeclaims" => {
                let record = |key| object.label(key);
                seen["record"] = json!(label::RECORD.map(record));
                seen["size"] = json!(object.at("/spec/resources/requests/storage"));
            }
            "deployments" => seen["available"] = json!(object.at("/status/availableReplicas")),
            // Its name has a random end.
            "pods" if object.name().contains("-pooler-") => {
                seen["name"] = format!("daap-{}-pooler", self.name).into();
                seen["owners"] = Value::Null;
            }
            _ => {}
        }
        seen
    }
}

/// Annotations without times; the history is compared as such.
fn annotations(object: View<'_>) -> Value {
    let passing = [
        annotation::CREATED_AT,
        annotation::UPDATED_AT,
        annotation::HISTORY,
        annotation::TOMBSTONE,
    ];
    let all = object.annotations().into_iter().flatten();
    all.filter(|(key, _)| !passing.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect::<Map<_, _>>()
        .into()
}

fn history(object: View<'_>) -> Value {
    let parse = |text| History::parse(text).ok();
    let Some(history) = object.annotation(annotation::HISTORY).and_then(parse) else {
        return Value::Null;
    };
    let mut rows = serde_json::to_value(history.rows).unwrap();
    for row in rows.as_array_mut().into_iter().flatten() {
        row["from"] = Value::Null;
    }
    rows
}

fn tombstone(object: View<'_>) -> Value {
    let mut read = serde_json::to_value(Tombstone::read(object)).unwrap();
    if read.is_object() {
        read["until"] = Value::Null;
    }
    read
}
