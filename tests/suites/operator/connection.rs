//! Ways to a database: the pooler's address, its password, a port-forward.

use daap_tests::sandbox::{User, wait_for};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::database::{Database, LIMIT, sandbox};

#[tokio::test]
async fn a_changed_password_counts_from_then_on() {
    let database = Database::ready("rotation", 1).await;
    let old = database.password().await;
    assert_eq!(database.sql_soon("SELECT 1").await, "1");
    database
        .patch(
            "secrets",
            "daap-orders-app",
            json!({ "stringData": { "password": "it's new" } }),
        )
        .await;
    assert_eq!(database.sql_soon("SELECT 2").await, "2");
    // The operator changes the role, and nothing else in the Secret.
    let uri = database.secret("daap-orders-app", "uri").await;
    assert!(uri.contains(&old), "{uri}");
    let refused = wait_for("the old password is refused", LIMIT, async || {
        Ok(database.sql_as(&old, "SELECT 3").await.err())
    });
    let refused = refused.await.unwrap();
    assert!(
        refused.to_string().contains("authentication failed"),
        "{refused:#}"
    );
}

#[tokio::test]
async fn poolers_side_by_side_have_addresses_of_their_own() {
    let (one, other) = tokio::join!(
        Database::ready("beside-one", 1),
        Database::ready("beside-other", 1)
    );
    one.sql_soon("CREATE TABLE only_here ()").await;
    assert!(other.sql("SELECT FROM only_here").await.is_err());
    let address = |service: Value| service["status"]["loadBalancer"]["ingress"][0]["ip"].clone();
    let one = address(one.get("services", "daap-orders-pooler").await);
    let other = address(other.get("services", "daap-orders-pooler").await);
    assert_ne!(one, other);
}

#[tokio::test]
async fn a_port_is_forwarded_through_the_api_server() {
    let database = Database::ready("forward", 1).await;
    let client = sandbox().await.client(User::Admin).await;
    let pods: Api<Pod> = Api::namespaced(client, &database.namespace);
    let mut forwarder = pods.portforward("daap-orders-1", &[5432]).await.unwrap();
    let mut stream = forwarder.take_stream(5432).unwrap();
    // PostgreSQL's SSLRequest, which it answers with one byte: S for yes.
    stream
        .write_all(&[0, 0, 0, 8, 4, 210, 22, 47])
        .await
        .unwrap();
    let mut answer = [0];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"S");
    drop(stream);
    forwarder.join().await.unwrap();

    let mut forwarder = pods.portforward("daap-orders-1", &[1]).await.unwrap();
    let error = forwarder.take_error(1).unwrap().await;
    assert!(error.unwrap_or_default().contains("refused"));
}
