//! `kubectl daap diff`

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Args;
use daap_crds::object::map_at;
use futures::future::try_join;
use serde_json::Value;
use similar::TextDiff;

use super::apply::FileFlags;
use crate::context::Context;
use crate::database::Name;
use crate::failure::Failure;
use crate::kubernetes::Kind;
use crate::operation::repair_differences;
use crate::output::{stdout, yaml};

const EXAMPLES: &str = "\
Examples:
  kubectl daap diff orders -n apps
  kubectl daap diff orders || kubectl daap repair orders
  kubectl daap diff -f databases.yaml || kubectl daap apply -f databases.yaml";

/// Lines around a difference, as `diff -u` shows them.
const CONTEXT: usize = 3;

/// Arguments of `diff`.
#[derive(Args, Debug)]
#[command(
    after_help = EXAMPLES,
    override_usage = "kubectl daap diff [OPTIONS] <NAME>\n       kubectl daap diff [OPTIONS] --filename <FILE>"
)]
pub(crate) struct DiffArgs {
    /// Name of the database
    #[arg(
        value_name = "NAME",
        required_unless_present = "files",
        conflicts_with = "files"
    )]
    database: Option<OsString>,
    #[command(flatten)]
    files: Option<FileFlags>,
}

/// Shows what `repair` would write, or `apply` where files are given. Exit codes as of `kubectl diff`: 0 nothing, 1 something, 2 an
/// error.
pub(crate) async fn run(context: &Context, args: DiffArgs) -> Result<ExitCode, Failure> {
    match diff(context, &args).await.map_err(Failure::above_1)? {
        text if text.is_empty() => Ok(ExitCode::SUCCESS),
        text => {
            stdout(&text)?;
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn diff(context: &Context, args: &DiffArgs) -> Result<String, Failure> {
    if let Some(files) = &args.files {
        return files.differences(context).await;
    }
    let name = Name::parse(args.database.as_deref().unwrap_or_default())?;
    let k8s = context.kubernetes().await?;
    let (cluster_name, pooler_name) = (name.cluster(), name.pooler());
    let (cluster, pooler) = try_join(
        k8s.get(Kind::Cluster, &cluster_name),
        k8s.get(Kind::Pooler, &pooler_name),
    )
    .await?;
    let cluster = cluster.ok_or_else(|| super::not_found(&name, k8s))?;
    let mut text = String::new();
    for (object, found, recorded) in repair_differences(&name, &cluster, pooler.as_ref())? {
        if found != recorded {
            text.push_str(&unified(
                (&format!("{object} (found)"), &shown(found)?),
                (&format!("{object} (recorded)"), &shown(recorded)?),
            ));
        }
    }
    Ok(text)
}

/// What people compare: without what the API server and the operator keep for themselves.
fn shown(mut object: Value) -> Result<String, Failure> {
    if object.as_object().is_none_or(serde_json::Map::is_empty) {
        return Ok(String::new());
    }
    let metadata = map_at(&mut object, &["metadata"]);
    for key in ["managedFields", "resourceVersion", "generation"] {
        metadata.remove(key);
    }
    map_at(&mut object, &[]).remove("status");
    yaml(&object)
}

/// Each side is its name and its text.
pub(super) fn unified(before: (&str, &str), after: (&str, &str)) -> String {
    TextDiff::from_lines(before.1, after.1)
        .unified_diff()
        .context_radius(CONTEXT)
        .header(before.0, after.0)
        .to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shows_what_repair_would_write() {
        let object = |instances: u32| json!({"metadata": {"name": "daap-orders", "resourceVersion": "7"}, "spec": {"instances": instances}, "status": {"phase": "x"}});
        let (found, recorded) = (shown(object(5)).unwrap(), shown(object(1)).unwrap());
        insta::assert_snapshot!(unified(("cluster/daap-orders (found)", &found), ("cluster/daap-orders (recorded)", &recorded)), @r"
        --- cluster/daap-orders (found)
        +++ cluster/daap-orders (recorded)
        @@ -1,4 +1,4 @@
         metadata:
           name: daap-orders
         spec:
        -  instances: 5
        +  instances: 1
        ");
    }

    #[test]
    fn what_is_missing_is_shown_whole() {
        let text = unified(("x", &shown(json!({})).unwrap()), ("y", "a: 1\nb: 2\n"));
        assert!(text.contains("+a: 1\n+b: 2\n"), "{text}");
    }
}
