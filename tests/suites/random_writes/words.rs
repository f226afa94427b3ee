//! What an attacker knows: names, labels and ids of the databases that are there, and the keys by
//! which daap and CNPG are steered.

use daap_crds::contract::{annotation, cnpg, label};

use crate::random::Random;

/// Keys of labels and annotations that mean something.
const KEYS: [&str; 26] = [
    label::NAME,
    label::OWNER_TEAM,
    label::ID,
    label::DELETED,
    label::MANAGED_BY,
    annotation::PURPOSE,
    annotation::CHANGE_REASON,
    annotation::CREATED_AT,
    annotation::CREATED_BY,
    annotation::UPDATED_AT,
    annotation::UPDATED_BY,
    annotation::VERSION,
    annotation::HISTORY,
    annotation::OFFERED_TO,
    annotation::PENDING,
    annotation::TOMBSTONE,
    cnpg::HIBERNATION,
    cnpg::FENCED_INSTANCES,
    cnpg::CLUSTER,
    cnpg::PVC_STATUS,
    "cnpg.io/validation",
    "cnpg.io/instanceName",
    "cnpg.io/skipEmptyWalArchiveCheck",
    "alpha.cnpg.io/unrecoverable",
    "note",
    "tier",
];

/// Texts that mean something somewhere.
const TEXTS: [&str; 26] = [
    "",
    "payments",
    "billing",
    "nobody",
    "orders",
    "archive",
    "ledger",
    "daap-orders",
    "daap-archive",
    "daap-ledger",
    "daap-orders-app",
    "daap-orders-1",
    "daap-orders-pooler",
    "daap-",
    "plain",
    "on",
    "off",
    "disabled",
    "true",
    "ready",
    "[\"*\"]",
    "1Gi",
    "2Gi",
    "Retain",
    "1",
    "2",
];

/// The dictionary of one namespace.
pub(crate) struct Words(Vec<String>);

impl Words {
    /// The usual texts, and these: ids, uids, histories.
    pub(crate) fn with(more: Vec<String>) -> Self {
        let usual = TEXTS.iter().map(|text| (*text).to_owned());
        Self(usual.chain(more).collect())
    }

    pub(crate) fn text(&self, random: &mut Random) -> String {
        random.one(&self.0).clone()
    }

    pub(crate) fn key(&self, random: &mut Random) -> String {
        if random.percent(5) {
            return self.text(random);
        }
        random.pick(&KEYS).to_owned()
    }
}
