use daap_crds::policy::Policy;

/// A policy file: no panic; an error says something; what is accepted can be met, and is the same
/// once it is written and read again.
pub fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Policy::from_yaml(text) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(policy) => {
            let limits = &policy.limits;
            assert!(limits.instances.min <= limits.instances.max);
            assert!(limits.storage.min <= limits.storage.max);
            assert!(limits.pool_instances.min <= limits.pool_instances.max);
            assert!(limits.instances.contains(&policy.defaults.instances));
            assert!(limits.storage.contains(&policy.defaults.storage));
            let written = serde_json::to_string(&policy).unwrap();
            let again = Policy::from_yaml(&written);
            assert_eq!(again.ok().as_ref(), Some(&policy), "{written}");
        }
    }
}
