//! Reading many databases, in four lists rather than four requests a database. Nothing is held of an
//! object but what a database is shown by.

use daap_crds::trimmed::{Fields, Kept};
use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::future::try_join;
use serde_json::Value;

use super::Database;
use super::listing::Listing;
use super::parts::Parts;
use crate::failure::Failure;
use crate::kubernetes::{Ask, Kind, Kubernetes};

/// Of a Cluster: its record, what that is compared with, and what tells its state.
const CLUSTER: Fields = &[
    ("apiVersion", Kept::Nothing),
    ("kind", Kept::Nothing),
    ("metadata", Kept::But(&["managedFields"])),
    (
        "spec",
        Kept::Only(&[
            "bootstrap",
            "certificates",
            "imageName",
            "inheritedMetadata",
            "instances",
            "storage",
        ]),
    ),
    (
        "status",
        Kept::Only(&[
            "conditions",
            "currentPrimary",
            "image",
            "pgDataImageInfo",
            "phase",
            "phaseReason",
            "readyInstances",
            "secretsResourceVersion",
            "targetPrimary",
        ]),
    ),
];

/// Databases, put together as their Clusters come in.
struct Joined<'a, T, F> {
    k8s: &'a Kubernetes,
    listing: &'a Listing,
    parts: Parts,
    take: F,
    kept: Vec<T>,
    /// Clusters whose parts may have been overlooked, and before which of `kept` each belongs.
    unsure: Vec<(usize, Value)>,
}

/// What `take` makes of the databases of a listing, where it makes something of them, and where the rest
/// begins. Each is handed over as it comes in.
pub(crate) async fn list<T>(
    k8s: &Kubernetes,
    listing: Listing,
    take: impl Fn(Database) -> Option<T>,
) -> Result<(Vec<T>, Option<String>), Failure> {
    let joined = |parts| Joined {
        k8s,
        listing: &listing,
        parts,
        take,
        kept: Vec::new(),
        unsure: Vec::new(),
    };
    let (read, are_read) = oneshot::channel::<()>();
    // All at once, but who may not list databases is told that, and not of the parts.
    let parts = Parts::read(k8s, &listing).map(|parts| {
        drop(read);
        Ok(parts)
    });
    if listing.is_whole() {
        let clusters = async {
            let ask = listing.all(Kind::Cluster, &listing.selector);
            let mut pages = k8s.every(ask, CLUSTER).await?;
            // Else the API server has little to do until the last of the parts is there.
            pages.read_ahead(are_read).await?;
            Ok::<_, Failure>(pages)
        };
        // In a box: or every command would be the size of it.
        let (pages, parts) = Box::pin(try_join(clusters, parts)).await?;
        let mut joined = joined(parts?);
        pages.each(|cluster| joined.add(cluster)).await?;
        joined.look_again().await?;
        return Ok((joined.with_lost(), None));
    }
    let page = |have: usize, from: Option<String>| {
        k8s.objects(Ask {
            size: page_size(listing.chunk.unwrap_or_default(), listing.limit, have),
            from,
            ..listing.all(Kind::Cluster, &listing.selector)
        })
    };
    let (mut incoming, parts) = try_join(page(0, listing.from.clone()), parts).await?;
    let mut joined = joined(parts?);
    loop {
        let next = { incoming.each(CLUSTER, |cluster| joined.add(cluster)) }.await?;
        joined.look_again().await?;
        let have = joined.kept.len();
        let enough = listing.limit > 0 && have >= listing.limit;
        match next {
            Some(next) if !enough => incoming = page(have, Some(next)).await?,
            // Only who has seen every Cluster knows which Pooler has none.
            None if listing.from.is_none() && !enough => return Ok((joined.with_lost(), None)),
            next => return Ok((joined.kept, next)),
        }
    }
}

impl<T, F: Fn(Database) -> Option<T>> Joined<'_, T, F> {
    fn add(&mut self, cluster: Value) {
        if self.parts.may_have_overlooked(&cluster) {
            self.unsure.push((self.kept.len(), cluster));
        } else {
            self.kept.extend((self.take)(self.parts.join(cluster)));
        }
    }

    async fn look_again(&mut self) -> Result<(), Failure> {
        let unsure = std::mem::take(&mut self.unsure);
        let overlooked = unsure.iter().map(|(_, cluster)| cluster);
        self.parts
            .look_again(self.k8s, self.listing, overlooked)
            .await?;
        // From the last on, so that the places of the others stay what they are.
        for (place, cluster) in unsure.into_iter().rev() {
            if let Some(made) = (self.take)(self.parts.join(cluster)) {
                self.kept.insert(place, made);
            }
        }
        Ok(())
    }

    /// Also those of which only the Pooler is left.
    fn with_lost(mut self) -> Vec<T> {
        let lost = self.parts.lost(&self.listing.selector);
        self.kept.extend(lost.filter_map(self.take));
        self.kept
    }
}

/// As many as are still missing: so the continuation of the last page begins after the last one
/// that is shown.
fn page_size(chunk: u32, limit: usize, have: usize) -> u32 {
    match u32::try_from(limit.saturating_sub(have)) {
        Ok(missing) if limit > 0 && chunk == 0 => missing,
        Ok(missing) if limit > 0 => chunk.min(missing),
        _ => chunk,
    }
}

#[cfg(test)]
mod tests {
    use daap_crds::contract::label;
    use http::Method;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::kubernetes::fake::{Fake, Fault};

    #[rstest]
    #[case(500, 0, 0, 500)]
    #[case(500, 10, 0, 10)]
    #[case(500, 10, 7, 3)]
    #[case(5, 10, 0, 5)]
    #[case(0, 0, 0, 0)]
    #[case(0, 10, 7, 3)]
    fn pages_hold_what_is_missing(
        #[case] chunk: u32,
        #[case] limit: usize,
        #[case] have: usize,
        #[case] size: u32,
    ) {
        assert_eq!(page_size(chunk, limit, have), size);
    }

    #[rstest]
    #[case(true)]
    #[case(false)]
    #[tokio::test]
    async fn who_may_not_list_databases_is_told_that(#[case] of_clusters: bool) {
        for chunk in [None, Some(500)] {
            let fake = Fake::default();
            let k8s = fake.connect();
            fake.fail(move |_, _: &Method, path| {
                if path.ends_with("/clusters") {
                    of_clusters.then_some(Fault::Refused(403))
                } else {
                    Some(Fault::Refused(503))
                }
            });
            let listing = Listing {
                namespace: Some("apps".into()),
                selector: label::NAME.into(),
                chunk,
                ..Listing::default()
            };
            let listed = list(&k8s, listing, Some).await.map(|_| ());
            let failure = listed.unwrap_err();
            assert_eq!(failure.is_hard(), of_clusters, "{failure}");
        }
    }

    #[tokio::test]
    async fn what_carries_another_team_for_a_while_is_not_overlooked() {
        let fake = Fake::default();
        let k8s = fake.connect();
        for name in ["orders", "shop", "stock"] {
            let database = super::super::fixtures::ready(name);
            let mut pooler = database.pooler.unwrap();
            if name == "shop" {
                let labels = json!({"cnpg.io/cluster": "daap-shop", label::OWNER_TEAM: "billing"});
                let secret = json!({"apiVersion": "v1", "kind": "Secret",
                    "metadata": {"name": "daap-shop-app", "namespace": "apps", "labels": labels}});
                k8s.create(Kind::Secret, &secret).await.unwrap();
                pooler["metadata"]["labels"][label::OWNER_TEAM] = "billing".into();
            }
            for (kind, mut object) in [(Kind::Cluster, database.cluster), (Kind::Pooler, pooler)] {
                object["metadata"]["namespace"] = "apps".into();
                k8s.create(kind, &object).await.unwrap();
            }
        }
        let listing = Listing {
            namespace: Some("apps".into()),
            selector: format!("{},{}=payments", label::NAME, label::OWNER_TEAM),
            ..Listing::default()
        };
        let listed = list(&k8s, listing, Some).await.unwrap().0;
        let found = { listed.iter() }.map(|one| (one.name(), one.pooler.is_some(), one.app_secret));
        let expected = [
            ("orders", true, true),
            ("shop", true, true),
            ("stock", true, true),
        ];
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}
