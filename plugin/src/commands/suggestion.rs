//! What somebody may have meant who mistyped a word.

use strsim::jaro_winkler;

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
