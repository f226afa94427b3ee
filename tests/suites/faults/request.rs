//! Requests as the table knows them: without the names that differ from case to case.

use std::fmt;

use http::Method;

/// What differs from case to case.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) namespace: String,
    pub(crate) database: String,
}

/// A request of an operation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    /// Method and path.
    pub(crate) what: String,
    /// The how-manieth of its kind in one run, from 1.
    pub(crate) occurrence: usize,
}

impl Key {
    /// Whether it can change something.
    pub(crate) fn is_write(&self) -> bool {
        // A review is a question.
        !self.what.starts_with(Method::GET.as_str())
            && !self.what.contains("reviews")
            && !self.what.contains("dryRun")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} #{}", self.what, self.occurrence)
    }
}

impl Names {
    /// Method and path of a request, with the names replaced.
    pub(crate) fn signature(&self, method: &Method, uri: &http::Uri) -> String {
        let path = self.replace(uri.path());
        let query = uri.query().unwrap_or_default();
        let selecting = query
            .split('&')
            .filter(|pair| pair.starts_with("labelSelector=") || pair.starts_with("dryRun="));
        let query: Vec<String> = selecting.map(|pair| self.replace(pair)).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{method} {path}{mark}{}", query.join("&"))
    }

    /// `text` with placeholders for the names. A tombstone's name ends with the database's id.
    fn replace(&self, text: &str) -> String {
        let text = text
            .replace(&self.namespace, "{namespace}")
            .replace(&self.database, "{name}");
        let Some((before, rest)) = text.split_once("daap-{name}-") else {
            return text;
        };
        let is_id = rest.len() == 8 && rest.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_id {
            return format!("{before}daap-{{name}}-{{id}}");
        }
        text
    }
}

#[test]
fn names_are_replaced() {
    let names = Names {
        namespace: "faults-1".into(),
        database: "f00017".into(),
    };
    let uri =
        "/api/v1/namespaces/faults-1/configmaps/daap-f00017-0a1b2c3d?fieldManager=x&dryRun=All";
    let signature = names.signature(&Method::PATCH, &uri.parse().unwrap());
    assert_eq!(
        signature,
        "PATCH /api/v1/namespaces/{namespace}/configmaps/daap-{name}-{id}?dryRun=All"
    );
    let key = Key {
        what: signature,
        occurrence: 1,
    };
    assert!(!key.is_write());
}
