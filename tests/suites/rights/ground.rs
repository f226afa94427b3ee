//! The sandbox of this suite: the API server writes down what is asked, and whoever is logged in may
//! no more than Kubernetes gives to everybody.

use daap_tests::place::{Place, text};
use daap_tests::sandbox::{Sandbox, SandboxOptions, User};
use tokio::sync::OnceCell;

/// The one sandbox of this suite.
pub(crate) async fn sandbox() -> &'static Sandbox {
    static SHARED: OnceCell<Sandbox> = OnceCell::const_new();
    SHARED
        .get_or_init(|| async {
            let options = SandboxOptions {
                audit: true,
                ..SandboxOptions::default()
            };
            let sandbox = Sandbox::start_with(options).await;
            let sandbox =
                sandbox.unwrap_or_else(|error| panic!("failed to start the sandbox: {error:#}"));
            // What manifests/base/discovery.yaml gives is a right like any other here.
            for words in [
                &["delete", "clusterrolebinding", "daap-discovery"][..],
                &["delete", "rolebinding", "daap-policy", "-n", "daap-system"],
            ] {
                let output = sandbox.kubectl(User::Harness).args(words).output().unwrap();
                assert!(output.status.success(), "{words:?}: {}", text(&output));
            }
            sandbox
        })
        .await
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// Both streams.
    pub(crate) said: String,
}

/// Runs the plugin as somebody who exists by their rights alone.
pub(crate) fn run_as(place: &Place<'_>, user: &str, words: &[&str]) -> Ended {
    let at = words.iter().position(|word| *word == "--");
    let (before, after) = words.split_at(at.unwrap_or(words.len()));
    let words = [before, &["--as", user], after].concat();
    let output = place.plugin(User::Harness, &words);
    Ended {
        code: output.status.code(),
        said: text(&output),
    }
}
