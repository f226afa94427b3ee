use daap_crds::names::{DatabaseId, DatabaseName, Team};

/// Names that somebody typed: no panic; what is accepted is what was typed, makes names that
/// Kubernetes and CNPG take, and its tombstone is nobody else's Cluster.
pub fn names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match DatabaseName::parse(text) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(name) => database(text, &name),
    }
    if let Ok(team) = Team::parse(text) {
        assert_eq!(team.as_str(), text);
        assert!(is_label(text), "{text}");
    }
    if let Ok(id) = DatabaseId::parse(text) {
        assert_eq!(id.to_string(), text);
        assert!(text.starts_with(&id.short()));
    }
}

fn database(text: &str, name: &DatabaseName) {
    assert_eq!(name.as_str(), text);
    let id = DatabaseId::random();
    let cluster = name.cluster();
    assert!(cluster.starts_with("daap-") && cluster.len() <= 43 && is_label(&cluster));
    for derived in [
        name.pooler(),
        name.app_secret(),
        name.ca_secret(),
        name.tombstone(&id),
    ] {
        assert!(
            is_label(&derived) && derived.starts_with(&cluster),
            "{derived}"
        );
    }
    for host in name.pooler_dns_names("apps") {
        assert!(host.split('.').all(is_label), "{host}");
    }
    // No other database has its objects under these names.
    for derived in [name.pooler(), format!("{cluster}-primary")] {
        let other = derived.strip_prefix("daap-").map(DatabaseName::parse);
        assert!(!matches!(other, Some(Ok(_))), "{derived}");
    }
    let other = cluster.strip_prefix("daap-").map(DatabaseName::parse);
    if let Some(Ok(other)) = other {
        assert_eq!(&other, name, "two databases of one Cluster");
    }
}

/// A DNS-1123 label.
fn is_label(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len())
        && text.chars().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-')
}
