//! Reviews of Poolers.

use serde_json::{Value, json};

use super::objects::merge;
use super::world::{OWNER, World};
use super::{Expected, MUTATE, Review, VALIDATE, review_of};

pub(super) fn of_poolers(world: &World) -> Vec<Review> {
    let stored = &world.pooler;
    let mut asked = stored.clone();
    merge(
        &mut asked,
        &json!({"metadata": {"uid": null, "managedFields": null, "ownerReferences": null, "generation": null,
                "resourceVersion": null, "creationTimestamp": null, "labels": null},
            "spec": {"pgbouncer": {"poolMode": "session"}}, "status": null}),
    );
    let mut new = stored.clone();
    merge(&mut new, &json!({"status": null}));
    let mut tuned = stored.clone();
    merge(
        &mut tuned,
        &json!({"spec": {"instances": 2, "pgbouncer": {"parameters": {"max_client_conn": "500"}}}}),
    );
    let mut bad = stored.clone();
    merge(
        &mut bad,
        &json!({"metadata": {"labels": {"daap.dev/owner-team": "billing"}}, "spec": {
            "instances": 9, "pgbouncer": {"poolMode": "session", "authQuery": "select 1"},
            "template": {"spec": {"containers": [{"name": "pgbouncer", "env": [{"name": "X"}]}], "volumes": [{"name": "x"}], "hostNetwork": true, "dnsPolicy": "None"}},
            "serviceTemplate": {"spec": {"type": "LoadBalancer", "externalIPs": ["10.0.0.1"]}},
        }}),
    );
    let review = |name, path, expected, operation, object: &Value, old: &Value| {
        let review = review_of("poolers", "Pooler", operation, OWNER, object, old);
        Review {
            name,
            path,
            expected,
            ages: false,
            review,
        }
    };
    let nothing = &Value::Null;
    vec![
        review(
            "pooler-mutate-create",
            MUTATE,
            Expected::Patched,
            "CREATE",
            &asked,
            nothing,
        ),
        review(
            "pooler-mutate-nothing",
            MUTATE,
            Expected::Allowed,
            "UPDATE",
            &tuned,
            stored,
        ),
        review(
            "pooler-validate-create",
            VALIDATE,
            Expected::Allowed,
            "CREATE",
            &new,
            nothing,
        ),
        review(
            "pooler-validate-update",
            VALIDATE,
            Expected::Allowed,
            "UPDATE",
            &tuned,
            stored,
        ),
        review(
            "pooler-validate-deny",
            VALIDATE,
            Expected::Denied,
            "UPDATE",
            &bad,
            stored,
        ),
        review(
            "pooler-validate-delete",
            VALIDATE,
            Expected::Allowed,
            "DELETE",
            nothing,
            stored,
        ),
    ]
}
