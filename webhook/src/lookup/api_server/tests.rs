use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use rstest::rstest;

use super::*;

const ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

/// The status and the body for a path; status 0 for none at all.
type Answers = dyn Fn(&str) -> (u16, Value) + Send + Sync;

/// An API server that notes what it is asked.
#[derive(Clone)]
struct ApiServer {
    asked: Arc<Mutex<Vec<(Method, String, Value)>>>,
    answers: Arc<Answers>,
}

impl ApiServer {
    /// Answers every request alike.
    fn answering(status: u16, body: Value) -> Self {
        Self::by_path(move |_| (status, body.clone()))
    }

    fn by_path(answers: impl Fn(&str) -> (u16, Value) + Send + Sync + 'static) -> Self {
        Self {
            asked: Arc::default(),
            answers: Arc::new(answers),
        }
    }

    fn lookup(&self) -> KubeLookup {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect_bytes().await?;
                let sent = serde_json::from_slice(&body).unwrap_or_default();
                let path = head.uri.path_and_query().map(ToString::to_string);
                let path = path.unwrap_or_default();
                let (status, body) = (server.answers)(&path);
                server.asked.lock().unwrap().push((head.method, path, sent));
                if status == 0 {
                    futures::future::pending::<()>().await;
                }
                let answer = Body::from(body.to_string().into_bytes());
                let status = StatusCode::from_u16(status).unwrap();
                Ok::<_, kube::Error>(Response::builder().status(status).body(answer).unwrap())
            }
        });
        KubeLookup::new(Client::new(service, "default"))
    }

    fn paths(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(_, path, _)| path.clone()).collect()
    }
}

fn not_found(name: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound",
        "code": 404, "message": "not found", "details": {"name": name, "kind": "clusters"}})
}

fn failure(code: u16, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "reason": "", "message": message})
}

fn cluster(name: &str) -> Question {
    Question::Cluster {
        namespace: "apps".into(),
        name: name.into(),
    }
}

fn own(team: &str) -> Question {
    Question::MayOwn {
        namespace: "apps".into(),
        team: team.into(),
    }
}

fn tombstone(id: &str) -> Question {
    Question::Tombstone {
        namespace: "apps".into(),
        id: id.into(),
    }
}

fn under_names() -> Question {
    Question::UnderNames {
        namespace: "apps".into(),
        cluster: "daap-a".into(),
    }
}

fn naming() -> Question {
    Question::Naming {
        namespace: "apps".into(),
        cluster: "daap-a".into(),
    }
}

fn ann() -> Caller {
    Caller {
        user: "ann".into(),
        uid: "7".into(),
        groups: vec!["staff".into()],
        extra: [("scopes".to_owned(), vec!["all".to_owned()])].into(),
    }
}

#[tokio::test]
async fn an_object_keeps_what_we_know_nothing_of() {
    let stored = json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": {"name": "daap-a"}, "spec": {"instances": "three", "new": {"x": 1}}});
    let server = ApiServer::answering(200, stored.clone());
    let answer = server.lookup().answer(&ann(), &cluster("daap-a")).await;
    assert_eq!(answer.unwrap(), Answer::Object(Some(stored)));
    let path = "/apis/postgresql.cnpg.io/v1/namespaces/apps/clusters/daap-a";
    assert_eq!(server.paths(), [path]);
}

#[tokio::test]
async fn an_object_that_does_not_exist_is_none() {
    let server = ApiServer::answering(404, not_found("daap-a"));
    let answer = server.lookup().answer(&ann(), &cluster("daap-a")).await;
    assert_eq!(answer.unwrap(), Answer::Object(None));
}

#[rstest]
#[case::type_not_served(404, json!("404 page not found"), cluster("daap-a"), false)]
#[case::another_not_found(404, not_found(""), cluster("daap-a"), false)]
#[case::no_rights(403, failure(403, "may not"), cluster("daap-a"), false)]
#[case::no_rights_to_ask(403, failure(403, "may not"), own("payments"), false)]
#[case::no_rights_to_list(403, failure(403, "may not"), tombstone(ID), false)]
#[case::no_rights_to_secrets(403, failure(403, "may not"), under_names(), false)]
#[case::no_rights_to_dependents(403, failure(403, "may not"), naming(), false)]
#[case::dependents_not_served(404, json!("404 page not found"), naming(), false)]
#[case::overloaded(429, failure(429, "slow down"), cluster("daap-a"), true)]
#[case::broken(500, failure(500, "etcd"), own("payments"), true)]
#[case::unavailable(503, failure(503, "starting"), tombstone(ID), true)]
#[case::never_answers(0, Value::Null, own("payments"), true)]
#[tokio::test]
async fn an_error_is_never_no_match(
    #[case] status: u16,
    #[case] body: Value,
    #[case] question: Question,
    #[case] passes: bool,
) {
    let server = ApiServer::answering(status, body);
    let error = server.lookup().answer(&ann(), &question).await.unwrap_err();
    assert_eq!(error.passes(), passes, "{error}");
    assert!(
        error.to_string().starts_with("could not look up "),
        "{error}"
    );
}

#[rstest]
#[case::empty(cluster(""))]
#[case::another_path(cluster("../../../../../../api/v1/namespaces/kube-system/secrets/x"))]
#[case::a_query(cluster("daap-a?watch=true"))]
#[case::upper_case(cluster("Daap"))]
#[case::no_id(tombstone(""))]
#[case::another_selector(tombstone("x,daap.dev/deleted!=true"))]
#[case::no_team(own(""))]
#[case::every_team(own("*"))]
#[tokio::test]
async fn what_cannot_exist_is_not_asked_for(#[case] question: Question) {
    let server = ApiServer::answering(200, json!({}));
    let answer = server.lookup().answer(&ann(), &question).await.unwrap();
    assert!(
        [Answer::Object(None), refused()].contains(&answer),
        "{answer:?}"
    );
    assert_eq!(server.paths(), [""; 0]);
}

#[tokio::test]
async fn the_authorizer_hears_all_of_the_caller_once() {
    let allowed =
        json!({"metadata": {}, "spec": {}, "status": {"allowed": true, "reason": "a binding"}});
    let server = ApiServer::answering(201, allowed);
    let lookup = server.lookup();
    for _ in 0..2 {
        let Answer::Access(access) = lookup.answer(&ann(), &own("payments")).await.unwrap() else {
            panic!("an access");
        };
        assert!(access.allowed);
        assert_eq!(access.reason, "a binding");
    }
    let asked = server.asked.lock().unwrap().clone();
    let [(method, path, sent)] = asked.as_slice() else {
        panic!("asked once, not {asked:?}");
    };
    assert_eq!(method, Method::POST);
    assert!(path.starts_with("/apis/authorization.k8s.io/v1/subjectaccessreviews"));
    assert_eq!(
        sent["spec"],
        json!({"user": "ann", "uid": "7", "groups": ["staff"], "extra": {"scopes": ["all"]},
            "resourceAttributes": {"group": "daap.dev", "version": "v1", "resource": "teams",
                "name": "payments", "namespace": "apps", "verb": "own"}})
    );
    let mut other = ann();
    other.groups.clear();
    lookup.answer(&other, &own("payments")).await.unwrap();
    assert_eq!(
        server.paths().len(),
        2,
        "another caller is another question"
    );
}

#[rstest]
#[case::no(json!({"allowed": false}))]
#[case::error(json!({"allowed": true, "evaluationError": "a role is missing"}))]
#[case::denied(json!({"allowed": true, "denied": true}))]
#[tokio::test]
async fn whatever_is_no_clear_yes_is_no(#[case] status: Value) {
    let server = ApiServer::answering(201, json!({"metadata": {}, "spec": {}, "status": status}));
    let answer = server.lookup().answer(&ann(), &own("payments")).await;
    assert_eq!(answer.unwrap(), refused());
}

#[tokio::test]
async fn two_tombstones_of_one_id_are_none_to_trust() {
    let map = |name: &str| json!({"metadata": {"name": name}});
    let list = json!({"metadata": {}, "items": [map("daap-a-67e55044"), map("forged")]});
    let server = ApiServer::answering(200, list);
    let error = server
        .lookup()
        .answer(&ann(), &tombstone(ID))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("daap-a-67e55044, forged"),
        "{error}"
    );
    assert!(!error.passes());
}

#[tokio::test]
async fn volumes_are_found_by_owner() {
    let volume = |name: &str, uid: &str| {
        json!({"metadata": {"name": name, "ownerReferences":
            [{"apiVersion": "v1", "kind": "Cluster", "name": "daap-a", "uid": uid}]}})
    };
    let list = json!({"metadata": {}, "items": [volume("one", "1"), volume("two", "2")]});
    let question = Question::VolumesOwnedBy {
        namespace: "apps".into(),
        uid: "2".into(),
    };
    let answer = ApiServer::answering(200, list)
        .lookup()
        .answer(&ann(), &question)
        .await;
    let Ok(Answer::Objects(found)) = answer else {
        panic!("objects");
    };
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["metadata"]["name"], "two");
}

#[tokio::test]
async fn tombstones_are_found_by_the_name_of_the_cluster() {
    let map = |map: &str, name: &str| json!({"metadata": {"name": map, "labels": {"daap.dev/name": name}, "annotations": {"a": "b"}}});
    let long = "a-name-that-is-longer-than-what-a-cluster-may-be-called";
    let cluster = DatabaseName::parse(long).unwrap().cluster();
    let list = json!({"metadata": {}, "items": [map("one", "orders"), map("two", long), map("three", "?")]});
    let server = ApiServer::answering(200, list);
    let question = Question::TombstonesOfCluster {
        namespace: "apps".into(),
        cluster,
    };
    let answer = server.lookup().answer(&ann(), &question).await;
    let Ok(Answer::Objects(found)) = answer else {
        panic!("objects");
    };
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["metadata"]["name"], "two");
    assert_eq!(found[0]["metadata"]["annotations"]["a"], "b");
    assert_eq!(
        server.paths(),
        ["/api/v1/namespaces/apps/configmaps?&labelSelector=daap.dev%2Fdeleted%3Dtrue"]
    );
}

/// Answers as a list of one page that goes on, and as the discovery of a version without roles.
#[tokio::test]
async fn what_names_a_cluster_is_found_page_by_page_in_what_is_served() {
    let object = |name: &str, cluster: Value| json!({"metadata": {"name": name}, "spec": {"cluster": cluster}});
    let list = move |path: &str| match path {
        path if path.contains("/databaseroles?") => (404, json!("404 page not found")),
        path if path.ends_with("/postgresql.cnpg.io/v1") => {
            let served = ["poolers", "databases", "backups"].map(|name| {
                json!({"name": name, "singularName": "", "namespaced": true, "kind": name, "verbs": []})
            });
            (
                200,
                json!({"groupVersion": "postgresql.cnpg.io/v1", "resources": served}),
            )
        }
        path if !path.contains("/poolers?") => (200, json!({"metadata": {}, "items": []})),
        path if path.contains("continue=more") => (
            200,
            json!({"metadata": {}, "items": [object("rw", json!({"name": "daap-a"}))]}),
        ),
        _ => (
            200,
            json!({"metadata": {"continue": "more"}, "items":
                [object("other", json!({"name": "daap-b"})), object("none", Value::Null),
                    json!({"metadata": {"name": "without-spec"}}), object("ro", json!({"name": "daap-a"}))]}),
        ),
    };
    let server = ApiServer::by_path(list);
    let answer = server.lookup().answer(&ann(), &naming()).await;
    let Ok(Answer::Objects(found)) = answer else {
        panic!("objects, not {answer:?}");
    };
    let names: Vec<&Value> = found
        .iter()
        .map(|found| &found["metadata"]["name"])
        .collect();
    assert_eq!(names, ["ro", "rw"]);
    assert_eq!(found[0]["kind"], "Pooler");
}

#[test]
fn knows_the_volumes_of_a_cluster() {
    assert!(is_instance_volume("daap-a-1", "daap-a"));
    assert!(is_instance_volume("daap-a-12-wal", "daap-a"));
    assert!(!is_instance_volume("daap-a-b-1", "daap-a"));
    assert!(!is_instance_volume("daap-a-", "daap-a"));
    assert!(!is_instance_volume("daap-ab-1", "daap-a"));
}
