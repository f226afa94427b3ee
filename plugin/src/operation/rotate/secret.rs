//! The app Secret with another password. The operator changes `PostgreSQL`, and leaves alone the other
//! keys that hold the password: all of them are written here, in its own form.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use daap_crds::object::View;
use serde_json::{Map, Value};

use crate::database::{decode, encode};
use crate::failure::Failure;
use crate::login::in_pgpass;

const URIS: [&str; 2] = ["uri", "fqdn-uri"];
const JDBC_URIS: [&str; 2] = ["jdbc-uri", "fqdn-jdbc-uri"];

/// The keys that change, in base64.
pub(super) fn with_password(
    secret: View<'_>,
    password: &str,
) -> Result<Map<String, Value>, Failure> {
    let has = |key: &str| secret.at(&format!("/data/{key}")).is_some();
    let read = |key: &str| decode(secret.0, secret.name(), key);
    let user = encode(&read("username")?);
    let mut changed = vec![("password", password.to_owned())];
    for key in URIS.into_iter().filter(|key| has(key)) {
        let uri = read(key)?;
        let (_, place) = uri.rsplit_once('@').unwrap_or_default();
        changed.push((
            key,
            format!("postgresql://{user}:{}@{place}", encode(password)),
        ));
    }
    for key in JDBC_URIS.into_iter().filter(|key| has(key)) {
        let uri = read(key)?;
        let place = uri.split('?').next().unwrap_or_default();
        changed.push((
            key,
            format!("{place}?password={}&user={user}", encode(password)),
        ));
    }
    if has("pgpass") {
        let fields = ["host", "port", "dbname", "username"];
        let fields: Result<Vec<String>, Failure> = fields
            .into_iter()
            .map(|key| Ok(in_pgpass(&read(key)?)))
            .collect();
        let line = format!("{}:{}\n", fields?.join(":"), in_pgpass(password));
        changed.push(("pgpass", line));
    }
    Ok(changed
        .into_iter()
        .map(|(key, value)| (key.to_owned(), BASE64_STANDARD.encode(value).into()))
        .collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn encoded(text: &str) -> Value {
        BASE64_STANDARD.encode(text).into()
    }

    #[test]
    fn every_key_that_holds_the_password_gets_the_new_one() {
        let secret = json!({"metadata": {"name": "daap-orders-app"}, "data": {
            "username": encoded("app"), "user": encoded("app"), "dbname": encoded("app"), "host": encoded("daap-orders-rw"),
            "port": encoded("5432"), "password": encoded("old"), "pgpass": encoded("daap-orders-rw:5432:app:app:old\n"),
            "uri": encoded("postgresql://app:old@daap-orders-rw.apps:5432/app"),
            "fqdn-uri": encoded("postgresql://app:old@daap-orders-rw.apps.svc.cluster.local:5432/app"),
            "jdbc-uri": encoded("jdbc:postgresql://daap-orders-rw.apps:5432/app?password=old&user=app"),
            "fqdn-jdbc-uri": encoded("jdbc:postgresql://daap-orders-rw.apps.svc.cluster.local:5432/app?password=old&user=app"),
        }});
        let changed = with_password(View(&secret), "new").unwrap();
        let expected = json!({
            "password": encoded("new"), "pgpass": encoded("daap-orders-rw:5432:app:app:new\n"),
            "uri": encoded("postgresql://app:new@daap-orders-rw.apps:5432/app"),
            "fqdn-uri": encoded("postgresql://app:new@daap-orders-rw.apps.svc.cluster.local:5432/app"),
            "jdbc-uri": encoded("jdbc:postgresql://daap-orders-rw.apps:5432/app?password=new&user=app"),
            "fqdn-jdbc-uri": encoded("jdbc:postgresql://daap-orders-rw.apps.svc.cluster.local:5432/app?password=new&user=app"),
        });
        assert_eq!(Value::Object(changed), expected);
    }

    #[test]
    fn a_secret_that_somebody_else_made_gets_no_more_keys() {
        let secret = json!({"data": {"username": encoded("app"), "password": encoded("old")}});
        let changed = with_password(View(&secret), "new").unwrap();
        assert_eq!(changed.keys().collect::<Vec<_>>(), ["password"]);
    }
}
