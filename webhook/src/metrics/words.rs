//! Values of labels: what a request says, where it is one of the words that there are. Whoever
//! reaches the port can write any operation or resource into a review, and every new value would be
//! a new series for ever.

/// Stands for whatever is unknown.
pub(super) const OTHER: &str = "other";

const OPERATIONS: [&str; 3] = ["CREATE", "UPDATE", "DELETE"];

/// As in the webhook configurations.
const RESOURCES: [&str; 13] = [
    "clusters",
    "clusters/scale",
    "poolers",
    "poolers/scale",
    "databases",
    "databaseroles",
    "publications",
    "subscriptions",
    "backups",
    "scheduledbackups",
    "persistentvolumeclaims",
    "secrets",
    "configmaps",
];

pub(super) fn operation(said: &str) -> &'static str {
    known(&OPERATIONS, said)
}

pub(super) fn resource(said: &str) -> &'static str {
    known(&RESOURCES, said)
}

fn known(words: &[&'static str], said: &str) -> &'static str {
    let found = words.iter().find(|word| **word == said);
    found.copied().unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_no_label_of_its_own() {
        assert_eq!(operation("DELETE"), "DELETE");
        assert_eq!(operation("CONNECT-4711"), OTHER);
        assert_eq!(resource("poolers/scale"), "poolers/scale");
        assert_eq!(resource("clusters/anything"), OTHER);
    }
}
