//! What somebody may have meant who mistyped a word.

use daap_crds::contract::label;
use daap_crds::object::View;
use strsim::jaro_winkler;

use crate::context::Context;
use crate::failure::Failure;
use crate::kubernetes::{CHUNK, Kind};

/// As alike as clap wants a command to be before it suggests it.
const ALIKE: f64 = 0.8;

/// The word that is most like `typed`; none where none is much like it.
pub(crate) fn closest<'a>(
    typed: &str,
    words: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let alike = words
        .into_iter()
        .map(|word| (jaro_winkler(&typed, &word.to_lowercase()), word))
        .filter(|(alike, _)| *alike > ALIKE);
    alike
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, word)| word)
}

/// Names the database that is most like the one that was not found, where there is one.
pub(crate) async fn with_meant(context: &Context, failure: Failure) -> Failure {
    let Some(name) = failure.missing_database().map(str::to_owned) else {
        return failure;
    };
    let Ok(k8s) = context.kubernetes().await else {
        return failure;
    };
    let namespace = Some(k8s.namespace());
    // One page: a suggestion is worth no more.
    let page = k8s
        .page(Kind::Cluster, namespace, label::NAME, CHUNK, None)
        .await;
    let clusters = page.map(|page| page.items).unwrap_or_default();
    let names = clusters
        .iter()
        .filter_map(|cluster| View(cluster).label(label::NAME));
    match closest(&name, names) {
        Some(meant) => failure.before_hint(&format!("did you mean {meant}?")),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("ordrs", Some("orders"))]
    #[case("order", Some("orders"))]
    #[case("Orders", Some("orders"))]
    #[case("stok", Some("stock"))]
    #[case("invoices", None)]
    fn only_what_is_much_alike(#[case] typed: &str, #[case] meant: Option<&str>) {
        assert_eq!(closest(typed, ["orders", "stock", "payments"]), meant);
    }
}
