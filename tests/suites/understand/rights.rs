//! What those see who may not see everything.

use daap_tests::place::{Place, eventually, run, text};
use daap_tests::sandbox::User;

use crate::advice::{NAME, explained};

#[tokio::test(flavor = "multi_thread")]
async fn who_may_see_less_is_told_so() {
    let place = Place::shared("understand-rights").await;
    place.create(
        NAME,
        &["--wait=false", "--image", "registry.test/missing:17.6"],
    );
    explained(&place, "image").await;
    // A viewer sees why, too: reading is enough.
    let bind = [
        "create",
        "rolebinding",
        "viewer",
        "--clusterrole=daap-viewer",
        "--user=ann",
    ];
    place.kubectl(&bind, None);
    let as_ann = |words: &[&str]| {
        let mut command = place.sandbox.plugin(User::Admin);
        command
            .args(words)
            .args(["-n", place.namespace, "--as", "ann"]);
        run(&mut command, None)
    };
    let said = eventually("the rights are known", || {
        let output = as_ann(&["explain", NAME]);
        output.status.success().then(|| text(&output))
    });
    let said = said.await;
    assert!(
        said.contains("the image registry.test/missing:17.6 cannot be pulled"),
        "{said}"
    );
    let described = text(&as_ann(&["describe", NAME]));
    assert!(described.contains("ErrImagePull"), "{described}");
    // Who may see nothing is told what is missing.
    let mut command = place.sandbox.plugin(User::Admin);
    command.args(["explain", NAME, "-n", place.namespace, "--as", "nobody"]);
    let output = run(&mut command, None);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("nobody may not get clusters"),
        "{}",
        text(&output)
    );
}
