//! Values of labels: what a request says, where it is one of the words that there are. Whoever
//! reaches the port can write any operation or resource into a review, and every new value would be
//! a new series for ever.

use crate::configuration::{MUTATING, Rule, VALIDATING};

/// Stands for whatever is unknown.
pub(super) const OTHER: &str = "other";

pub(super) fn operation(said: &str) -> &'static str {
    known(|rule| rule.operations, said)
}

pub(super) fn resource(said: &str) -> &'static str {
    known(|rule| rule.resources, said)
}

/// As in the webhook configurations.
fn known(words: impl Fn(&Rule) -> &'static [&'static str], said: &str) -> &'static str {
    let webhooks = MUTATING.iter().chain(&VALIDATING);
    let mut rules = webhooks.flat_map(|webhook| webhook.rules);
    let found = rules.find_map(|rule| words(rule).iter().find(|word| **word == said));
    found.copied().unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_no_label_of_its_own() {
        assert_eq!(operation("CONNECT-4711"), OTHER);
        assert_eq!(resource("clusters/anything"), OTHER);
    }

    #[test]
    fn what_the_api_server_sends_is_called_by_its_name() {
        for rule in { MUTATING.iter().chain(&VALIDATING) }.flat_map(|webhook| webhook.rules) {
            for word in rule.resources {
                assert_eq!(resource(word), *word);
            }
            for word in rule.operations {
                assert_eq!(operation(word), *word);
            }
        }
        assert_eq!(
            resource("persistentvolumeclaims/status"),
            "persistentvolumeclaims/status"
        );
    }
}
