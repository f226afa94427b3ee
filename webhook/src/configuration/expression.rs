//! Conditions in CEL, by which the API server itself decides what it sends here.

use daap_crds::contract::cnpg::TRUSTED_SECRETS;
use daap_crds::contract::kubernetes::{CONTROLLER_MANAGER, CONTROLLERS, VOLUME_PROTECTION};
use daap_crds::contract::{NAME_PREFIX, PREFIX, label};

use super::exempt::{GARBAGE_COLLECTOR, NAMESPACE_CONTROLLER, OPERATOR};

/// A `matchCondition` of a webhook, or of a `ValidatingAdmissionPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The object is, or was, ours.
    Governed,
    /// It neither is nor was.
    Ungoverned,
    /// It belongs, or belonged, to a Cluster that is called `daap-…`.
    NamesGoverned,
    /// Ownership, our keys, CNPG's keys or the contents change, it loses its protection or gets
    /// another finalizer, it is made or deleted. The rest – binding a volume, say – is what Kubernetes
    /// does all the time.
    ChangesWhatIsKept,
    /// A Secret that a Cluster called `daap-…` trusts by its name, or a volume that it takes, and that
    /// carries no id of ours.
    TrustedByName,
    /// The operator is exempt from ownership, never from the record: what changes none of our labels
    /// and annotations passes, so that a dead webhook does not stop it. (It fences an instance, by an
    /// annotation of its own, to take a cold snapshot.)
    NotOperatorKeepingRecord,
    /// The operator, altogether.
    NotOperator,
    /// An instance that takes its finalizer off an object that names its own Cluster, and changes
    /// nothing else: a namespace could not be emptied while nobody answers.
    NotInstanceReleasing,
    /// An orphan that cannot be collected would stay for ever.
    NotGarbageCollector,
    /// A namespace that cannot be emptied would stay for ever.
    NotNamespaceController,
}

impl Condition {
    /// Its name in the configuration; of letters and hyphens.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Governed => "governed",
            Self::Ungoverned => "ungoverned",
            Self::NamesGoverned => "names-governed",
            Self::ChangesWhatIsKept => "changes-what-is-kept",
            Self::TrustedByName => "trusted-by-name",
            Self::NotOperatorKeepingRecord => "not-the-operator-keeping-the-record",
            Self::NotOperator => "not-the-operator",
            Self::NotInstanceReleasing => "not-the-instance-releasing-its-own",
            Self::NotGarbageCollector => "not-the-garbage-collector",
            Self::NotNamespaceController => "not-the-namespace-controller",
        }
    }

    /// The expression, in one line.
    #[must_use]
    pub fn expression(self) -> String {
        match self {
            Self::Governed => governed(),
            Self::Ungoverned => format!("!({})", governed()),
            Self::NamesGoverned => {
                format!("[object, oldObject].exists(o, o != null && {})", named())
            }
            Self::ChangesWhatIsKept => changes_what_is_kept(),
            Self::TrustedByName => format!(
                "[oldObject == null ? object : oldObject].exists(o, \
                 (request.resource.resource == 'secrets' ? {} : {}) \
                 && !('{}' in o.metadata.?labels.orValue({{}})))",
                called(&format!("-({})", TRUSTED_SECRETS.join("|"))),
                called("-[0-9]+(-wal)?"),
                label::ID
            ),
            Self::NotOperatorKeepingRecord => format!(
                "!({} && request.operation == 'UPDATE' \
                 && [[object, oldObject], [oldObject, object]].all(pair, ['labels', 'annotations'].all(map, \
                 pair[0].metadata[?map].orValue({{}}).all(key, !key.startsWith('{PREFIX}') \
                 || pair[0].metadata[map][key] == pair[1].metadata[?map][?key].orValue('')))))",
                is(OPERATOR),
            ),
            Self::NotOperator => is_not(OPERATOR),
            Self::NotInstanceReleasing => format!(
                "!(request.operation == 'UPDATE' && request.userInfo.username == \
                 'system:serviceaccount:' + request.namespace + ':' \
                 + oldObject.?spec.?cluster.?name.orValue('') \
                 && object.?spec == oldObject.?spec && {} && {} \
                 && object.metadata.?ownerReferences == oldObject.metadata.?ownerReferences)",
                same("labels"),
                same("annotations")
            ),
            Self::NotGarbageCollector => is_not(GARBAGE_COLLECTOR),
            Self::NotNamespaceController => is_not(NAMESPACE_CONTROLLER),
        }
    }
}

/// As [`daap_crds::admission::Write::is_governed`] sees it. A Scale is no Cluster and no Pooler: all
/// that is known of it is the name.
fn governed() -> String {
    let begins =
        |field: &str| format!("o.metadata.?{field}.orValue('').startsWith('{NAME_PREFIX}')");
    format!(
        "has(request.subResource) && request.subResource == 'scale' \
         ? request.name.startsWith('{NAME_PREFIX}') \
         : [object, oldObject].exists(o, o != null && ({} || {} \
         || o.metadata.?labels.orValue({{}}).exists(key, key.startsWith('{PREFIX}')) || {}))",
        begins("name"),
        begins("generateName"),
        named(),
    )
}

/// Called after a Cluster of ours, and this.
fn called(suffix: &str) -> String {
    format!("o.metadata.?name.orValue('').matches('^{NAME_PREFIX}.*{suffix}$')")
}

fn named() -> String {
    format!("o.?spec.?cluster.?name.orValue('').startsWith('{NAME_PREFIX}')")
}

fn changes_what_is_kept() -> String {
    let finalizers = |object: &str| format!("{object}.metadata.?finalizers.orValue([])");
    let protected = |object: &str| format!("'{VOLUME_PROTECTION}' in {}", finalizers(object));
    format!(
        "request.operation != 'UPDATE' \
         || object.metadata.?ownerReferences != oldObject.metadata.?ownerReferences \
         || ['data', 'type', 'immutable'].exists(field, object[?field] != oldObject[?field]) \
         || ['resources', 'volumeAttributesClassName'].exists(field, \
         object.?spec[?field] != oldObject.?spec[?field]) \
         || ((object.?spec.?volumeName != oldObject.?spec.?volumeName || ({} && !({})) \
         || {}.exists(one, !(one in {}))) \
         && !(request.userInfo.username.startsWith('{CONTROLLERS}') \
         || request.userInfo.username == '{CONTROLLER_MANAGER}')) \
         || [[object, oldObject], [oldObject, object]].exists(pair, ['labels', 'annotations'].exists(map, \
         pair[0].metadata[?map].orValue({{}}).exists(key, (key.startsWith('{PREFIX}') || key.contains('cnpg.io/')) \
         && pair[0].metadata[map][key] != pair[1].metadata[?map][?key].orValue(''))))",
        protected("oldObject"),
        protected("object"),
        finalizers("object"),
        finalizers("oldObject"),
    )
}

fn same(map: &str) -> String {
    format!("object.metadata.?{map}.orValue({{}}) == oldObject.metadata.?{map}.orValue({{}})")
}

fn is(user: &str) -> String {
    format!("request.userInfo.username == '{user}'")
}

fn is_not(user: &str) -> String {
    format!("request.userInfo.username != '{user}'")
}
